//! Comparing files and directories.

mod endings;
mod unified;
