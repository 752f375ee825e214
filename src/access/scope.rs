//! Sets of host names, written as globs: `web-*`, `db[1-3]`, `{blue,green}-?`.
//!
//! A scope knows only aliases. It never resolves a name, and it knows no tags and no addresses:
//! what it admits can be read off the configuration alone.

use std::fmt;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// The longest pattern accepted, in bytes.
pub const MAX_PATTERN: usize = 256;
/// The most wildcards one pattern may hold: matching stays linear in the name.
pub const MAX_WILDCARDS: usize = 16;

/// Hosts by alias. An alias is admitted if any pattern matches the whole of it, case and all.
#[derive(Clone)]
pub struct HostScope {
    patterns: Vec<String>,
    /// `None` admits every host.
    globs: Option<GlobSet>,
}

impl HostScope {
    /// Every host.
    #[must_use]
    pub fn all() -> Self {
        Self {
            patterns: Vec::new(),
            globs: None,
        }
    }

    /// No host at all.
    #[must_use]
    pub fn none() -> Self {
        Self {
            patterns: Vec::new(),
            globs: Some(GlobSet::empty()),
        }
    }

    /// The hosts that match one of `patterns`; none of them, if there is no pattern.
    ///
    /// # Errors
    /// The first pattern that is no glob over host names, and why.
    pub fn matching<I>(patterns: I) -> Result<Self, PatternError>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let patterns: Vec<String> = patterns.into_iter().map(Into::into).collect();
        let mut set = GlobSetBuilder::new();
        for pattern in &patterns {
            set.add(compile(pattern)?);
        }
        let globs = set.build().map_err(|e| PatternError {
            pattern: patterns.join(","),
            why: e.to_string(),
        })?;
        Ok(Self {
            patterns,
            globs: Some(globs),
        })
    }

    /// Whether `host` is one of them.
    #[must_use]
    pub fn contains(&self, host: &str) -> bool {
        self.globs.as_ref().is_none_or(|globs| globs.is_match(host))
    }

    /// Whether every host is one of them, whatever its name.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.globs.is_none()
    }

    /// The patterns as written.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }
}

impl PartialEq for HostScope {
    fn eq(&self, other: &Self) -> bool {
        self.is_all() == other.is_all() && self.patterns == other.patterns
    }
}

impl Eq for HostScope {}

impl fmt::Debug for HostScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            f.write_str("all")
        } else {
            self.patterns.fmt(f)
        }
    }
}

/// A text that is no glob over host names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no host glob: {why}", pattern.escape_debug())]
pub struct PatternError {
    /// The pattern as written.
    pub pattern: String,
    /// What is wrong with it.
    pub why: String,
}

/// A pattern may hold only what a host name can hold, and the signs of a glob: an `@tag` or a
/// `name:port` would otherwise be a pattern that silently matches nothing.
fn compile(pattern: &str) -> Result<globset::Glob, PatternError> {
    let refuse = |why: &str| PatternError {
        pattern: pattern.into(),
        why: why.into(),
    };
    if pattern.is_empty() {
        return Err(refuse("it is empty"));
    }
    if pattern.len() > MAX_PATTERN {
        return Err(refuse("it is longer than 256 bytes"));
    }
    let foreign = |c: &char| !c.is_ascii_alphanumeric() && !"._-*?[]{},!".contains(*c);
    if let Some(c) = pattern.chars().find(foreign) {
        return Err(refuse(&format!("the character {c:?} is in no host name")));
    }
    if pattern.chars().filter(|c| "*?[{".contains(*c)).count() > MAX_WILDCARDS {
        return Err(refuse("it has more than 16 wildcards"));
    }
    GlobBuilder::new(pattern)
        .backslash_escape(false)
        .build()
        .map_err(|e| refuse(&e.kind().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_admits_whole_names_and_minds_the_case() {
        let scope = HostScope::matching(["web-*", "db[1-3]", "{blue,green}-?"]).unwrap();
        for inside in [
            "web-",
            "web-01",
            "web-1.example.com",
            "db2",
            "blue-1",
            "green-x",
        ] {
            assert!(scope.contains(inside), "{inside}");
        }
        for outside in [
            "web",
            "my-web-01",
            "WEB-01",
            "db4",
            "db12",
            "blue-10",
            "red-1",
            "",
        ] {
            assert!(!scope.contains(outside), "{outside}");
        }
    }

    #[test]
    fn no_pattern_admits_nobody_and_all_admits_everybody() {
        assert!(!HostScope::matching([""; 0]).unwrap().contains("a"));
        assert!(!HostScope::none().contains("a"));
        assert!(HostScope::all().contains("a"));
    }

    #[test]
    fn what_cannot_be_part_of_a_name_is_refused_and_named() {
        for (bad, why) in [
            ("", "empty"),
            ("@db", "'@'"),
            ("web 1", "' '"),
            ("a:22", "':'"),
            ("a/b", "'/'"),
            ("wеb", "'е'"),
            ("a[1", "character class"),
            ("****************x*", "16 wildcards"),
            (&"a".repeat(257), "256 bytes"),
        ] {
            let error = HostScope::matching([bad]).unwrap_err();
            assert!(error.to_string().contains(why), "{bad}: {error}");
        }
    }
}
