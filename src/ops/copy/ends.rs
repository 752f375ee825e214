//! From two places as they were written to the two sides of a copy: what the source is, and what the
//! target means for it.
//!
//! A file goes into a directory that is there, as with `cp(1)`. A directory becomes what is named,
//! and goes into it only when that ends with a slash: the same call is then the same copy however
//! often it is made, so that one that was cut goes on instead of landing one level deeper.

use super::below::Below;
use super::failure::{failed, hinted, no_directory};
use super::local::Local;
use super::place::{CopyPlace, split};
use super::places::{LocalPlaces, Spot};
use super::remote::Remote;
use super::seen::Seen;
use super::side::Side;
use crate::access::Principal;
use crate::ops::{Failure, Ops};
use fleet::file::Kind;
use fleet::{Deadline, FileSession, HostName, Lease, RemotePath, Target};
use tokio::sync::OnceCell;

/// What every host of a copy is reached through.
pub(super) struct Reach<'a> {
    pub(super) ops: &'a Ops,
    pub(super) principal: &'a Principal,
    pub(super) sessions: &'a [(Lease, FileSession)],
    pub(super) deadline: Deadline,
}

/// Where a copy begins.
pub(super) struct Origin<'a> {
    pub(super) side: Side<'a>,
    pub(super) seen: Seen,
    /// What it is called in a directory it is put into.
    name: Option<Vec<u8>>,
}

impl<'a> Reach<'a> {
    fn remote(&self, host: &HostName, base: RemotePath) -> Result<Remote<'a>, Failure> {
        let found = self.sessions.iter().find(|(lease, _)| lease.host() == host);
        let (lease, files) = found.ok_or_else(|| {
            failed(
                "internal",
                format!("no connection to `{host}` for this copy"),
            )
        })?;
        Ok(Remote {
            ops: self.ops,
            principal: self.principal,
            lease,
            files,
            base,
            deadline: self.deadline,
            home: OnceCell::new(),
            account: OnceCell::new(),
            room: OnceCell::new(),
        })
    }

    /// The side a copy begins at.
    pub(super) async fn origin(&self, place: &CopyPlace) -> Result<Origin<'a>, Failure> {
        let (side, name) = match place {
            CopyPlace::Local(path) => {
                let (places, path) = (self.ops.places.clone(), path.clone());
                let spot = blocking(move || places.source(&path)).await?;
                (Side::Local(Local::new(&spot)), spot.name)
            }
            CopyPlace::Remote(Target { host, path }) => {
                let remote = self.remote(host, path.clone())?;
                let name = match split(path.as_bytes()) {
                    Some((_, name)) => Some(name.to_vec()),
                    None => {
                        let found = remote.files.canonical(path).await;
                        let found = found.map_err(|error| remote.failure(error))?;
                        split(found.as_bytes()).map(|(_, name)| name.to_vec())
                    }
                };
                (Side::Remote(remote), name)
            }
        };
        let here = Below::here();
        let seen = side.follow(&here).await?;
        let seen = seen.ok_or_else(|| {
            failed(
                "not_found",
                format!("`{}` does not exist", side.show(&here)),
            )
        })?;
        match seen.kind {
            Kind::File | Kind::Directory => Ok(Origin { side, seen, name }),
            Kind::Symlink => Err(hinted(
                "not_regular",
                format!(
                    "`{}` is a symbolic link, which is not followed here",
                    side.show(&here)
                ),
                "name the file or directory itself",
            )),
            other => Err(failed(
                "not_regular",
                format!(
                    "`{}` is a {}, neither a file nor a directory",
                    side.show(&here),
                    other.label()
                ),
            )),
        }
    }

    /// The side a copy of `origin` leads to, and where on it the copy will be.
    pub(super) async fn end(
        &self,
        place: &CopyPlace,
        origin: &Origin<'_>,
    ) -> Result<(Side<'a>, Below), Failure> {
        match place {
            CopyPlace::Local(path) => {
                let (places, path) = (self.ops.places.clone(), path.clone());
                let spot = blocking(move || places.target(&path)).await?;
                self.local_end(&spot, origin).await
            }
            CopyPlace::Remote(target) => self.remote_end(target, origin).await,
        }
    }

    async fn local_end(
        &self,
        spot: &Spot,
        origin: &Origin<'_>,
    ) -> Result<(Side<'a>, Below), Failure> {
        let here = Below::here();
        let itself = Side::Local(Local::new(spot));
        let there = itself.look(&here).await?.map(|seen| seen.kind);
        let into = spot.slash || spot.name.is_none();
        match meaning(there, into, origin.seen.kind) {
            Meaning::Inside => Ok((itself, origin.child()?)),
            Meaning::Itself if there == Some(Kind::Directory) => Ok((itself, here)),
            Meaning::Itself => match Local::above(spot) {
                Some((above, name)) => Ok((Side::Local(above), name)),
                None => Ok((itself, here)),
            },
            Meaning::NoDirectory => Err(no_directory(&itself.show(&here))),
            Meaning::Taken(kind) => Err(taken(&itself.show(&here), kind)),
        }
    }

    async fn remote_end(
        &self,
        target: &Target,
        origin: &Origin<'_>,
    ) -> Result<(Side<'a>, Below), Failure> {
        let Target { host, path } = target;
        let here = Below::here();
        let mut itself = self.remote(host, path.clone())?;
        let there = itself.follow(&here).await?.map(|seen| seen.kind);
        let parts = split(path.as_bytes());
        let into = path.as_bytes().ends_with(b"/") || parts.is_none();
        let meaning = meaning(there, into, origin.seen.kind);
        if there == Some(Kind::Directory) {
            // Once, so that what the copy makes does not move with a link.
            let found = itself.files.canonical(path).await;
            itself.base = found.map_err(|error| itself.failure(error))?;
        }
        match (meaning, parts) {
            (Meaning::Inside, _) => Ok((Side::Remote(itself), origin.child()?)),
            (Meaning::Itself, Some((above, name))) if there != Some(Kind::Directory) => {
                let at = here
                    .child(name)
                    .ok_or_else(|| Failure::invalid(format!("the path `{path}` names no file")))?;
                itself.base = RemotePath::parse(above)?;
                Ok((Side::Remote(itself), at))
            }
            (Meaning::Itself, _) => Ok((Side::Remote(itself), here)),
            (Meaning::NoDirectory, _) => Err(no_directory(&itself.show(&here))),
            (Meaning::Taken(kind), _) => Err(taken(&itself.show(&here), kind)),
        }
    }
}

