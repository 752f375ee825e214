//! The engine end to end, without a transport.
