//! Logs to stderr.
