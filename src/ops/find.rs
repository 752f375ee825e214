//! Finding files.

mod glob;
#[allow(dead_code)]
mod moment;

pub use glob::NameGlob;
