//! The protocol engine.

pub mod answer;
pub mod catalogue;
pub mod era;
pub mod error;
pub mod progress;

pub use answer::{Answer, Hold};
pub use catalogue::{
    Catalogue, Completion, Contents, Context, Offers, PromptCall, ResourceRead, ToolCall,
};
pub use error::CallError;
pub use progress::Progress;
