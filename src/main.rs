//! Parses, starts, waits, and maps the end to an exit code.

fn main() {}