impl Origin<'_> {
    fn child(&self) -> Result<Below, Failure> {
        let name = self
            .name
            .as_deref()
            .and_then(|name| Below::here().child(name));
        name.ok_or_else(|| Failure::invalid("the source has no name; name what it is to become"))
    }
}

/// What a target means.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    /// A directory the copy goes into, under its own name.
    Inside,
    /// The name the copy gets.
    Itself,
    /// A directory that is not there.
    NoDirectory,
    /// A directory was to be copied to something that is none.
    Taken(Kind),
}

/// What a target means to which this is `there`, and that was written as a directory (`into`).
fn meaning(there: Option<Kind>, into: bool, source: Kind) -> Meaning {
    match (there, into, source) {
        (Some(Kind::Directory), true, _) => Meaning::Inside,
        (Some(Kind::Directory), false, Kind::File) => Meaning::Inside,
        (Some(Kind::Directory) | None, false, _) => Meaning::Itself,
        (_, true, _) => Meaning::NoDirectory,
        (Some(other), false, Kind::Directory) => Meaning::Taken(other),
        (Some(_), false, _) => Meaning::Itself,
    }
}

fn taken(place: &str, kind: Kind) -> Failure {
    failed(
        "not_directory",
        format!(
            "`{place}` is a {}, and a directory was to be copied there",
            kind.label()
        ),
    )
}

/// Does what touches the disk where blocking is allowed.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(failed("internal", "a thread of Scout failed".into())))
}

/// Whether there is anything at a place of this machine.
pub(super) async fn is_there(
    places: LocalPlaces,
    path: std::path::PathBuf,
) -> Result<bool, Failure> {
    let spot = match blocking(move || places.source(&path)).await {
        Ok(spot) => spot,
        Err(failure) if failure.code == "not_found" => return Ok(false),
        Err(failure) => return Err(failure),
    };
    let seen = Local::new(&spot).look(&Below::here()).await?;
    Ok(seen.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_into_a_directory_and_a_directory_becomes_what_is_named() {
        use Kind::{Directory, File};
        for (there, into, source, means) in [
            (None, false, File, Meaning::Itself),
            (Some(File), false, File, Meaning::Itself),
            (Some(Kind::Symlink), false, File, Meaning::Itself),
            (Some(Directory), false, File, Meaning::Inside),
            (Some(Directory), true, File, Meaning::Inside),
            (None, true, File, Meaning::NoDirectory),
            (Some(File), true, File, Meaning::NoDirectory),
            (None, false, Directory, Meaning::Itself),
            (Some(Directory), false, Directory, Meaning::Itself),
            (Some(Directory), true, Directory, Meaning::Inside),
            (None, true, Directory, Meaning::NoDirectory),
            (Some(File), false, Directory, Meaning::Taken(File)),
        ] {
            assert_eq!(
                meaning(there, into, source),
                means,
                "{there:?} {into} {source:?}"
            );
        }
    }
}
