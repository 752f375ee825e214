//! The guarantee of the support: it does not lie. Where a counter, a fault or a host of the harness
//! could quietly do nothing, every test above it would pass for no reason; these prove that it bites.

mod chaos;
mod client;
mod fleet;
mod hostile;
mod procs;
mod program;
