//! Opens one configuration file: permissions, size, and what counts as missing.
//!
//! Returns bytes; what they mean is decided by the parser.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::inventory::error::InventoryError;

/// The most that is read of one file, in bytes.
pub(crate) const MAX_FILE: u64 = 16 << 20;

/// Reads a file; `None` when it does not exist. A directory is an empty file, as it is to `ssh`,
/// whose `Include conf.d/*` may meet one.
///
/// With `owned_by`, the file must belong to root or to that user and not be writable by others:
/// the check `ssh` makes of the user's own file and of every included one, and does not make of a
/// file named on its command line or of the machine's.
pub(super) fn read(path: &Path, owned_by: Option<u32>) -> Result<Option<Vec<u8>>, InventoryError> {
    let failed = |source| InventoryError::Read {
        path: path.to_owned(),
        source,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let metadata = file.metadata().map_err(failed)?;
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    if owned_by.is_some_and(|user| (owner != 0 && owner != user) || mode & 0o022 != 0) {
        return Err(InventoryError::Permissions {
            path: path.to_owned(),
            owner,
            mode,
        });
    }
    if metadata.is_dir() {
        return Ok(Some(Vec::new()));
    }
    bounded(file).map(Some).map_err(|error| match error {
        Unread::TooLarge => InventoryError::TooLarge {
            path: path.to_owned(),
            limit: MAX_FILE,
        },
        Unread::Failed(source) => failed(source),
    })
}

/// Why an open file could not be read.
pub(crate) enum Unread {
    /// Larger than [`MAX_FILE`].
    TooLarge,
    /// The system refused.
    Failed(io::Error),
}

/// Reads an open file, at most [`MAX_FILE`] bytes of it: a device given by mistake must not fill
/// the memory.
pub(crate) fn bounded(file: File) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::new();
    match file.take(MAX_FILE + 1).read_to_end(&mut bytes) {
        Err(error) => Err(Unread::Failed(error)),
        Ok(_) if bytes.len() as u64 > MAX_FILE => Err(Unread::TooLarge),
        Ok(_) => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_that_others_can_write_is_refused_when_the_owner_is_checked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        fs::write(&path, "Host a\n").unwrap();
        let me = fs::metadata(&path).unwrap().uid();
        for (mode, allowed) in [(0o600, true), (0o644, true), (0o620, false), (0o602, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&path, Some(me)).is_ok(), allowed, "{mode:o}");
            assert!(read(&path, None).is_ok(), "{mode:o}");
        }
        let error = read(&path, Some(me)).unwrap_err().to_string();
        assert!(error.contains("mode 602"), "{error}");
    }

    #[test]
    fn a_missing_file_is_none_and_a_directory_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(&dir.path().join("no"), None).unwrap().is_none());
        assert_eq!(read(dir.path(), None).unwrap(), Some(Vec::new()));
        assert!(matches!(
            read(Path::new("/dev/zero"), None),
            Err(InventoryError::TooLarge { .. })
        ));
    }
}
