//! The answer of a tool, and how it becomes JSON.
//!
//! A large output is written straight into the response: [`Answer::rendered`] keeps one value and
//! serialises it twice, as text through `Display` and as structure through `Serialize`, so that
//! neither a `String` of the text nor a `serde_json::Value` of the structure is ever built.

use std::any::Any;
use std::fmt::{self, Display};
use std::sync::Arc;

use rmcp::model::{CallToolResult, ContentBlock};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::era::{Era, Version};

/// What a tool answers.
#[derive(Debug, Default)]
pub struct Answer {
    result: CallToolResult,
    value: Option<Box<dyn Rendered>>,
    hold: Hold,
}

impl Answer {
    /// An answer of ready content.
    pub fn new(result: CallToolResult) -> Self {
        Self {
            result,
            value: None,
            hold: Hold::default(),
        }
    }

    /// A successful answer whose `structuredContent` is `value` serialised (it must serialise to an
    /// object: the older versions allow nothing else) and whose first text block is `value`
    /// displayed.
    pub fn rendered<T>(value: T) -> Self
    where
        T: Serialize + Display + Send + Sync + 'static,
    {
        let result = CallToolResult::success(Vec::new());
        Self {
            result,
            value: Some(Box::new(value)),
            hold: Hold::default(),
        }
    }

    /// One text block.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(CallToolResult::success(vec![ContentBlock::text(text)]))
    }

    /// Marks the answer as the report of a failure.
    #[must_use]
    pub fn failed(mut self) -> Self {
        self.result.is_error = Some(true);
        self
    }

    /// Whether the answer reports a failure.
    pub fn is_failure(&self) -> bool {
        self.result.is_error == Some(true)
    }

    /// Adds a content block behind what is there.
    #[must_use]
    pub fn with_block(mut self, block: ContentBlock) -> Self {
        self.result.content.push(block);
        self
    }

    /// Keeps `thing` (a memory permit, say) until the response has been written or dropped.
    #[must_use]
    pub fn with_hold(mut self, thing: impl Any + Send + Sync) -> Self {
        self.hold.push(thing);
        self
    }

    pub(super) fn into_parts(self, version: Version) -> (ToolResult, Hold) {
        (ToolResult::new(self.result, self.value, version), self.hold)
    }
}

impl From<CallToolResult> for Answer {
    fn from(result: CallToolResult) -> Self {
        Self::new(result)
    }
}

/// Things that must outlive the response they belong to.
#[derive(Clone, Default)]
pub struct Hold(Vec<Arc<dyn Any + Send + Sync>>);

impl Hold {
    /// Adds a thing.
    pub fn push(&mut self, thing: impl Any + Send + Sync) {
        self.0.push(Arc::new(thing));
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hold({})", self.0.len())
    }
}

/// A value that can be shown in both forms.
trait Rendered: erased_serde::Serialize + Display + Send + Sync {}

impl<T: Serialize + Display + Send + Sync> Rendered for T {}

impl fmt::Debug for dyn Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Output of a remote command: none of a log's business.
        f.write_str("Rendered")
    }
}

/// A `CallToolResult` on its way to the wire: the model's own serialisation, with the rendered
/// value in its two places.
#[derive(Debug)]
pub(super) struct ToolResult {
    pub(super) result: CallToolResult,
    value: Option<Box<dyn Rendered>>,
    structure: bool,
}

impl ToolResult {
    /// Leaves out what `version` does not know: 2025-03-26 has neither `structuredContent` nor
    /// `resource_link`; before 2026-07-28 `structuredContent` is an object.
    fn new(mut result: CallToolResult, value: Option<Box<dyn Rendered>>, version: Version) -> Self {
        let structure = version > Version::V20250326;
        if !structure {
            result.structured_content = None;
            result.content.iter_mut().for_each(link_to_text);
        } else if version.era() == Era::Legacy {
            result.structured_content = result.structured_content.filter(|value| value.is_object());
        }
        Self {
            result,
            value,
            structure,
        }
    }
}

