//! Reading what is at a path, in as few exchanges as the host allows.
//!
//! Where handles are foretold, what was seen a moment ago takes one exchange, and everything else
//! two: a look at the path and, in the same breath, its entries should it be a directory; then, if
//! it is a regular file, its bytes. Where they are not, each takes one more, since the bytes are
//! asked for by the handle that the open gave.
//!
//! What was seen a moment ago can be something else now. That is noticed by the look that goes out
//! with the rest; if by then the host's server was asked to open what can block it, the channel is
//! given up at once, and the read is [`SftpError::Blocked`].

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use super::download::Opened;
use super::gather::Gather;
use super::packet::{self, Access, Change, FX_EOF, Malformed, Reply, Request};
use super::plan::{Ahead, Aim, FEW, MANY, Opens, Plan};
use super::{Looked, Sftp, SftpError, as_attributes, as_handle, refused, walk};
use crate::error::FileProblem;
use crate::file::{
    Attributes, Entry, Kind, Listing, MAX_ENTRIES, MAX_ENTRY_BYTES, Part, Want, fitting,
};

/// What came of a visit. What it left open is closed when dropped.
struct Visit<'a> {
    plan: Plan,
    look: Option<Reply>,
    opened: Result<(), SftpError>,
    file: Option<Opened<'a>>,
    ahead: Vec<Reply>,
    is_stuck: bool,
}

impl Sftp {
    /// Reads what is at `path`, a file or a directory.
    pub(crate) async fn read(&self, path: &[u8], want: &Want) -> Result<Looked, SftpError> {
        let aim = Aim::Look {
            part: want.part,
            chunk: self.most_read,
        };
        let mut visit = self.visit(path, aim).await?;
        let look = visit.look.take();
        if visit.is_stuck {
            return Err(SftpError::Blocked);
        }
        let attributes = as_attributes(look.ok_or(Malformed("it left out an answer"))?)?;
        let kind = attributes.kind();
        let as_directory = visit.plan.opens == Opens::Directory;
        if as_directory && kind != Kind::Directory && visit.opened.is_ok() {
            return Err(Malformed("it opened a file as a directory").into());
        }
        match kind {
            Kind::File => self.content(path, visit, want.part, attributes).await,
            Kind::Directory => {
                let listing = match as_directory {
                    true => self.listed(path, visit).await?,
                    false => {
                        drop(visit);
                        self.list_path(path).await?
                    }
                };
                match want.tree {
                    None => Ok(Looked::Directory(listing)),
                    Some(depth) => walk::tree(self, path, listing, depth)
                        .await
                        .map(Looked::Tree),
                }
            }
            kind => Err(SftpError::Problem(FileProblem::NotRegular(kind.label()))),
        }
    }

    /// Lets go of a server that stands still because it was asked to open this FIFO. Opened for
    /// reading and writing it waits for nobody, and is the other end for whoever waits for one
    /// (fifo(7)); what was waiting to read finds that the writer left without a word.
    pub(crate) async fn release(&self, path: &[u8]) -> Result<(), SftpError> {
        let open = Request::Open {
            path,
            access: Access::Both,
            change: Change::default(),
        };
        self.opened(open).await.map(drop)
    }

