//! What there is in a directory to be copied: found out before anything is written, so that a copy
//! into its own source ends, and so that there is a total to count to.

use super::below::Below;
use super::failure::failed;
use super::partial;
use super::report::{Named, Problem, Skipped};
use super::seen::Seen;
use super::side::Side;
use crate::ops::Failure;
use fleet::file::Kind;
use futures_util::{StreamExt, stream};

/// The most files and directories of one copy.
const MAX_ENTRIES: usize = 100_000;

/// Bytes of their paths: 160 for each, where the usual tree has 60.
const MAX_PATH_BYTES: usize = 16 << 20;

/// The deepest directory of one copy.
const MAX_DEPTH: usize = 64;

/// Directories listed at once.
const WIDTH: usize = 4;

/// A tree, as it is to be copied.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Every directory, a directory before what is in it, the place itself first.
    pub(super) directories: Vec<(Below, Seen)>,
    /// Every regular file.
    pub(super) files: Vec<(Below, Seen)>,
    /// What is neither: links lead elsewhere, and a FIFO, a socket or a device has no content.
    pub(super) skipped: Named<Skipped>,
    /// What could not be looked at.
    pub(super) problems: Named<Problem>,
    /// Bytes of all their paths.
    bytes: usize,
}

impl Survey {
    /// Looks at everything below `from`, which is a directory that was seen as `root`.
    ///
    /// # Errors
    /// The directory itself cannot be listed, or there is too much in it.
    pub(super) async fn of(from: &Side<'_>, root: Seen) -> Result<Self, Failure> {
        let mut survey = Self::default();
        survey.directories.push((Below::here(), root));
        let mut level = vec![Below::here()];
        while !level.is_empty() {
            let listings = stream::iter(std::mem::take(&mut level))
                .map(|at| async move { (from.list(&at).await, at) });
            let mut listings = listings.buffered(WIDTH);
            while let Some((listing, at)) = listings.next().await {
                match listing {
                    Ok(entries) => survey.take_in(from, &at, entries, &mut level)?,
                    Err(failure) if at.depth() == 0 || super::failure::is_final(&failure) => {
                        return Err(failure);
                    }
                    Err(failure) => survey.problems.push(Problem::new(&at, failure)),
                }
            }
        }
        Ok(survey)
    }

    fn take_in(
        &mut self,
        from: &Side<'_>,
        at: &Below,
        entries: Vec<(Vec<u8>, Seen)>,
        level: &mut Vec<Below>,
    ) -> Result<(), Failure> {
        for (name, seen) in entries {
            let Some(child) = at.child(&name) else {
                let said = super::below::one_line(&name);
                self.problems.push(Problem::new(
                    at,
                    failed(
                        "bad_name",
                        format!("`{said}` is no name of a file, or makes its path too long"),
                    ),
                ));
                self.count(from, said.len())?;
                continue;
            };
            let length = child.as_bytes().len();
            match seen.kind {
                Kind::File if partial::is_ours(&name) => {
                    self.skipped.push(Skipped::unfinished(&child));
                }
                Kind::File => self.files.push((child, seen)),
                Kind::Directory if child.depth() > MAX_DEPTH => {
                    return Err(failed(
                        "too_deep",
                        format!(
                            "`{}` is deeper than {MAX_DEPTH} directories",
                            from.show(&child)
                        ),
                    ));
                }
                Kind::Directory => {
                    self.directories.push((child.clone(), seen));
                    level.push(child);
                }
                other => self.skipped.push(Skipped::new(&child, other)),
            }
            self.count(from, length)?;
        }
        Ok(())
    }

    /// Whether there is room for what was just taken in, which has so many bytes of path.
    fn count(&mut self, from: &Side<'_>, bytes: usize) -> Result<(), Failure> {
        self.bytes += bytes;
        let taken = [
            self.files.len(),
            self.directories.len(),
            self.skipped.count,
            self.problems.count,
        ];
        let what = match taken.iter().sum::<usize>() > MAX_ENTRIES {
            true => format!("{MAX_ENTRIES} files and directories"),
            false if self.bytes > MAX_PATH_BYTES => format!("{MAX_PATH_BYTES} bytes of paths"),
            false => return Ok(()),
        };
        Err(failed(
            "too_many_files",
            format!(
                "`{}` holds more than {what}; copy parts of it",
                from.show(&Below::here())
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::local::Local;
    use super::super::places::LocalPlaces;
    use super::*;
    use std::os::unix::fs::symlink;

    #[tokio::test]
    async fn files_and_directories_are_taken_and_the_rest_is_said() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/empty")).unwrap();
        std::fs::write(dir.path().join("a/-f\n"), "x").unwrap();
        std::fs::write(dir.path().join(".f.scout-0123abcd.part"), "x").unwrap();
        symlink("/", dir.path().join("a/out")).unwrap();
        nix::unistd::mkfifo(&dir.path().join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let places = LocalPlaces::within(&[dir.path().into()]).unwrap();
        let side = Side::Local(Local::new(&places.source(dir.path()).unwrap()));
        let root = side.follow(&Below::here()).await.unwrap().unwrap();
        let survey = Survey::of(&side, root).await.unwrap();
        let shown = |list: &[(Below, Seen)]| -> Vec<String> {
            list.iter().map(|(at, _)| at.show()).collect()
        };
        assert_eq!(shown(&survey.directories), ["", "a", "a/empty"]);
        assert_eq!(shown(&survey.files), ["a/-f\\n"]);
        let mut skipped: Vec<_> = survey
            .skipped
            .first
            .iter()
            .map(|s| (&*s.path, s.kind))
            .collect();
        skipped.sort_unstable();
        let unfinished = (".f.scout-0123abcd.part", "unfinished copy");
        let expected = [unfinished, ("a/out", "symlink"), ("pipe", "fifo")];
        assert_eq!(skipped, expected);
        assert!(survey.problems.count == 0);
    }
}
