//! The pure decisions of the actors, for whoever wants to look at one alone, as benchmarks do.
//!
//! Values and functions that take the time as an argument. No running fleet can be reached from
//! here: its actors apply these rules to state that is theirs.

pub use crate::host::backoff::pause;
pub use crate::rate_limit::bucket::{Bucket, Rate};
pub use crate::registry::lru::Places;
