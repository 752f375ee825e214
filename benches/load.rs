//! A load test: many callers, many hosts, a mixed workload for as long as it takes, against the built
//! server and real `sshd` processes. It fails on any error, and on goals that are missed.
//!
//!     cargo bench --bench load -- --hosts 100 --callers 64 --seconds 120

#[cfg(test)]
#[path = "load/course.rs"]
mod course;
#[cfg(test)]
#[path = "support/kit.rs"]
mod kit;

#[cfg(test)]
fn main() -> std::process::ExitCode {
    course::main()
}

#[cfg(not(test))]
fn main() {}
