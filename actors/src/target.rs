//! Names of hosts and places on them, parsed once at the door.
//!
//! A [`HostName`] is an alias of the inventory, never an address typed by a client, so nothing
//! that could be an option, a shell word or a user name fits into it. What a path means is decided
//! on the host; here it is only split off, and nothing is ever asked of the network.

use std::fmt;
use std::net::Ipv6Addr;
use std::sync::Arc;

/// The longest host name accepted, in bytes: the limit of a DNS name (RFC 1035 §2.3.4).
pub const MAX_HOST_NAME: usize = 253;

/// The longest path accepted, in bytes: `PATH_MAX` of Linux (`limits.h`).
pub const MAX_PATH: usize = 4096;

/// The alias of a host in the inventory.
///
/// Letters, digits, `.`, `_` and `-`, beginning with a letter or digit, at most
/// [`MAX_HOST_NAME`] bytes; or an IPv6 address, without brackets. Cheap to clone. Case is kept and matters, as in `ssh_config(5)`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(Arc<str>);

impl HostName {
    /// Parses an alias.
    ///
    /// # Errors
    /// [`TargetError::EmptyHost`], [`TargetError::LongHost`] or [`TargetError::HostCharacter`].
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        if text.is_empty() {
            return Err(TargetError::EmptyHost);
        }
        if text.len() > MAX_HOST_NAME {
            return Err(TargetError::LongHost { bytes: text.len() });
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Ok(Self(text.into()));
        }
        let legal = |(at, c): (usize, char)| {
            c.is_ascii_alphanumeric() || (at > 0 && matches!(c, '.' | '_' | '-'))
        };
        match text.char_indices().find(|&(at, c)| !legal((at, c))) {
            Some((at, c)) => Err(TargetError::HostCharacter { at, c }),
            None => Ok(Self(text.into())),
        }
    }

    /// The alias as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl std::borrow::Borrow<str> for HostName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A path on a host, as the host will see it: bytes, usually UTF-8.
///
/// Absolute, or relative to the home directory of the account (`~`, `~/…`). Everything but NUL is
/// data: spaces, quotes, newlines, bytes that are no UTF-8 and a leading `-` after a slash have no
/// meaning anywhere. Shown as text, bytes that are not UTF-8 are replaced.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RemotePath(Arc<[u8]>);

impl RemotePath {
    /// Parses `/…`, `~`, `~/…`, or nothing at all, which is the home directory.
    ///
    /// # Errors
    /// [`TargetError::RelativePath`], [`TargetError::OtherHome`], [`TargetError::LongPath`] or
    /// [`TargetError::NulInPath`].
    pub fn parse(path: impl AsRef<[u8]>) -> Result<Self, TargetError> {
        let path = path.as_ref();
        if path.len() > MAX_PATH {
            return Err(TargetError::LongPath { bytes: path.len() });
        }
        if path.contains(&0) {
            return Err(TargetError::NulInPath);
        }
        let text = || String::from_utf8_lossy(path).into_owned();
        match path {
            [] => Ok(Self::home()),
            [b'/', ..] | [b'~'] | [b'~', b'/', ..] => Ok(Self(path.into())),
            [b'~', ..] => Err(TargetError::OtherHome { path: text() }),
            _ => Err(TargetError::RelativePath { path: text() }),
        }
    }

    /// The home directory of the account that logs in.
    #[must_use]
    pub fn home() -> Self {
        Self(b"~".as_slice().into())
    }

    /// The path as it was written.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as text, if it is UTF-8.
    #[must_use]
    pub fn to_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The last name of the path; nothing for the root and the home directory.
    #[must_use]
    pub fn name(&self) -> Option<&[u8]> {
        let path = self.below_home().unwrap_or(&self.0);
        path.split(|&byte| byte == b'/')
            .rfind(|name| !name.is_empty())
    }

