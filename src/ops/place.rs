//! A path of a host in a report: as text, and exact where text cannot be.

use super::Printable;
use super::text::one_line;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fleet::{HostName, RemotePath};
use serde::Serialize;
use std::fmt::{self, Write};

/// A path as a report gives it. Shown, it is one line.
#[derive(Debug, Clone, Serialize)]
pub struct PlaceReport {
    /// The path; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// The exact path in base64, where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
    /// Where to read it as a resource, where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    #[serde(skip)]
    exact: RemotePath,
}

impl PlaceReport {
    pub(super) fn new(host: &HostName, path: RemotePath) -> Self {
        let (text, path_base64) = exact(path.as_bytes());
        Self {
            path: text,
            uri: path_base64.is_some().then(|| uri(host, &path)),
            path_base64,
            exact: path,
        }
    }

    /// The path itself.
    #[must_use]
    pub fn exact(&self) -> &RemotePath {
        &self.exact
    }

    /// Bytes it holds, about.
    pub(super) fn weight(&self) -> usize {
        let base64 = self.path_base64.as_ref().map_or(0, String::len);
        self.path.len() + base64 + self.uri.as_ref().map_or(0, String::len)
    }
}

impl fmt::Display for PlaceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Printable(&one_line(&self.path)))
    }
}

/// A path as text, and in base64 where it is not UTF-8.
pub(super) fn exact(path: &[u8]) -> (String, Option<String>) {
    match std::str::from_utf8(path) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => {
            let text = String::from_utf8_lossy(path).into_owned();
            (text, Some(STANDARD.encode(path)))
        }
    }
}

/// The resource at a path: every byte but those that mean themselves (RFC 3986 §2.3) and the slash is
/// written as `%` and two digits.
fn uri(host: &HostName, path: &RemotePath) -> String {
    let mut uri = match host.as_str().contains(':') {
        true => format!("scout://[{host}]/"),
        false => format!("scout://{host}/"),
    };
    let path = path.as_bytes();
    // A name with a tilde in the root would be taken for the home directory.
    let rest = match path {
        [b'/', b'~', ..] => path,
        [b'/', rest @ ..] => rest,
        path => path,
    };
    for &byte in rest {
        let plain = byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        let _infallible = match plain {
            true => uri.write_char(char::from(byte)),
            false => write!(uri, "%{byte:02X}"),
        };
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &[u8]) -> PlaceReport {
        let host = HostName::parse("web1").unwrap();
        PlaceReport::new(&host, RemotePath::parse(path).unwrap())
    }

    #[test]
    fn a_path_that_is_text_is_given_as_it_is() {
        let place = place("/etc/a b\n~é".as_bytes());
        assert_eq!(place.path, "/etc/a b\n~é");
        assert!(place.path_base64.is_none() && place.uri.is_none());
        assert_eq!(place.to_string(), "/etc/a b\\n~é");
    }

    #[test]
    fn a_path_that_is_not_text_is_also_given_exactly() {
        let uri = |path: &[u8]| place(path).uri.unwrap();
        assert_eq!(place(b"/a/\xff").path_base64.unwrap(), "L2Ev/w==");
        assert_eq!(uri(b"/a b/%\xff?#\n"), "scout://web1/a%20b/%25%FF%3F%23%0A");
        assert_eq!(uri(b"~/\xe9"), "scout://web1/~/%E9");
        assert_eq!(uri(b"/~/\xe9"), "scout://web1//~/%E9");
    }
}
