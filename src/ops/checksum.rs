//! SHA-256 of files: on the host, where it has a program for it; else by reading them from there.

use super::sftp::each_piece;
use super::sweep::{Batch, Sweep, Swept};
use fleet::{Deadline, FileSession, FleetError, Lease, RemotePath};
use sha2::{Digest, Sha256};
use std::ffi::OsString;

/// The hash of a file.
pub(super) type Sum = [u8; 32];

/// The SHA-256 of each file, in order; nothing for what is no regular file that the account may read.
///
/// # Errors
/// The deadline, or what else kept the host from answering for all of them.
pub(super) async fn sha256(
    lease: &Lease,
    paths: &[RemotePath],
    deadline: Deadline,
) -> Result<Vec<Option<Sum>>, FleetError> {
    let mut sums = vec![None; paths.len()];
    let mut able = true;
    for batch in Batch::of(paths) {
        let swept = match able {
            true => batch.run(&Checksum, lease, paths, deadline).await?,
            false => Swept::Unable,
        };
        match swept {
            Swept::Whole(answers) => {
                for (at, sum) in answers {
                    if let Some(place) = sums.get_mut(at) {
                        *place = Some(sum);
                    }
                }
            }
            Swept::Cut(_) => {
                return Err(FleetError::DeadlinePassed {
                    host: lease.host().clone(),
                    doing: "computing checksums",
                });
            }
            Swept::Unable => {
                able = false;
                let session = lease.files(deadline).await?;
                for at in batch.files {
                    if let (Some(place), Some(path)) = (sums.get_mut(at), paths.get(at)) {
                        *place = fetched(&session, path).await?;
                    }
                }
            }
        }
    }
    Ok(sums)
}

/// The program: what everybody, GNU and BusyBox, Perl, and the BSDs call it. It must know the sum of
/// nothing at all. OpenSSL comes first: it takes a third of the time of GNU's, which does not use
/// what processors have for it.
struct Checksum;

impl Sweep for Checksum {
    type Answer = Sum;

    const FUNCTIONS: &'static str = r#"
for p in 'openssl dgst -sha256 -r' sha256sum 'shasum -a 256' 'sha256 -r'; do
case $($p </dev/null 2>/dev/null) in
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855*) break ;;
esac
p=
done
[ "$p" ] || exit 64
all() { $p "$@"; [ $? -le 1 ]; }
one() { $p; }
"#;

    fn words(&self) -> Vec<OsString> {
        Vec::new()
    }

    /// `HASH  NAME`, `HASH *NAME` or `HASH NAME`; a name begins with `/` or `.`.
    fn read<'l>(&self, line: &'l [u8]) -> Option<(Sum, &'l [u8])> {
        let (hash, name) = line.split_at_checked(64)?;
        let name = name.strip_prefix(b" ").unwrap_or(name);
        let name = match name {
            [b' ' | b'*', name @ ..] => name,
            name => name,
        };
        Some((parse(hash)?, name))
    }
}

/// 32 bytes, written as 64 hexadecimal digits.
fn parse(hash: &[u8]) -> Option<Sum> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut sum = [0; 32];
    let (pairs, []) = hash.as_chunks::<2>() else {
        return None;
    };
    if pairs.len() != sum.len() {
        return None;
    }
    for (byte, &[high, low]) in sum.iter_mut().zip(pairs) {
        *byte = u8::try_from(digit(high)? * 16 + digit(low)?).ok()?;
    }
    Some(sum)
}

/// Reads the file from the host.
async fn fetched(session: &FileSession, path: &RemotePath) -> Result<Option<Sum>, FleetError> {
    let mut hasher = Sha256::new();
    match each_piece(session, path, |piece| hasher.update(piece)).await {
        Ok(()) => Ok(Some(hasher.finalize().into())),
        Err(FleetError::File(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A hash as people write it.
pub(super) fn hex(sum: &Sum) -> String {
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sweep::tests::{below, here};
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn every_program_says_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["-b", "a\nb", "c\rr", "a b'\"", "é", "\\n"];
        for name in names {
            std::fs::write(dir.path().join(name), name.repeat(1000)).unwrap();
        }
        let paths = names.map(|name| below(dir.path(), name.as_bytes()));
        let expected: Vec<Option<Sum>> = names
            .iter()
            .map(|name| Some(Sha256::digest(name.repeat(1000)).into()))
            .collect();
        let mut seen = 0;
        for program in ["sha256sum", "shasum", "sha256", "openssl"] {
            let bin = tempfile::tempdir().unwrap();
            let Some(found) = ["/usr/bin", "/bin"]
                .map(|at| std::path::Path::new(at).join(program))
                .into_iter()
                .find(|path| path.exists())
            else {
                continue;
            };
            seen += 1;
            symlink(found, bin.path().join(program)).unwrap();
            let answers = here(&Checksum, &paths, bin.path().to_str().unwrap());
            assert_eq!(answers.as_ref(), Some(&expected), "{program}");
        }
        assert!(seen > 0);
    }

    #[test]
    fn a_program_that_lies_or_is_missing_is_none() {
        let bin = tempfile::tempdir().unwrap();
        let path = [RemotePath::parse("/etc/passwd").unwrap()];
        let at = bin.path().to_str().unwrap();
        assert_eq!(here(&Checksum, &path, at), None);
        let lies = bin.path().join("sha256sum");
        std::fs::write(&lies, format!("#!/bin/sh\necho {}", "0".repeat(64))).unwrap();
        std::fs::set_permissions(&lies, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(here(&Checksum, &path, at), None);
    }

    #[test]
    fn only_a_hash_is_one() {
        let hash = "0123456789abcdefABCDEF0123456789".repeat(2);
        let sum = parse(hash.as_bytes()).unwrap();
        assert_eq!(hex(&sum), hash.to_lowercase());
        assert_eq!(parse(&hash.as_bytes()[1..]), None);
        assert_eq!(parse(hash.replace('0', "g").as_bytes()), None);
    }
}
