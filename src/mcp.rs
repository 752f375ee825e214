//! The Model Context Protocol: messages in, replies out, over a [`Catalogue`] that others fill.
//!
//! Two eras are served side by side and told apart for every message on its own: 2026-07-28, which
//! is stateless, and the three older versions with their `initialize` handshake, here without
//! sessions. A message passes
//!
//! 1. [`Message::parse`]: one JSON-RPC object, strictly read;
//! 2. the ladder (`ladder`, `layer`): era, version, routing headers, whether the method exists;
//! 3. `dispatch`: the method, under a deadline and a net for panics;
//! 4. `methods`: parameters into a call of the catalogue, its answer fitted to the version
//!    (`finish`) and written once.
//!
//! jsonrpsee is the engine behind 2 to 4 (`RpcServiceT`, `Methods`, `MethodResponse`); rmcp has the
//! types of the protocol. Transports are [`crate::http`] and [`crate::stdio`]; nothing here knows
//! what a tool does.
//!
//! Deliberate deviations: batches of 2025-03-26 are refused, sessions are never minted, a legacy
//! client that disconnects cancels its call as a modern one does (there is nowhere else to deliver
//! the answer), and `notifications/cancelled` over HTTP is accepted without effect (ids of
//! different clients cannot be told apart).

pub mod answer;
pub mod catalogue;
mod dispatch;
pub mod engine;
pub mod envelope;
pub mod era;
pub mod error;
mod finish;
mod header;
mod ladder;
pub mod layer;
mod lists;
mod methods;
pub mod param_header;
pub mod progress;
mod strict;
mod written;

pub use answer::{Answer, Hold};
pub use catalogue::{
    Catalogue, Completion, Contents, Context, Offers, PromptCall, ResourceRead, ToolCall,
};
pub use engine::{Call, Engine, Reply};
pub use envelope::{Id, Malformed, Message};
pub use era::{Era, Version};
pub use error::CallError;
pub use layer::Link;
pub use progress::Progress;
