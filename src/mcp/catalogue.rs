//! What the protocol serves: one trait, filled elsewhere.
//!
//! The engine knows names, schemas and answers only through [`Catalogue`]; it never learns what a
//! tool does, and a catalogue never learns how a request travelled.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::Extensions;
use rmcp::model::{
    CompletionInfo, GetPromptResult, Implementation, JsonObject, Prompt, Reference, Resource,
    ResourceContents, ResourceTemplate, Tool,
};
use tokio::time::Instant;

use super::answer::{Answer, Hold};
use super::era::Version;
use super::error::CallError;
use super::progress::Progress;

/// The feature groups a server advertises. Methods of a group that is not offered do not exist
/// (-32601): the specification wants capabilities and methods to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offers {
    /// `tools/list`, `tools/call`.
    pub tools: bool,
    /// `resources/list`, `resources/templates/list`, `resources/read`.
    pub resources: bool,
    /// `prompts/list`, `prompts/get`.
    pub prompts: bool,
    /// `completion/complete`.
    pub completions: bool,
}

impl Default for Offers {
    fn default() -> Self {
        Self {
            tools: true,
            resources: true,
            prompts: true,
            completions: true,
        }
    }
}

/// What accompanies every call into a catalogue.
#[derive(Debug, Clone)]
pub struct Context {
    /// The protocol version this message is answered in.
    pub version: Version,
    /// When the caller stops waiting. Two seconds later the engine answers in the handler's place.
    pub deadline: Instant,
    /// Where to report progress; silent unless the client asked for it.
    pub progress: Progress,
    /// What the transport knows of the caller: the principal the gate inserted, the peer address.
    pub extensions: Extensions,
}

/// One `tools/call`. The name is that of a tool the catalogue lists for this caller.
#[derive(Debug)]
pub struct ToolCall {
    /// The tool.
    pub name: String,
    /// Its arguments, as sent; not validated against the schema. Empty when the client sent none.
    pub arguments: JsonObject,
    /// The surroundings of the call.
    pub context: Context,
}

/// One `resources/read`.
#[derive(Debug)]
pub struct ResourceRead {
    /// The URI, as sent.
    pub uri: String,
    /// The surroundings of the call.
    pub context: Context,
}

/// What a resource contains. Never empty: a resource that is not there is
/// [`CallError::ResourceNotFound`].
#[derive(Debug, Default)]
pub struct Contents {
    /// Texts or blobs.
    pub contents: Vec<ResourceContents>,
    /// How long a client may keep them, in milliseconds; 0 means not at all.
    pub ttl_ms: u64,
    /// Kept alive until the response has been written or dropped.
    pub hold: Hold,
}

/// One `prompts/get`. The name is that of a prompt the catalogue lists for this caller.
#[derive(Debug)]
pub struct PromptCall {
    /// The prompt.
    pub name: String,
    /// Its arguments; required ones are present.
    pub arguments: JsonObject,
    /// The surroundings of the call.
    pub context: Context,
}

/// One `completion/complete`.
#[derive(Debug)]
pub struct Completion {
    /// The prompt or the resource template that is being filled in.
    pub reference: Reference,
    /// The argument or template variable to complete.
    pub argument: String,
    /// What has been typed so far.
    pub value: String,
    /// The arguments already chosen, by name.
    pub chosen: Vec<(String, String)>,
    /// The surroundings of the call.
    pub context: Context,
}

/// The tools, resources and prompts of one server.
///
/// Lists may depend on the caller, never on the connection, and must come in the same order each
/// time. One that is given again as the same `Arc` is not written again. Every future is dropped when the client goes away, cancels, or the time is over: what must
/// not stop half way belongs into a task of its own. A panic costs that one call (-32603).
pub trait Catalogue: Send + Sync + 'static {
    /// Name, version and description of the server. Read when the engine is built, like the
    /// instructions, and when an answer names the server: always the same.
    fn implementation(&self) -> Implementation;

    /// Guidance for the model, sent with `initialize` and `server/discover`.
    fn instructions(&self) -> Option<String> {
        None
    }

    /// The feature groups served. Read once, when the engine is built.
    fn offers(&self) -> Offers {
        Offers::default()
    }

    /// The tools this caller may see. A tool that is not in this list cannot be called.
    fn tools(&self, caller: &Extensions) -> Arc<[Tool]>;

    /// Runs a tool.
    fn call_tool(&self, call: ToolCall) -> BoxFuture<'_, Result<Answer, CallError>>;

    /// The resources this caller may see.
    fn resources(&self, context: Context) -> BoxFuture<'_, Result<Arc<[Resource]>, CallError>> {
        let _ = context;
        Box::pin(async { Ok(Arc::from([])) })
    }

    /// The resource templates this caller may see.
    fn resource_templates(&self, caller: &Extensions) -> Arc<[ResourceTemplate]> {
        let _ = caller;
        Arc::from([])
    }

    /// Reads a resource.
    fn read_resource(&self, read: ResourceRead) -> BoxFuture<'_, Result<Contents, CallError>> {
        Box::pin(async move { Err(CallError::ResourceNotFound { uri: read.uri }) })
    }

    /// The prompts this caller may see.
    fn prompts(&self, caller: &Extensions) -> Arc<[Prompt]> {
        let _ = caller;
        Arc::from([])
    }

    /// Fills in a prompt.
    fn prompt(&self, call: PromptCall) -> BoxFuture<'_, Result<GetPromptResult, CallError>> {
        Box::pin(async move { Err(CallError::UnknownPrompt(call.name)) })
    }

    /// Suggests values for an argument: at most 100 are sent on. What is not known has no
    /// suggestions; it is not an error.
    fn complete(&self, asked: Completion) -> BoxFuture<'_, Result<CompletionInfo, CallError>> {
        let _ = asked;
        Box::pin(async { Ok(CompletionInfo::default()) })
    }
}
