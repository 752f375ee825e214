//! The two ends of a copy as they are written.

use crate::ops::Failure;
use fleet::Target;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// An end of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyPlace {
    /// A place on a host.
    Remote(Target),
    /// A place of this machine.
    Local(PathBuf),
}

impl CopyPlace {
    /// Reads an end as `scp(1)` does: with a colon before any slash it is `host:/path`, else a path
    /// of this machine. So `./a:b` is a file here, and `[fd00::1]:/x` is one on a host.
    ///
    /// # Errors
    /// It is empty, or a target that is none.
    pub fn parse(written: impl AsRef<[u8]>) -> Result<Self, Failure> {
        let written = written.as_ref();
        if written.is_empty() {
            return Err(Failure::invalid("a copy needs two places; one is empty"));
        }
        let colon = memchr::memchr(b':', written);
        let slash = memchr::memchr(b'/', written);
        match (colon, slash) {
            (Some(colon), Some(slash)) if slash < colon => Ok(Self::local(written)),
            (Some(_), _) => Ok(Self::Remote(Target::parse(written)?)),
            (None, _) => Ok(Self::local(written)),
        }
    }

    fn local(written: &[u8]) -> Self {
        Self::Local(OsStr::from_bytes(written).into())
    }
}

/// The directory a path is in and its name there, by the path alone; nothing where its last part is
/// no name, as in `/`, `~` and `/a/..`.
pub(super) fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = path.iter().rposition(|byte| *byte != b'/')? + 1;
    let path = path.get(..end)?;
    let (above, name) = match memchr::memrchr(b'/', path) {
        Some(cut) => (path.get(..cut)?, path.get(cut + 1..)?),
        None => return None,
    };
    let above: &[u8] = if above.is_empty() { b"/" } else { above };
    super::below::is_name(name).then_some((above, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_before_any_slash_names_a_host() {
        for remote in [
            "web1:/a",
            "web1:",
            "web1:~/a:b",
            "[fd00::1]:/x",
            "web1:/a/b:c",
        ] {
            assert!(
                matches!(CopyPlace::parse(remote), Ok(CopyPlace::Remote(_))),
                "{remote}"
            );
        }
        for local in ["/a", "/a:b", "./web1:/a", "a", "a/b:c", "../x", "~"] {
            assert!(
                matches!(CopyPlace::parse(local), Ok(CopyPlace::Local(_))),
                "{local}"
            );
        }
        for wrong in ["", ":/a", "web1:relative", "we b1:/x"] {
            assert_eq!(
                CopyPlace::parse(wrong).unwrap_err().code,
                "invalid",
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_path_has_a_directory_and_a_name() {
        let (a, b): (&[u8], &[u8]) = (b"a", b"b");
        assert_eq!(split(b"/a"), Some((b"/".as_slice(), a)));
        assert_eq!(split(b"/a/b//"), Some((b"/a".as_slice(), b)));
        assert_eq!(split(b"~/a"), Some((b"~".as_slice(), a)));
        for none in ["/", "~", "", "/a/..", "/a/.", "~/", "//"] {
            assert_eq!(split(none.as_bytes()), None, "{none}");
        }
    }
}
