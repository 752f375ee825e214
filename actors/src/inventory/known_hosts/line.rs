//! One line of `known_hosts`: marker, names, key.
//!
//! Decides only what a line says; what follows from it for a connection is decided with all lines
//! in view. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use russh::keys::PublicKey;
use russh::keys::ssh_key::public::KeyData;

use super::names::Names;

/// What a key on a line is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// It is the host's key.
    None,
    /// `@revoked`: a key that must never be accepted.
    Revoked,
    /// `@cert-authority`: it signs host certificates and is nobody's own key.
    CertAuthority,
}

/// The content of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) marker: Marker,
    pub(super) names: Names,
    pub(super) key: PublicKey,
}

/// What a line turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// Blank or a comment.
    Nothing,
    /// Not understood, and passed over as `ssh` does.
    Malformed,
    /// A key.
    Line(Box<Line>),
}

/// Reads one line, without its line feed.
pub(super) fn parse(text: &[u8]) -> Parsed {
    // Everything up to the key is ASCII; a comment behind it may be anything.
    let text = String::from_utf8_lossy(text);
    let text = text.trim_end_matches(['\r', ' ', '\t']);
    let rest = text.trim_start_matches([' ', '\t']);
    if rest.is_empty() || rest.starts_with('#') {
        return Parsed::Nothing;
    }
    match line(rest) {
        Some(line) => Parsed::Line(Box::new(line)),
        None => Parsed::Malformed,
    }
}

fn line(rest: &str) -> Option<Line> {
    let (marker, rest) = marker(rest)?;
    let (names, rest) = field(rest)?;
    let names = Names::parse(names)?;
    let (algorithm, rest) = field(rest)?;
    let (blob, _comment) = field(rest).unwrap_or((rest, ""));
    let key = PublicKey::from_bytes(&STANDARD.decode(blob).ok()?).ok()?;
    // A certificate is no host key, and of a type that is not known nothing can be said.
    let usable = !matches!(key.key_data(), KeyData::Other(_) | KeyData::Certificate(_));
    (usable && key.algorithm().as_str() == algorithm).then_some(Line { marker, names, key })
}

/// Reads a marker. At most one may stand there, and one that is not known spoils its line.
///
/// A tab ends a marker as a space does. `check_markers` in OpenSSH's `hostfile.c` looks for a space
/// first and so passes `@revoked<TAB>host key` over: a revocation somebody wrote must count.
fn marker(rest: &str) -> Option<(Marker, &str)> {
    let Some(marked) = rest.strip_prefix('@') else {
        return Some((Marker::None, rest));
    };
    let (word, rest) = field(marked)?;
    let marker = match word {
        "revoked" => Marker::Revoked,
        "cert-authority" => Marker::CertAuthority,
        _ => return None,
    };
    (!rest.starts_with('@')).then_some((marker, rest))
}

/// Splits off a field that something follows.
fn field(rest: &str) -> Option<(&str, &str)> {
    let (field, rest) = rest.split_once([' ', '\t'])?;
    let rest = rest.trim_start_matches([' ', '\t']);
    (!rest.is_empty()).then_some((field, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    fn read(text: &str) -> Parsed {
        parse(text.as_bytes())
    }

    #[test]
    fn fields_are_separated_by_spaces_and_tabs() {
        let tabs = KEY.replace(' ', "\t");
        for text in [
            format!("web {KEY}"),
            format!("  web  {KEY} comment # more"),
            format!("web\t{tabs}"),
            format!("web {KEY}\r"),
        ] {
            let Parsed::Line(line) = read(&text) else {
                panic!("{text:?} is a line");
            };
            assert_eq!(line.marker, Marker::None, "{text:?}");
            assert!(line.names.fit("web"));
        }
        let latin = [format!("web {KEY} caf").as_bytes(), b"\xe9"].concat();
        assert!(matches!(parse(&latin), Parsed::Line(_)));
    }

    #[test]
    fn markers_are_the_two_known_ones_and_stand_alone() {
        for (text, expected) in [
            (format!("@revoked web {KEY}"), Marker::Revoked),
            (format!("@revoked\tweb {KEY}"), Marker::Revoked),
            (format!("@cert-authority *.x {KEY}"), Marker::CertAuthority),
        ] {
            let Parsed::Line(line) = read(&text) else {
                panic!("{text:?} is a line");
            };
            assert_eq!(line.marker, expected, "{text:?}");
        }
        for text in [
            format!("@Revoked web {KEY}"),
            format!("@revoked @revoked web {KEY}"),
            format!("@ web {KEY}"),
            "@revoked".to_owned(),
        ] {
            assert_eq!(read(&text), Parsed::Malformed, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_key_is_malformed_and_comments_are_nothing() {
        for text in ["", "   ", "# web", "\t#", "\r"] {
            assert_eq!(read(text), Parsed::Nothing, "{text:?}");
        }
        let blob = KEY.split(' ').nth(1).unwrap();
        for text in [
            "web".to_owned(),
            "web ssh-ed25519".to_owned(),
            "web ssh-ed25519 !!!!".to_owned(),
            "web ssh-ed25519 AAAA".to_owned(),
            format!("web ssh-rsa {blob}"),
            format!("web {blob}"),
            format!("|1|x|y {KEY}"),
            "web 1024 35 12345678901234567890".to_owned(),
        ] {
            assert_eq!(read(&text), Parsed::Malformed, "{text:?}");
        }
    }
}
