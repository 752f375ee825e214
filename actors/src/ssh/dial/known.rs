//! The known hosts as last read, for as long as the files are the same.
//!
//! Reading and parsing a file of a thousand lines for each of a thousand hosts would cost more than
//! their handshakes. One reader at a time: hosts that are dialled together share what it read.

use crate::inventory::known_hosts::{KnownHosts, KnownHostsError};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{Semaphore, watch};

/// A file that changed so recently may have changed again since, within what its clock can tell.
const SETTLED: Duration = Duration::from_secs(2);

/// What tells a file from the same file later: place, size, and the time of its last change, which
/// no program can set back.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

/// What was read last.
#[derive(Clone)]
struct Read {
    files: Vec<PathBuf>,
    stamps: Vec<Stamp>,
    known: Arc<KnownHosts>,
}

/// The files as they were read last.
pub(super) struct Known {
    last: watch::Sender<Option<Read>>,
    turn: Semaphore,
}

impl Known {
    pub(super) fn new() -> Self {
        Self {
            last: watch::Sender::new(None),
            turn: Semaphore::new(1),
        }
    }

    /// What these files say now; an error in words.
    pub(super) async fn get(&self, files: Vec<PathBuf>) -> Result<Arc<KnownHosts>, String> {
        let _turn = self.turn.acquire().await;
        let last = self.last.borrow().clone();
        let read = tokio::task::spawn_blocking(move || look(files, last)).await;
        let read = read
            .map_err(|e| e.to_string())?
            .map_err(|e| e.to_string())?;
        let known = Arc::clone(&read.known);
        self.last.send_replace(Some(read));
        Ok(known)
    }
}

fn look(files: Vec<PathBuf>, last: Option<Read>) -> Result<Read, KnownHostsError> {
    // Before they are read: a change meanwhile is then seen the next time.
    let stamps = stamps(&files, SystemTime::now());
    match (last, stamps) {
        (Some(last), Some(stamps)) if last.files == files && last.stamps == stamps => Ok(last),
        (_, stamps) => {
            let known = Arc::new(KnownHosts::load(&files)?);
            // Without stamps it fits no later look.
            let stamps = stamps.unwrap_or_default();
            Ok(Read {
                files,
                stamps,
                known,
            })
        }
    }
}

/// The stamps of all files; nothing if one of them cannot be told from what it may be in a moment.
fn stamps(files: &[PathBuf], now: SystemTime) -> Option<Vec<Stamp>> {
    files.iter().map(|file| stamp(file, now)).collect()
}

fn stamp(file: &Path, now: SystemTime) -> Option<Stamp> {
    let found: Metadata = match fs::metadata(file) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(None),
        Err(_) => return None,
    };
    let changed = u64::try_from(found.ctime()).ok()?;
    let settled = SystemTime::UNIX_EPOCH + Duration::from_secs(changed) + SETTLED;
    (settled <= now).then_some(Some((
        found.dev(),
        found.ino(),
        found.size(),
        found.ctime(),
        found.ctime_nsec(),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        "host ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIaTrFqGVLYUHDzsg6v/X4UGQkqcPpCcbYMOnVzZCkMZ\n";

    fn lines(read: &Read) -> usize {
        read.known.recorded("host", 22).len()
    }

    #[test]
    fn a_file_is_read_again_when_it_changed_and_only_then() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("known_hosts");
        let files = vec![file.clone(), dir.path().join("missing")];
        fs::write(&file, LINE).unwrap();
        let later = SystemTime::now() + SETTLED * 2;
        let stamped = |read: Read| Read {
            stamps: stamps(&files, later).unwrap(),
            ..read
        };
        let first = stamped(look(files.clone(), None).unwrap());
        assert_eq!(lines(&first), 1);
        assert_eq!(
            stamps(&files, SystemTime::now()),
            None,
            "too young to be sure"
        );
        assert_eq!(stamps(&files, later).unwrap(), first.stamps);

        fs::write(&file, LINE.repeat(2)).unwrap();
        assert_ne!(stamps(&files, later).unwrap(), first.stamps);
        let second = look(files.clone(), Some(first.clone())).unwrap();
        assert_eq!(lines(&second), 2);

        fs::remove_file(&file).unwrap();
        let gone = look(files.clone(), Some(second)).unwrap();
        assert_eq!(lines(&gone), 0);
        let same = look(files, Some(gone.clone())).unwrap();
        assert!(Arc::ptr_eq(&same.known, &gone.known), "nothing changed");
    }
}
