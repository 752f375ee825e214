//! Standard output and standard error of the commands.
//!
//! Never panics: a reader that has seen enough and closed the pipe is no failure, and where standard
//! error is gone there is nobody left to tell.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// Writes data to stdout and gives back `code`, or `failed` when it could not be written.
pub(super) fn data(bytes: &[u8], code: ExitCode, failed: ExitCode) -> ExitCode {
    match write(io::stdout().lock(), bytes) {
        Ok(()) => code,
        Err(error) => {
            note(format_args!("scout: cannot write the output: {error}"));
            failed
        }
    }
}

/// A line on stdout of something that goes on, whether or not anybody reads it.
pub(super) fn say(text: impl Display) {
    let _unread = write(io::stdout().lock(), format!("{text}\n").as_bytes());
}

/// A line on stderr.
pub(super) fn note(text: impl Display) {
    raw_note(format!("{text}\n").as_bytes());
}

/// Bytes on stderr, as they are.
pub(super) fn raw_note(bytes: &[u8]) {
    let _unread = write(io::stderr().lock(), bytes);
}

fn write(mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
    match to.write_all(bytes).and_then(|()| to.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Refuses every byte.
    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is_one() {
        assert!(write(Broken(ErrorKind::BrokenPipe), b"x").is_ok());
        assert!(write(Broken(ErrorKind::StorageFull), b"x").is_err());
    }
}