    async fn visit(&self, path: &[u8], aim: Aim) -> Result<Visit<'_>, SftpError> {
        let visited = self.pipe.visit(path, aim).await?;
        let file = visited.left_open().cloned().map(|handle| self.held(handle));
        Ok(Visit {
            plan: visited.plan,
            look: visited.look,
            opened: match visited.open {
                Some(reply) => as_handle(reply).map(drop),
                None => Err(SftpError::Blocked),
            },
            file,
            ahead: visited.ahead,
            is_stuck: visited.is_stuck,
        })
    }

    /// The bytes of a regular file that was just looked at.
    async fn content(
        &self,
        path: &[u8],
        visit: Visit<'_>,
        part: Part,
        attributes: Attributes,
    ) -> Result<Looked, SftpError> {
        let size = attributes.size.unwrap_or(0);
        let mut first = Some(visit).filter(|visit| visit.plan.opens == Opens::File);
        let mut is_unsized = false;
        // Once as remembered, once by the size of now, and once to the end, wherever that is.
        loop {
            let mut gather = Gather::new(part, size, self.most_read);
            let due = gather.round();
            let visit = match first.take() {
                Some(visit) => visit,
                None => {
                    let aim = Aim::File {
                        round: due,
                        closes: gather.ends_with_next() && !is_unsized,
                        is_unsized,
                    };
                    self.visit(path, aim).await?
                }
            };
            visit.opened?;
            if let Ahead::Reads(round) = visit.plan.ahead
                && round.offset == due.offset
            {
                gather.take(round, visit.ahead)?;
                is_unsized = round.count >= due.count;
            }
            if let Some(file) = &visit.file {
                self.rest(&mut gather, file).await?;
            }
            if gather.is_complete() {
                let offset = gather.offset();
                let (bytes, more) = gather.finish();
                return Ok(Looked::File {
                    bytes,
                    offset,
                    more,
                    attributes,
                });
            }
        }
    }

    /// Reads on until all of a part is there.
    async fn rest(&self, gather: &mut Gather, file: &Opened<'_>) -> Result<(), SftpError> {
        while !gather.is_complete() {
            let round = gather.round();
            let mut pending = Vec::with_capacity(round.count as usize);
            for (offset, length) in round.requests() {
                let [answer] = self.pipe.send([Request::Read {
                    handle: &file.handle,
                    offset,
                    length,
                }])?;
                pending.push(answer);
            }
            let mut replies = Vec::with_capacity(pending.len());
            for answer in pending {
                replies.push(answer.await?);
            }
            gather.take(round, replies)?;
        }
        Ok(())
    }

    /// Opens a directory that was seen in a listing, and lists it.
    pub(super) async fn list_path(&self, path: &[u8]) -> Result<Listing, SftpError> {
        let aim = Aim::Directory {
            requests: FEW,
            closes: true,
        };
        let visit = self.visit(path, aim).await?;
        self.listed(path, visit).await
    }

    /// The entries of a directory of which some may be there.
    async fn listed(&self, path: &[u8], visit: Visit<'_>) -> Result<Listing, SftpError> {
        visit.opened?;
        let mut names = Names::default();
        names.take(visit.ahead)?;
        if let Some(file) = visit.file {
            return self.list_on(names, file).await;
        }
        if names.is_over() {
            return Ok(names.finish());
        }
        // It is closed already, and larger than was asked for. Entries move within a directory
        // that is changed, so what is there of them is of no use for the rest.
        let aim = Aim::Directory {
            requests: MANY,
            closes: false,
        };
        let visit = self.visit(path, aim).await?;
        visit.opened?;
        let mut names = Names::default();
        names.take(visit.ahead)?;
        match visit.file {
            Some(file) => self.list_on(names, file).await,
            None => Err(Malformed("it left out a handle").into()),
        }
    }

    /// Reads an open directory to its end and closes it.
    pub(super) async fn list(&self, directory: Opened<'_>) -> Result<Listing, SftpError> {
        self.list_on(Names::default(), directory).await
    }

    async fn list_on(&self, mut names: Names, directory: Opened<'_>) -> Result<Listing, SftpError> {
        let next = Request::ReadDir(&directory.handle);
        let mut is_first = true;
        while !names.is_over() {
            let mut pending = Vec::with_capacity(MANY as usize);
            // Most directories are small, and nothing is known of this one yet.
            let few = is_first && names.entries.is_empty();
            for _ in 0..if few { 2 * FEW } else { MANY } {
                let [answer] = self.pipe.send([next])?;
                pending.push(answer);
            }
            for answer in pending {
                names.take([answer.await?])?;
            }
            is_first = false;
        }
        Ok(names.finish())
    }
}

/// The entries of a directory, as far as they have come.
#[derive(Default)]
struct Names {
    entries: Vec<Entry>,
    bytes: usize,
    is_truncated: bool,
    is_ended: bool,
}

impl Names {
    fn take(&mut self, replies: impl IntoIterator<Item = Reply>) -> Result<(), SftpError> {
        for reply in replies {
            match reply {
                Reply::Names(_) if self.is_truncated => {}
                Reply::Names(names) => {
                    let names = packet::in_directory(names)?;
                    self.bytes += names.iter().map(Entry::bytes).sum::<usize>();
                    self.entries.extend(names);
                    self.is_truncated =
                        self.entries.len() > MAX_ENTRIES || self.bytes > MAX_ENTRY_BYTES;
                }
                Reply::Status { code: FX_EOF, .. } => self.is_ended = true,
                other => return Err(refused(other)),
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.is_ended || self.is_truncated
    }

    fn finish(mut self) -> Listing {
        let fit = fitting(&self.entries, MAX_ENTRIES, MAX_ENTRY_BYTES);
        self.entries.truncate(fit);
        self.entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Listing {
            entries: self.entries,
            truncated: self.is_truncated,
        }
    }
}
