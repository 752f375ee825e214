//! Why a copy, or a file of one, came to nothing: the stable codes and what to do.

use super::below::one_line;
use crate::ops::Failure;
use rustix::io::Errno;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A copy that failed for this reason, by code.
pub(super) fn failed(code: &'static str, message: String) -> Failure {
    Failure {
        outcome: "failed",
        code,
        ..Failure::invalid(message)
    }
}

/// The same, with what to do.
pub(super) fn hinted(code: &'static str, message: String, hint: &str) -> Failure {
    Failure {
        hint: Some(hint.to_owned()),
        ..failed(code, message)
    }
}

/// A place of this machine that is not for the caller.
pub(super) fn not_allowed(message: String, hint: String) -> Failure {
    Failure {
        code: "local_not_allowed",
        hint: Some(hint),
        ..Failure::refused(message)
    }
}

/// Something is there already.
pub(super) fn exists(place: &str, what: &str) -> Failure {
    hinted(
        "exists",
        format!("`{place}` is there already ({what}); nothing was changed"),
        "choose another name, or set `overwrite` to replace a file",
    )
}

/// There is no directory to copy to.
pub(super) fn no_directory(place: &str) -> Failure {
    hinted(
        "not_found",
        format!("there is no directory `{place}` to copy to"),
        "make it first",
    )
}

/// Another copy of the same is under way there.
pub(super) fn running(place: &str) -> Failure {
    Failure {
        outcome: "refused",
        ..hinted(
            "copy_running",
            format!("another copy to `{place}` is running"),
            "wait until it has ended",
        )
    }
}

/// What was written has gone from under its name.
pub(super) fn gone(place: &str) -> Failure {
    hinted(
        "copy_running",
        format!(
            "what was written for `{place}` is no longer there: another copy of the same was faster, or somebody removed it"
        ),
        "see what is there now",
    )
}

/// The source is no longer what it was.
pub(super) fn changed(place: &str) -> Failure {
    hinted(
        "source_changed",
        format!("`{place}` changed while it was copied; nothing was put in its place"),
        "copy it again when nobody writes to it",
    )
}

/// The source is as it was, and has more or fewer bytes than it says.
pub(super) fn size_unknown(place: &str) -> Failure {
    hinted(
        "size_unknown",
        format!("`{place}` has not as many bytes as it says, so no copy of it can be proven whole"),
        "files of the kernel are like that (`/proc`, `/sys`): read it instead",
    )
}

/// Something is there that the host cannot replace.
pub(super) fn cannot_replace(place: &str) -> Failure {
    hinted(
        "unsupported_by_host",
        format!(
            "the host cannot replace `{place}` in one step (`posix-rename@openssh.com`); nothing was sent"
        ),
        "copy it to another name, or remove what is there first",
    )
}

/// What arrived is not what was sent.
pub(super) fn mismatch(place: &str) -> Failure {
    hinted(
        "checksum_mismatch",
        format!("what arrived at `{place}` has another SHA-256 than what was sent; it was removed"),
        "copy it again; should it happen again, the disk or the memory of a machine is at fault",
    )
}

/// What the system of this machine said about `path`.
pub(super) fn local(path: &Path, error: io::Error) -> Failure {
    at(&one_line(path.as_os_str().as_bytes()), error)
}

/// The same, of a path that is text already.
pub(super) fn at(shown: &str, error: io::Error) -> Failure {
    let errno = Errno::from_io_error(&error);
    let (code, hint) = match errno {
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => {
            ("no_space", Some("make room there, then copy again"))
        }
        Some(Errno::NOENT) => ("not_found", None),
        Some(Errno::ACCESS | Errno::PERM | Errno::ROFS) => ("permission_denied", None),
        Some(Errno::EXIST | Errno::NOTEMPTY) => ("exists", None),
        Some(Errno::NOTDIR) => ("not_directory", None),
        Some(Errno::ISDIR) => ("not_regular", None),
        // No link is followed below a root, and none leads out of it (openat2(2)).
        Some(Errno::LOOP | Errno::XDEV) => (
            "local_not_allowed",
            Some("name the place itself: links are not followed here"),
        ),
        _ => ("local_error", None),
    };
    let what = match errno {
        Some(Errno::LOOP | Errno::XDEV) => "it is a symbolic link, or lies behind one".to_owned(),
        _ => error.to_string(),
    };
    let failure = failed(code, format!("the local path `{shown}`: {what}"));
    Failure {
        hint: hint.map(str::to_owned),
        ..failure
    }
}

/// Whether the same copy may well go on from what it left: nothing is wrong with it but that its
/// time or its connection ended.
pub(super) fn may_go_on(failure: &Failure) -> bool {
    failure.outcome == "unreachable"
        || matches!(
            failure.code,
            "connection_lost"
                | "deadline_passed"
                | "shutting_down"
                | "host_busy"
                | "sftp_silent"
                | "internal"
        )
}

/// Whether no other file of the same copy can fare better.
pub(super) fn is_final(failure: &Failure) -> bool {
    may_go_on(failure) || matches!(failure.code, "no_space" | "no_sftp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_has_a_stable_code() {
        for (errno, code) in [
            (Errno::NOSPC, "no_space"),
            (Errno::DQUOT, "no_space"),
            (Errno::NOENT, "not_found"),
            (Errno::ACCESS, "permission_denied"),
            (Errno::ROFS, "permission_denied"),
            (Errno::EXIST, "exists"),
            (Errno::LOOP, "local_not_allowed"),
            (Errno::XDEV, "local_not_allowed"),
            (Errno::IO, "local_error"),
        ] {
            assert_eq!(at("/x", errno.into()).code, code, "{errno}");
        }
    }

    #[test]
    fn a_full_disk_is_left_as_it_was_and_a_lost_connection_is_gone_on_from() {
        assert!(!may_go_on(&failed("no_space", String::new())));
        assert!(!may_go_on(&changed("a")) && !may_go_on(&mismatch("a")));
        assert!(may_go_on(&failed("connection_lost", String::new())));
        assert!(may_go_on(&failed("deadline_passed", String::new())));
    }
}
