//! The storage pools of a host, as zpool and zfs show them: tables for people, left as they are.

use super::ask::{Hint, Question, Shown};
use super::{Failure, Ops};
use crate::access::Principal;
use fleet::{Deadline, HostName};
use std::fmt;

/// How many snapshots are shown.
const SNAPSHOTS: usize = 50;

/// The longest name (`ZFS_MAX_DATASET_NAME_LEN` with its end).
const MAX_NAME: usize = 255;

/// What zpool and zfs say behind `cannot open 'tank': `.
const MISSING: &[&str] = &["no such pool", "dataset does not exist"];

const HINT: Hint = Hint {
    on: &["module", "/dev/zfs", "ermission denied"],
    text: "the ZFS module must be loaded, and the account be allowed to use it (`/dev/zfs`)",
};

/// The name of a pool.
///
/// A letter, then also digits, `_`, `-`, `:`, `.` and spaces; not `log`, and nothing that begins
/// with `mirror`, `raidz`, `draid` or `spare`, which name parts of pools (zpool-create(8)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolName(String);

impl PoolName {
    /// Parses a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '.' | ' ');
        let named = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(legal);
        let parts = ["mirror", "raidz", "draid", "spare"];
        let reserved = text == "log" || parts.iter().any(|part| text.starts_with(part));
        (named && !reserved && text.len() <= MAX_NAME).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for PoolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Ops {
    /// The names of the pools of a host.
    ///
    /// # Errors
    /// What kept zpool, or the host, from answering.
    pub async fn pool_names(
        &self,
        principal: &Principal,
        host: &HostName,
        deadline: Deadline,
    ) -> Result<Vec<String>, Failure> {
        let question = zfs("zpool", ["zpool", "list", "-H", "-o", "name"]);
        let said = self.ask(principal, host, question, deadline).await?;
        Ok(said.lines().map(str::to_owned).collect())
    }

    /// The pools of a host, with their sizes and health.
    ///
    /// # Errors
    /// What kept zpool, or the host, from answering.
    pub async fn pools(
        &self,
        principal: &Principal,
        host: &HostName,
        deadline: Deadline,
    ) -> Result<Shown, Failure> {
        let question = zfs("zpool", ["zpool", "list"]);
        let said = self.ask(principal, host, question, deadline).await?;
        Ok(said.shown("no pools available"))
    }

    /// The state of a pool and its devices.
    ///
    /// # Errors
    /// There is no such pool, or what kept zpool or the host from answering.
    pub async fn pool_status(
        &self,
        principal: &Principal,
        host: &HostName,
        pool: &PoolName,
        deadline: Deadline,
    ) -> Result<Shown, Failure> {
        let question = zfs("zpool", ["zpool", "status", "--", &pool.0]);
        let said = self.ask(principal, host, question, deadline).await?;
        Ok(said.shown("(no output)"))
    }

    /// The file systems and volumes of a pool.
    ///
    /// # Errors
    /// There is no such pool, or what kept zfs or the host from answering.
    pub async fn datasets(
        &self,
        principal: &Principal,
        host: &HostName,
        pool: &PoolName,
        deadline: Deadline,
    ) -> Result<Shown, Failure> {
        let question = zfs("zfs", ["zfs", "list", "-r", "--", &pool.0]);
        let said = self.ask(principal, host, question, deadline).await?;
        Ok(said.shown("(no output)"))
    }

    /// The newest snapshots of all pools, the newest first: the beginning of the answer is what
    /// matters, however many there are.
    ///
    /// # Errors
    /// What kept zfs, or the host, from answering.
    pub async fn snapshots(
        &self,
        principal: &Principal,
        host: &HostName,
        deadline: Deadline,
    ) -> Result<Shown, Failure> {
        let columns = "name,used,refer,creation";
        let words = ["-t", "snapshot", "-o", columns, "-S", "creation"];
        let question = zfs("zfs", ["zfs", "list"].into_iter().chain(words));
        let mut said = self.ask(principal, host, question, deadline).await?;
        let more = newest(&mut said.text);
        let truncated = said.cut || more > 0;
        if more > 0 {
            // What was cut is among those that are not shown.
            let at_least = if said.cut { "at least " } else { "" };
            said.cut = false;
            said.text.push_str(&format!(
                "\n[the newest {SNAPSHOTS}; {at_least}{more} older ones]"
            ));
        }
        Ok(Shown {
            truncated,
            ..said.shown("no snapshots available")
        })
    }
}

/// Keeps the heading and the lines of the first snapshots; how many were behind them.
fn newest(table: &mut String) -> usize {
    let end = memchr::memchr_iter(b'\n', table.as_bytes()).nth(SNAPSHOTS);
    let Some(end) = end else { return 0 };
    let older = table.get(end + 1..).unwrap_or_default().lines().count();
    table.truncate(end + 1);
    older
}

fn zfs<'a>(name: &'static str, words: impl IntoIterator<Item = &'a str>) -> Question<'a> {
    Question {
        missing: MISSING,
        hint: Some(HINT),
        ..Question::new(name, words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_zpool_would_take_for_one() {
        for good in [
            "tank",
            "t",
            "Tank-2_x",
            "a:b.c",
            "two words",
            "logs",
            "snapshots",
        ] {
            assert_eq!(PoolName::parse(good).unwrap().to_string(), good);
        }
        let long = "a".repeat(256);
        for bad in [
            "",
            "-v",
            "1tank",
            "tank/data",
            "tank@x",
            "../x",
            "a;b",
            "a\nb",
            "a\0b",
            "é",
            "log",
            "mirror",
            "mirror-0",
            "raidz1",
            "draid2",
            "spares",
            " tank",
            &long,
        ] {
            assert_eq!(PoolName::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_first_fifty_lines_below_the_heading_are_kept() {
        let table = |n: usize| {
            let lines = (0..n).map(|at| format!("tank@{at}  0B\n"));
            format!("NAME  USED\n{}", lines.collect::<String>())
        };
        let kept = |n: usize| {
            let mut text = table(n);
            (newest(&mut text), text)
        };
        assert_eq!(kept(50), (0, table(50)));
        assert_eq!(kept(53), (3, table(50)));
        assert_eq!(kept(0), (0, table(0)));
    }
}
