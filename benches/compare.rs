//! Scout beside what people use instead of it: `ssh` with a shared connection, asyncssh, and the Python
//! server Scout replaces, in turns within one run, against the same `sshd` processes.
//! `benches/compare/run` installs what it needs and starts it.

#[cfg(test)]
#[path = "compare/course.rs"]
mod course;
#[cfg(test)]
#[path = "support/kit.rs"]
mod kit;

#[cfg(test)]
fn main() {
    course::main();
}

#[cfg(not(test))]
fn main() {}