    /// This path with `below` behind it: a name, or several with slashes between them.
    ///
    /// # Errors
    /// [`TargetError::LongPath`] or [`TargetError::NulInPath`].
    pub fn join(&self, below: impl AsRef<[u8]>) -> Result<Self, TargetError> {
        let slash: &[u8] = if self.0.ends_with(b"/") { b"" } else { b"/" };
        Self::parse([&self.0, slash, below.as_ref()].concat())
    }

    /// The part below the home directory (empty for the home itself), if it is written with `~`.
    #[must_use]
    pub fn below_home(&self) -> Option<&[u8]> {
        let mut rest = self.0.strip_prefix(b"~")?;
        while let Some(behind) = rest.strip_prefix(b"/") {
            rest = behind;
        }
        Some(rest)
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// A place in the fleet: `host:/path`, `host:~/path`, `host:` (home), `[v6]:/path`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// Which host.
    pub host: HostName,
    /// Where on it.
    pub path: RemotePath,
}

impl Target {
    /// Splits at the first colon (behind the brackets of an IPv6 address) and parses both parts.
    ///
    /// # Errors
    /// [`TargetError::NoColon`], or what is wrong with a part.
    pub fn parse(target: impl AsRef<[u8]>) -> Result<Self, TargetError> {
        let (host, path) = split(target.as_ref()).ok_or(TargetError::NoColon)?;
        Ok(Self {
            host: HostName::parse(&String::from_utf8_lossy(host))?,
            path: RemotePath::parse(path)?,
        })
    }
}

/// What stands before and behind the colon that ends the host: the first one outside of brackets,
/// which hold an IPv6 address or the range of an expression. The same split for one host and for an
/// expression of many; an address that stands alone comes without its brackets.
#[must_use]
pub fn split(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 0;
    let colon = loop {
        let rest = target.get(at..)?;
        let next = memchr::memchr2(b'[', b':', rest)?;
        if rest.get(next) == Some(&b':') {
            break at + next;
        }
        // What is open where the path begins is no bracket of the host.
        let inside = rest.get(next..)?;
        let closed = memchr::memchr2(b']', b'/', inside);
        let closed = closed.filter(|&end| inside.get(end) == Some(&b']'));
        at += next + 1 + closed.unwrap_or(0);
    };
    let (host, path) = (target.get(..colon)?, target.get(colon + 1..)?);
    let inner = host.strip_prefix(b"[").and_then(|h| h.strip_suffix(b"]"));
    let address = inner.filter(|inner| inner.contains(&b':') && !inner.contains(&b'['));
    Some((address.unwrap_or(host), path))
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.as_str().contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.path),
            false => write!(f, "{}:{}", self.host, self.path),
        }
    }
}

