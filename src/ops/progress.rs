//! How far an operation is, told to whoever waits for it.
//!
//! An operation tells; what becomes of it (a notification, a bar on a terminal, nothing) is decided
//! by the caller. Telling never blocks and never fails.

use super::Printable;
use super::text::one_line;
use std::fmt;
use std::sync::Arc;

/// One step of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// How much is done, in `unit`s.
    pub done: u64,
    /// How much there is to do, if that is known.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: Unit,
    /// What just happened. It is told on one line, in which nothing acts on a terminal.
    pub message: &'a str,
}

/// What a [`Step`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of files.
    Bytes,
    /// Hosts.
    Hosts,
    /// Files and directories.
    Files,
}

type Listener = dyn Fn(Step<'_>) + Send + Sync;

/// Where steps are told. Cheap to clone.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<Listener>>);

impl Progress {
    /// Nobody listens.
    #[must_use]
    pub fn silent() -> Self {
        Self(None)
    }

    /// `listener` hears every step. It must not block.
    pub fn to(listener: impl Fn(Step<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    /// Whether anybody listens: spares the work of composing a message.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Tells a step.
    pub fn tell(&self, step: Step<'_>) {
        if let Some(listener) = &self.0 {
            // Names in it are whatever somebody on a host called a file.
            let message = Printable(&one_line(step.message)).to_string();
            listener(Step {
                message: &message,
                ..step
            });
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Progress(wanted: {})", self.is_wanted())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn what_is_told_is_one_line_that_acts_on_nothing() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = Arc::clone(&heard);
        let progress = Progress::to(move |step| {
            hearing.lock().unwrap().push(step.message.to_owned());
        });
        progress.tell(Step {
            done: 1,
            total: None,
            unit: Unit::Files,
            message: "/a\u{1b}[2J\nb",
        });
        assert_eq!(*heard.lock().unwrap(), ["/a\\u{1b}[2J\\nb"]);
    }
}
