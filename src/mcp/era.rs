//! The protocol versions, and which era one message belongs to.
//!
//! The body decides; the `MCP-Protocol-Version` header only cross-checks. Nothing is remembered
//! from one message to the next: a client may probe with `server/discover` and still go on with
//! `initialize` on the same connection (anthropics/claude-code#96183).

use std::fmt;

/// How messages of a version are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// Stateless: every request names its version and capabilities in `params._meta`.
    Modern,
    /// The `initialize` handshake.
    Legacy,
}

/// A protocol version this server speaks. Ordered by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 2025-03-26
    V20250326,
    /// 2025-06-18
    V20250618,
    /// 2025-11-25
    V20251125,
    /// 2026-07-28
    V20260728,
}

/// Every version, newest first, as `server/discover` and -32022 list them. Both eras are named:
/// clients fall back to `initialize` only when the list holds a version of that handshake.
pub const SUPPORTED: [Version; 4] = [
    Version::V20260728,
    Version::V20251125,
    Version::V20250618,
    Version::V20250326,
];

impl Version {
    /// What `initialize` answers to a version it does not know. Never a modern one: that has no
    /// handshake.
    pub const NEWEST_LEGACY: Self = Self::V20251125;

    /// What a legacy HTTP request without version header speaks (2025-06-18, transports).
    pub const UNSTATED: Self = Self::V20250326;

    /// The version with this name, exactly.
    pub fn parse(name: &str) -> Option<Self> {
        SUPPORTED
            .into_iter()
            .find(|version| version.as_str() == name)
    }

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V20250326 => "2025-03-26",
            Self::V20250618 => "2025-06-18",
            Self::V20251125 => "2025-11-25",
            Self::V20260728 => "2026-07-28",
        }
    }

    /// The era of this version.
    pub const fn era(self) -> Era {
        match self {
            Self::V20260728 => Era::Modern,
            Self::V20250326 | Self::V20250618 | Self::V20251125 => Era::Legacy,
        }
    }

    /// The answer to the version asked for in `initialize`: itself when it is a legacy one, else
    /// the newest legacy one. A client that cannot live with it disconnects by itself.
    pub fn negotiate(requested: &str) -> Self {
        Self::parse(requested)
            .filter(|version| version.era() == Era::Legacy)
            .unwrap_or(Self::NEWEST_LEGACY)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the version header says about a message whose body names no version.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Claim<'a> {
    /// Serve it as this legacy version.
    Legacy(Version),
    /// The header claims the stateless version: the body must follow.
    Modern,
    /// Nobody knows that version.
    Unknown(&'a str),
}

/// Reads the header of a message without a version in its body. `unstated` is what the transport
/// speaks when there is no header.
pub(super) fn claim(header: Option<&str>, unstated: Version) -> Claim<'_> {
    match header.map(|name| (name, Version::parse(name))) {
        None => Claim::Legacy(unstated),
        Some((_, Some(version))) if version.era() == Era::Legacy => Claim::Legacy(version),
        Some((_, Some(_))) => Claim::Modern,
        Some((name, None)) => Claim::Unknown(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initialize_never_answers_a_version_without_handshake() {
        assert_eq!(Version::negotiate("2025-06-18"), Version::V20250618);
        for odd in ["2026-07-28", "2024-11-05", "1.0", "", "2025-06-18 "] {
            assert_eq!(Version::negotiate(odd), Version::V20251125, "{odd:?}");
        }
    }

    #[test]
    fn the_header_decides_only_where_the_body_is_silent() {
        let unstated = Version::UNSTATED;
        assert_eq!(claim(None, unstated), Claim::Legacy(Version::V20250326));
        assert_eq!(
            claim(Some("2025-06-18"), unstated),
            Claim::Legacy(Version::V20250618)
        );
        assert_eq!(claim(Some("2026-07-28"), unstated), Claim::Modern);
        assert_eq!(
            claim(Some("2024-11-05"), unstated),
            Claim::Unknown("2024-11-05")
        );
    }

    #[test]
    fn versions_are_listed_newest_first() {
        assert!(SUPPORTED.windows(2).all(|pair| pair[0] > pair[1]));
    }
}
