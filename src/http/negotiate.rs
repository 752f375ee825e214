//! `Content-Type` and `Accept`, read leniently where that is harmless.

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};

/// What a client is willing to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Accepts {
    pub(super) json: bool,
    pub(super) stream: bool,
}

impl Accepts {
    /// Reads `Accept`. The specification wants both types listed; a client that does not bother to
    /// say (no header, `*/*`) takes both, one that lists a single type gets that one.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        if !headers.contains_key(ACCEPT) {
            return Self {
                json: true,
                stream: true,
            };
        }
        let mut accepts = Self {
            json: false,
            stream: false,
        };
        let values = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok());
        for range in values.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            if parts.any(is_never) {
                continue;
            }
            let all = name == "*/*";
            accepts.json |= all || name == "application/json" || name == "application/*";
            accepts.stream |= all || name == "text/event-stream" || name == "text/*";
        }
        accepts
    }
}

/// `q=0`: not acceptable (RFC 9110, section 12.4.2).
fn is_never(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return false;
    };
    name.trim().eq_ignore_ascii_case("q") && value.trim().parse() == Ok(0.0_f32)
}

/// Whether the body claims to be JSON, with whatever parameters.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(kind), None) = (types.next(), types.next()) else {
        return false;
    };
    let name = kind.to_str().ok().and_then(|kind| kind.split(';').next());
    name.is_some_and(|name| name.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))])
    }

    #[test]
    fn silence_and_wildcards_accept_everything() {
        let both = Accepts {
            json: true,
            stream: true,
        };
        assert_eq!(Accepts::read(&HeaderMap::new()), both);
        for value in [
            "*/*",
            "application/json, text/event-stream",
            "text/*;q=0.1,Application/*",
        ] {
            assert_eq!(Accepts::read(&headers("accept", value)), both, "{value}");
        }
    }

    #[test]
    fn a_single_type_is_taken_at_its_word() {
        let read = |value| Accepts::read(&headers("accept", value));
        assert_eq!(
            read("application/json"),
            Accepts {
                json: true,
                stream: false
            }
        );
        assert_eq!(
            read("text/event-stream"),
            Accepts {
                json: false,
                stream: true
            }
        );
        assert_eq!(
            read("text/html, */*;q=0"),
            Accepts {
                json: false,
                stream: false
            }
        );
    }

    #[test]
    fn json_may_have_parameters() {
        let json = |value| is_json(&headers("content-type", value));
        assert!(json("application/json") && json("Application/JSON; charset=\"utf-8\""));
        assert!(!json("text/plain") && !json("application/jsonp") && !json(""));
        assert!(!is_json(&HeaderMap::new()));
    }
}
