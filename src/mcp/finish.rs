//! The members every result of an era has, put in or taken out in one place.
//!
//! 2026-07-28 wants `resultType` everywhere, `ttlMs` and `cacheScope` on what may be cached (Claude
//! Code drops a tool list without them) and the server's name in `_meta`. The older versions have
//! none of them.

use rmcp::model::{
    CacheScope, CallToolResult, CompleteResult, GetPromptResult, Implementation, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, MetaObject,
    ReadResourceResult, ResultType,
};
use serde_json::Value;

use super::era::Era;

const SERVER_INFO_KEY: &str = "io.modelcontextprotocol/serverInfo";

/// The members of a result that depend on the era.
pub(super) struct Common<'a> {
    kind: &'a mut Option<ResultType>,
    meta: &'a mut Option<MetaObject>,
    cache: Option<(&'a mut Option<u64>, &'a mut Option<CacheScope>)>,
}

/// A result that can be finished.
pub(super) trait Finish {
    fn common(&mut self) -> Common<'_>;

    /// Fits the result to `era`. `ttl_ms` counts only where the result may be cached; what depends
    /// on the caller is never shared between callers.
    fn finish(&mut self, era: Era, server: &Implementation, ttl_ms: u64) {
        let Common { kind, meta, cache } = self.common();
        match era {
            Era::Modern => {
                kind.get_or_insert(ResultType::COMPLETE);
                let info = serde_json::to_value(server).unwrap_or(Value::Null);
                meta.get_or_insert_default()
                    .insert(SERVER_INFO_KEY.to_owned(), info);
                if let Some((ttl, scope)) = cache {
                    *ttl = Some(ttl_ms);
                    *scope = Some(CacheScope::Private);
                }
            }
            Era::Legacy => {
                *kind = None;
                if let Some((ttl, scope)) = cache {
                    *ttl = None;
                    *scope = None;
                }
            }
        }
    }
}

macro_rules! cacheable {
    ($($result:ty),*) => {$(
        impl Finish for $result {
            fn common(&mut self) -> Common<'_> {
                Common {
                    kind: &mut self.result_type,
                    meta: &mut self.meta,
                    cache: Some((&mut self.ttl_ms, &mut self.cache_scope)),
                }
            }
        }
    )*};
}

cacheable!(
    ListToolsResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ReadResourceResult
);

macro_rules! uncacheable {
    ($($result:ty),*) => {$(
        impl Finish for $result {
            fn common(&mut self) -> Common<'_> {
                Common { kind: &mut self.result_type, meta: &mut self.meta, cache: None }
            }
        }
    )*};
}

uncacheable!(CallToolResult, GetPromptResult, CompleteResult);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn finished<R: Finish + serde::Serialize>(mut result: R, era: Era) -> Value {
        result.finish(era, &Implementation::new("s", "1"), 5);
        serde_json::to_value(result).unwrap()
    }

    #[test]
    fn a_modern_list_says_how_long_it_may_be_kept() {
        assert_eq!(
            finished(ListToolsResult::default(), Era::Modern),
            json!({"resultType": "complete", "ttlMs": 5, "cacheScope": "private", "tools": [],
                "_meta": {SERVER_INFO_KEY: {"name": "s", "version": "1"}}})
        );
    }

    #[test]
    fn a_legacy_list_says_nothing_of_the_kind() {
        let list = ListToolsResult::default()
            .with_ttl_ms(9)
            .with_cache_scope(CacheScope::Public);
        assert_eq!(finished(list, Era::Legacy), json!({"tools": []}));
    }

    #[test]
    fn a_completion_is_never_cached() {
        let sent = finished(CompleteResult::default(), Era::Modern);
        assert_eq!(sent["resultType"], "complete");
        assert!(sent.get("ttlMs").is_none());
    }
}
