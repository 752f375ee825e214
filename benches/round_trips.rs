//! Counts the round trips of what Scout does: the built server, real `sshd` processes, and a network
//! between them whose round-trip time is known. Time divided by that time is the count.
//!
//!     cargo bench --bench round_trips -- --rtt-ms 50 --hosts 100

#[cfg(test)]
#[path = "support/kit.rs"]
mod kit;
#[cfg(test)]
#[path = "round_trips/measure.rs"]
mod measure;

#[cfg(test)]
fn main() {
    measure::main();
}

#[cfg(not(test))]
fn main() {}
