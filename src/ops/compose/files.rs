//! The files a compose project was made from, read like any other file.

use super::ProjectName;
use crate::access::Principal;
use crate::ops::ask::{Shown, file_text, quoted};
use crate::ops::{Failure, FileReport, Ops, Printable, Range, ReadReport, ReadRequest};
use fleet::{Deadline, HostName, RemotePath};
use std::fmt::Write as _;

/// How many files of a project are shown.
const MAX_FILES: usize = 16;

impl Ops {
    /// The files a project was made from, one behind the other.
    ///
    /// # Errors
    /// There is no such project, none of its files can be read, or what kept the host from
    /// answering.
    pub async fn project_files(
        &self,
        principal: &Principal,
        host: &HostName,
        name: &ProjectName,
        deadline: Deadline,
    ) -> Result<Shown, Failure> {
        let (project, hold) = self.project(principal, host, name, deadline).await?;
        let files = project.files();
        let mut shown = Shown {
            text: format!("# Compose: {name}@{host}"),
            truncated: files.len() > MAX_FILES,
            holds: vec![hold],
        };
        let (mut read, mut unread) = (0, None);
        for file in files.iter().take(MAX_FILES) {
            let content = match self.file(principal, host, file, deadline).await {
                Ok(report) => {
                    read += 1;
                    shown.truncated |= report.truncated;
                    let text = file_text(&report);
                    shown.holds.push(ReadReport::from(report).hold());
                    text
                }
                Err(failure) => {
                    let why = format!("[cannot be read: {}]", quoted(&failure.message));
                    unread = Some(failure);
                    why
                }
            };
            // Writing to a text cannot fail.
            let _written = write!(
                shown.text,
                "\n# File: {}\n{}",
                quoted(file),
                content.trim_end()
            );
        }
        match unread {
            Some(failure) if read == 0 => return Err(none_read(failure)),
            None if read == 0 => shown.text.push_str("\n(compose names no files of it)"),
            _ => {}
        }
        if let Some(more) = files.len().checked_sub(MAX_FILES).filter(|more| *more > 0) {
            let _written = write!(shown.text, "\n\n[{more} more files]");
        }
        Ok(shown)
    }

    async fn file(
        &self,
        principal: &Principal,
        host: &HostName,
        file: &str,
        deadline: Deadline,
    ) -> Result<FileReport, Failure> {
        let request = ReadRequest {
            host: host.clone(),
            path: RemotePath::parse(file)?,
            range: Range::default(),
            tree: None,
        };
        match self.read(principal, request, deadline).await? {
            ReadReport::File(file) => Ok(file),
            _ => Err(Failure::invalid("it is a directory")),
        }
    }
}

/// The project is there although its files are not.
fn none_read(failure: Failure) -> Failure {
    Failure {
        outcome: "failed",
        code: "files_unreadable",
        message: format!(
            "none of the files of the project can be read: {}",
            Printable(&failure.message)
        ),
        ..failure
    }
}
