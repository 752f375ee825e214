//! One call that a prompt asks for.

use fleet::HostName;
use serde_json::json;

/// A call, and what it is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    about: &'static str,
    call: Call,
}

#[derive(Debug, Clone, Copy)]
enum Call {
    /// The tool `read` on this path.
    Read(&'static str),
    /// The tool `read` on the last lines of this file.
    Tail(&'static str, u64),
    /// The tool `run` with these words.
    Run(&'static [&'static str]),
}

impl Step {
    pub(super) const fn read(about: &'static str, path: &'static str) -> Self {
        Self {
            about,
            call: Call::Read(path),
        }
    }

    pub(super) const fn tail(about: &'static str, path: &'static str, lines: u64) -> Self {
        Self {
            about,
            call: Call::Tail(path, lines),
        }
    }

    pub(super) const fn run(about: &'static str, argv: &'static [&'static str]) -> Self {
        Self {
            about,
            call: Call::Run(argv),
        }
    }

    /// The line of the message: the tool, its arguments as JSON, and the purpose.
    pub(super) fn line(&self, host: &HostName) -> String {
        let host = host.as_str();
        let (tool, arguments) = match self.call {
            Call::Read(path) => ("read", json!({"host": host, "path": path})),
            Call::Tail(path, tail) => ("read", json!({"host": host, "path": path, "tail": tail})),
            Call::Run(argv) => ("run", json!({"host": host, "argv": argv})),
        };
        format!("- `{tool}` `{arguments}`: {}\n", self.about)
    }

    #[cfg(test)]
    pub(super) fn argv(&self) -> Option<&'static [&'static str]> {
        match self.call {
            Call::Run(argv) => Some(argv),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{compare_hosts, disk_full, slow_host};
    use crate::access::argv;

    #[test]
    fn an_observer_may_run_every_command_of_every_prompt() {
        let all = [slow_host::STEPS, compare_hosts::STEPS, disk_full::STEPS];
        let mut checked = 0;
        for words in all.into_iter().flatten().filter_map(super::Step::argv) {
            assert_eq!(argv::check(words), Ok(()), "{words:?}");
            checked += 1;
        }
        assert!(checked > 10, "{checked} commands");
    }
}
