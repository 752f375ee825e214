//! MCP over HTTP: one endpoint, `/mcp`, and `GET /health`.
//!
//! ```text
//! let engine = Engine::new(catalogue);
//! let server = Server::bind(address, engine, surroundings, settings).await?;
//! let drained: Drained = server.run(shutdown, grace).await;
//! ```
//!
//! The shell owns connections, headers, limits and the shape of the response; what a message means
//! is the engine's business ([`crate::mcp`]), and who may send one is the [`Gate`]'s.

mod gate;
mod settings;

pub use gate::{Caller, Denied, Gate, Open, Refusal};
pub use settings::{Observer, Settings, Surroundings};
