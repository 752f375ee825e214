//! Which files are looked for, by what a listing tells of them. Pure.

use super::glob::NameGlob;
use super::moment;
use crate::config::units;
use fleet::file::{Attributes, Kind};
use std::str::FromStr;

/// Which files.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    name: Option<NameGlob>,
    kind: Option<FindKind>,
    min_size: Option<u64>,
    max_size: Option<u64>,
    newer_than: Option<i64>,
    older_than: Option<i64>,
}

/// What is looked for, as it was written.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// A pattern for the name.
    pub name: Option<Vec<u8>>,
    /// A text within a line of the file.
    pub contains: Option<Vec<u8>>,
    /// What it is.
    pub kind: Option<FindKind>,
    /// `10MB`: files of so many bytes or more.
    pub min_size: Option<String>,
    /// `10MB`: files of so many bytes or fewer.
    pub max_size: Option<String>,
    /// `2d`, or a date: changed since then.
    pub newer_than: Option<String>,
    /// `2d`, or a date: not changed since then.
    pub older_than: Option<String>,
    /// How deep to go.
    pub depth: Option<usize>,
    /// How deep to go where nothing is said about it; as deep as possible when absent.
    pub usual_depth: Option<usize>,
    /// How many to find.
    pub limit: Option<usize>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A pipe, socket or device.
    Other,
}

impl FindKind {
    /// The name in reports and requests.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::Other => "other",
        }
    }

    pub(super) fn of(kind: Kind) -> Self {
        match kind {
            Kind::File => Self::File,
            Kind::Directory => Self::Directory,
            Kind::Symlink => Self::Symlink,
            _ => Self::Other,
        }
    }
}

impl FromStr for FindKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::File, Self::Directory, Self::Symlink, Self::Other];
        let found = all.into_iter().find(|kind| kind.label() == text);
        found.ok_or_else(|| {
            format!(
                "`kind` is `file`, `directory`, `symlink` or `other`, not `{}`",
                text.escape_debug()
            )
        })
    }
}

impl Filter {
    /// Reads what is looked for, `now` being the seconds since 1970.
    ///
    /// # Errors
    /// A sentence that says what is legal.
    pub(super) fn parse(wanted: &Wanted, now: i64) -> Result<Self, String> {
        let size = |name: &str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => units::size(text).map(Some).ok_or_else(|| {
                format!(
                    "`{name}` is a size like `4096`, `10MB` or `1GiB`, not `{}`",
                    text.escape_debug()
                )
            }),
        };
        let moment = |name: &str, text: &Option<String>| {
            let moment = text.as_ref().map(|text| moment::parse(text, now));
            moment.transpose().map_err(|why| format!("`{name}`: {why}"))
        };
        Ok(Self {
            name: wanted.name.as_ref().map(NameGlob::parse).transpose()?,
            kind: wanted.kind,
            min_size: size("min_size", &wanted.min_size)?,
            max_size: size("max_size", &wanted.max_size)?,
            newer_than: moment("newer_than", &wanted.newer_than)?,
            older_than: moment("older_than", &wanted.older_than)?,
        })
    }

    /// The pattern for names.
    pub(super) fn name(&self) -> Option<&NameGlob> {
        self.name.as_ref()
    }

    /// Whether a file is looked for. What the host did not say fits no bound.
    pub(super) fn accepts(&self, name: &[u8], attributes: &Attributes) -> bool {
        let kind = FindKind::of(attributes.kind());
        let (size, modified) = (attributes.size, attributes.modified.map(i64::from));
        let sized = |fits: &dyn Fn(u64) -> bool| kind == FindKind::File && size.is_some_and(fits);
        self.kind.is_none_or(|wanted| wanted == kind)
            && self.min_size.is_none_or(|min| sized(&|size| size >= min))
            && self.max_size.is_none_or(|max| sized(&|size| size <= max))
            && self
                .newer_than
                .is_none_or(|then| modified.is_some_and(|at| at >= then))
            && self
                .older_than
                .is_none_or(|then| modified.is_some_and(|at| at < then))
            && self.name.as_ref().is_none_or(|glob| glob.matches(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(size: u64, modified: u32) -> Attributes {
        Attributes {
            size: Some(size),
            mode: Some(0o100_644),
            modified: Some(modified),
            ..Attributes::default()
        }
    }

    #[test]
    fn every_bound_is_kept() {
        let wanted = |change: fn(&mut Wanted)| {
            let mut wanted = Wanted::default();
            change(&mut wanted);
            Filter::parse(&wanted, 1_000_000).unwrap()
        };
        let min = wanted(|w| w.min_size = Some("1kB".into()));
        assert!(min.accepts(b"a", &file(1000, 0)) && !min.accepts(b"a", &file(999, 0)));
        let max = wanted(|w| w.max_size = Some("1KiB".into()));
        assert!(max.accepts(b"a", &file(1024, 0)) && !max.accepts(b"a", &file(1025, 0)));
        let newer = wanted(|w| w.newer_than = Some("10s".into()));
        assert!(newer.accepts(b"a", &file(0, 999_990)) && !newer.accepts(b"a", &file(0, 999_989)));
        let older = wanted(|w| w.older_than = Some("1970-01-02".into()));
        assert!(older.accepts(b"a", &file(0, 86_399)) && !older.accepts(b"a", &file(0, 86_400)));
        let directory = Attributes {
            mode: Some(0o040_755),
            ..file(4096, 0)
        };
        assert!(
            !min.accepts(b"a", &directory),
            "only files have a size worth asking for"
        );
        let kind = wanted(|w| w.kind = Some(FindKind::Directory));
        assert!(kind.accepts(b"a", &directory) && !kind.accepts(b"a", &file(0, 0)));
        assert!(
            !kind.accepts(b"a", &Attributes::default()),
            "unknown is other"
        );
    }

    #[test]
    fn what_is_no_bound_is_said() {
        let wrong = [
            Wanted {
                min_size: Some("10M".into()),
                ..Wanted::default()
            },
            Wanted {
                newer_than: Some("soon".into()),
                ..Wanted::default()
            },
            Wanted {
                name: Some(b"a/b".into()),
                ..Wanted::default()
            },
        ];
        for wanted in wrong {
            assert!(Filter::parse(&wanted, 0).is_err(), "{wanted:?}");
        }
        assert!("files".parse::<FindKind>().is_err());
    }
}