/// Why a text is not a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Nothing stands where a host name should.
    #[error("the host name is empty")]
    EmptyHost,
    /// Longer than a DNS name can be.
    #[error("the host name has {bytes} bytes; at most {MAX_HOST_NAME} are allowed")]
    LongHost {
        /// Its length.
        bytes: usize,
    },
    /// A character no alias of ours can hold.
    #[error(
        "the host name has the character {c:?} at position {at}; letters, digits, `.`, `_` and `-` are allowed, beginning with a letter or digit"
    )]
    HostCharacter {
        /// Byte offset in the name.
        at: usize,
        /// The character.
        c: char,
    },
    /// A target without a colon.
    #[error("a target is `host:/path`, `host:~/path` or `host:`; there is no colon")]
    NoColon,
    /// Neither absolute nor below the home directory.
    #[error(
        "the path `{path}` is relative; begin it with `/`, or with `~/` for the home directory"
    )]
    RelativePath {
        /// The path.
        path: String,
    },
    /// `~user`, which only the host could resolve.
    #[error("the path `{path}` names another account's home; write the directory itself")]
    OtherHome {
        /// The path.
        path: String,
    },
    /// Longer than any file system takes.
    #[error("the path has {bytes} bytes; at most {MAX_PATH} are allowed")]
    LongPath {
        /// Its length.
        bytes: usize,
    },
    /// A NUL byte, which ends a path for every system call.
    #[error("the path has a NUL byte")]
    NulInPath,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_nothing_that_could_be_an_option_or_a_shell_word() {
        for bad in [
            "",
            "-oProxyCommand=x",
            "a;b",
            "a b",
            "a\nb",
            "root@a",
            "a:22",
            "../a",
            "*",
            "$(x)",
            "wеb1",
        ] {
            assert!(HostName::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "web-1", "WEB_1.example.com", "10.0.0.1"] {
            assert_eq!(HostName::parse(good).unwrap().as_str(), good);
        }
        assert!(HostName::parse(&"a".repeat(254)).is_err());
    }

    #[test]
    fn a_target_splits_at_the_first_colon() {
        let parse = |text| Target::parse(text).map(|t| (t.host.to_string(), t.path.to_string()));
        assert_eq!(parse("web1:/a:b:c"), Ok(("web1".into(), "/a:b:c".into())));
        assert_eq!(parse("web1:"), Ok(("web1".into(), "~".into())));
        assert_eq!(parse("[::1]:/etc"), Ok(("::1".into(), "/etc".into())));
        assert_eq!(parse("web1"), Err(TargetError::NoColon));
        assert!(matches!(parse(":/etc"), Err(TargetError::EmptyHost)));
        for bad in [
            "web1:etc",
            "web1:-delete",
            "web1:C:\\x",
            "web1:web2:/x",
            "web1:~bob/x",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            Target::parse("[::1]:/etc").unwrap().to_string(),
            "[::1]:/etc"
        );
    }

    #[test]
    fn an_expression_splits_where_its_hosts_end() {
        for (target, host, path) in [
            ("web-[01-18]:/etc", "web-[01-18]", "/etc"),
            ("[01-18]:/x:y", "[01-18]", "/x:y"),
            ("[::1],web-[1-2]:/x", "[::1],web-[1-2]", "/x"),
            ("web,[::1]:", "web,[::1]", ""),
            ("[::1]:/a]:b", "::1", "/a]:b"),
            ("@db,!web-*:~/x", "@db,!web-*", "~/x"),
            ("web[1:/x]:y", "web[1", "/x]:y"),
            ("web:/a[b:c]", "web", "/a[b:c]"),
        ] {
            let parts = split(target.as_bytes());
            assert_eq!(parts, Some((host.as_bytes(), path.as_bytes())), "{target}");
        }
        for none in ["", "web", "[::1]", "web-[1-2"] {
            assert_eq!(split(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn a_home_path_knows_what_is_below_home() {
        let below = |p| {
            RemotePath::parse(p)
                .unwrap()
                .below_home()
                .map(<[u8]>::to_vec)
        };
        assert_eq!(below("~"), Some(Vec::new()));
        assert_eq!(below("~//a b"), Some(b"a b".to_vec()));
        assert_eq!(below("/a"), None);
    }

    #[test]
    fn a_path_has_a_name_and_things_below_it() {
        let name = |p: &str| RemotePath::parse(p).unwrap().name().map(<[u8]>::to_vec);
        assert_eq!(name("/a/b//"), Some(b"b".to_vec()));
        assert_eq!(name("/~"), Some(b"~".to_vec()));
        assert_eq!((name("/"), name("~"), name("~/")), (None, None, None));
        let join = |p: &str, below: &[u8]| RemotePath::parse(p).unwrap().join(below).unwrap();
        assert_eq!(join("/", b"a").as_bytes(), b"/a");
        assert_eq!(join("~", b"a/\xff").as_bytes(), b"~/a/\xff");
        assert!(
            RemotePath::parse("/a")
                .unwrap()
                .join([b'x'; MAX_PATH])
                .is_err()
        );
    }
}
