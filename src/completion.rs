//! Suggestions while a prompt or a resource template is being filled in: names of hosts, and on them
//! paths, containers, compose projects and storage pools.
//!
//! Nothing here is an error: what is not known, may not be seen or does not answer in time has no
//! suggestions.

mod named;
mod path;

use crate::access::Principal;
use crate::mcp::Completion;
use crate::ops::Ops;
use crate::prompts::Prompt;
use crate::resources;
use fleet::Deadline;
use named::Named;
pub(crate) use path::below as paths_below;
use rmcp::model::{CompletionInfo, Reference};
use std::time::Duration;
use tokio::time::Instant;

/// How long somebody who types waits. The host may have to be connected to first.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// What could follow what has been typed, for this caller.
pub async fn complete(ops: &Ops, principal: &Principal, asked: &Completion) -> CompletionInfo {
    match (&asked.reference, asked.argument.as_str()) {
        (Reference::Prompt(prompt), argument)
            if Prompt::find(&prompt.name).is_some_and(|p| p.hosts().contains(&argument)) =>
        {
            hosts(ops, principal, &asked.value)
        }
        (Reference::Resource(template), "host") if resources::is_template(&template.uri) => {
            hosts(ops, principal, &asked.value)
        }
        // The variable is `path`; `*` only says how it is expanded (RFC 6570 §2.4.2).
        (Reference::Resource(template), "path" | "path*")
            if resources::is_template(&template.uri) =>
        {
            path::complete(ops, principal, asked).await
        }
        (Reference::Resource(template), variable) if resources::is_template(&template.uri) => {
            match Named::of(variable) {
                Some(named) => named.complete(ops, principal, asked).await,
                None => CompletionInfo::default(),
            }
        }
        _ => CompletionInfo::default(),
    }
}

fn hosts(ops: &Ops, principal: &Principal, typed: &str) -> CompletionInfo {
    let visible = ops.visible_hosts(principal).into_iter();
    let names = visible.filter(|host| host.as_str().starts_with(typed));
    suggest(names.map(|host| host.to_string()).collect(), true)
}

/// When somebody who types no longer waits.
fn patience(asked: &Completion) -> Deadline {
    Deadline::at(asked.context.deadline.min(Instant::now() + PATIENCE))
}

/// The first of these; `all` says whether there are no others than these.
fn suggest(mut values: Vec<String>, all: bool) -> CompletionInfo {
    let found = values.len();
    values.truncate(CompletionInfo::MAX_VALUES);
    let mut info = CompletionInfo::default();
    info.has_more = Some(!all || values.len() < found);
    info.total = u32::try_from(found).ok().filter(|_| all);
    info.values = values;
    info
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_are_sent_and_all_are_counted() {
        let some = |n: usize, all| {
            let info = suggest(vec!["x".to_owned(); n], all);
            (info.values.len(), info.total, info.has_more)
        };
        assert_eq!(some(0, true), (0, Some(0), Some(false)));
        assert_eq!(some(100, true), (100, Some(100), Some(false)));
        assert_eq!(some(101, true), (100, Some(101), Some(true)));
        assert_eq!(some(3, false), (3, None, Some(true)));
    }
}