fn link_to_text(block: &mut ContentBlock) {
    if let ContentBlock::ResourceLink(link) = block {
        *block = ContentBlock::text(format!("{}: {}", link.name, link.uri));
    }
}

impl Serialize for ToolResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            result,
            value,
            structure,
        } = self;
        let Some(value) = value else {
            return result.serialize(serializer);
        };
        let mut map = serializer.serialize_map(None)?;
        if let Some(kind) = &result.result_type {
            map.serialize_entry("resultType", kind)?;
        }
        map.serialize_entry(
            "content",
            &Content {
                value: value.as_ref(),
                rest: &result.content,
            },
        )?;
        if *structure {
            let value: &dyn erased_serde::Serialize = value.as_ref();
            map.serialize_entry("structuredContent", value)?;
        }
        if let Some(failed) = result.is_error {
            map.serialize_entry("isError", &failed)?;
        }
        if let Some(meta) = &result.meta {
            map.serialize_entry("_meta", meta)?;
        }
        map.end()
    }
}

/// The text twin of a value, then the blocks that were added.
struct Content<'a> {
    value: &'a dyn Rendered,
    rest: &'a [ContentBlock],
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut blocks = serializer.serialize_seq(Some(1 + self.rest.len()))?;
        blocks.serialize_element(&Text(self.value))?;
        for block in self.rest {
            blocks.serialize_element(block)?;
        }
        blocks.end()
    }
}

/// A text block whose text is written by `Display`, piece by piece.
struct Text<'a>(&'a dyn Rendered);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Shown<'a>(&'a dyn Rendered);
        impl Serialize for Shown<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self.0)
            }
        }
        let mut block = serializer.serialize_map(Some(2))?;
        block.serialize_entry("type", "text")?;
        block.serialize_entry("text", &Shown(self.0))?;
        block.end()
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::Resource;
    use serde_json::{Value, json};

    use super::*;

    #[derive(serde::Serialize)]
    struct Output {
        stdout: &'static str,
        code: i32,
    }

    impl Display for Output {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}[exit code: {}]", self.stdout, self.code)
        }
    }

    fn sent(answer: Answer, version: Version) -> Value {
        serde_json::to_value(answer.into_parts(version).0).unwrap()
    }

    #[test]
    fn a_rendered_value_is_text_and_structure() {
        let answer = Answer::rendered(Output {
            stdout: "a\"\n",
            code: 3,
        })
        .failed()
        .with_block(ContentBlock::text("and more"));
        assert!(answer.is_failure());
        assert_eq!(
            sent(answer, Version::V20260728),
            json!({
                "resultType": "complete",
                "content": [
                    {"type": "text", "text": "a\"\n[exit code: 3]"},
                    {"type": "text", "text": "and more"},
                ],
                "structuredContent": {"stdout": "a\"\n", "code": 3},
                "isError": true,
            })
        );
    }

    #[test]
    fn the_oldest_version_gets_neither_structure_nor_links() {
        let answer = Answer::rendered(Output {
            stdout: "",
            code: 0,
        })
        .with_block(ContentBlock::resource_link(Resource::new("a://b", "B")));
        let sent = sent(answer, Version::V20250326);
        assert!(sent.get("structuredContent").is_none());
        assert_eq!(
            sent["content"][1],
            json!({"type": "text", "text": "B: a://b"})
        );
    }

    #[test]
    fn only_the_newest_version_may_structure_anything_but_objects() {
        let list = || Answer::new(CallToolResult::structured(json!([1])));
        assert_eq!(
            sent(list(), Version::V20260728)["structuredContent"],
            json!([1])
        );
        assert!(
            sent(list(), Version::V20251125)
                .get("structuredContent")
                .is_none()
        );
    }

    #[test]
    fn what_is_held_lives_as_long_as_the_hold() {
        let permit = Arc::new(());
        let (result, hold) = Answer::text("x")
            .with_hold(Arc::clone(&permit))
            .into_parts(Version::V20260728);
        drop(result);
        assert_eq!(Arc::strong_count(&permit), 2);
        drop(hold);
        assert_eq!(Arc::strong_count(&permit), 1);
    }
}
