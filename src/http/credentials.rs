//! Finds the key in a request. Never judges it, never logs it.

use http::HeaderMap;
use http::header::AUTHORIZATION;

const X_API_KEY: &str = "x-api-key";

/// Names under which clients try to put keys into URLs, where proxies log them.
const IN_QUERY: [&str; 5] = ["api_key", "apikey", "key", "token", "access_token"];

/// Why no key could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Misplaced {
    /// 400: which of them counts would depend on the reader.
    #[error("more than one API key: send one `Authorization` or one `X-API-Key` header")]
    Ambiguous,
    /// 401.
    #[error("API keys do not belong into URLs: send `Authorization: Bearer <key>`")]
    InQuery,
}

/// The key of `Authorization: Bearer` or of `X-API-Key`. Other schemes are not for us.
pub(super) fn presented<'h>(
    headers: &'h HeaderMap,
    query: Option<&str>,
) -> Result<Option<&'h str>, Misplaced> {
    let in_query = query.unwrap_or_default().split(['&', ';']).any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        IN_QUERY
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    });
    if in_query {
        return Err(Misplaced::InQuery);
    }
    let mut all = headers
        .get_all(AUTHORIZATION)
        .iter()
        .chain(headers.get_all(X_API_KEY));
    let (first, second) = (all.next(), all.next());
    if second.is_some() {
        return Err(Misplaced::Ambiguous);
    }
    let Some(Ok(value)) = first.map(|value| value.to_str()) else {
        return Ok(None);
    };
    if headers.contains_key(X_API_KEY) {
        return Ok(Some(value.trim()));
    }
    let key = value.split_once(' ').and_then(|(scheme, key)| {
        // RFC 9110, section 11.1: schemes are case-insensitive.
        scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
    });
    Ok(key)
}

/// The key of a request, where it does not matter why there is none.
pub(crate) fn presented_key<'h>(headers: &'h HeaderMap, query: Option<&str>) -> Option<&'h str> {
    presented(headers, query).ok().flatten()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(
        pairs: &[(&'static str, &'static str)],
        query: Option<&str>,
    ) -> Result<Option<String>, Misplaced> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        presented(&headers, query).map(|key| key.map(str::to_owned))
    }

    #[test]
    fn a_key_comes_in_either_header() {
        let key = Ok(Some("k-1".to_owned()));
        assert_eq!(read(&[("authorization", "Bearer k-1")], None), key);
        assert_eq!(read(&[("authorization", "bearer  k-1 ")], Some("x=1")), key);
        assert_eq!(read(&[("x-api-key", "k-1")], None), key);
    }

    #[test]
    fn what_is_no_key_is_none() {
        assert_eq!(read(&[], None), Ok(None));
        assert_eq!(read(&[("authorization", "Basic azpr")], None), Ok(None));
        assert_eq!(read(&[("authorization", "Bearer")], None), Ok(None));
    }

    #[test]
    fn two_keys_are_none_too_many() {
        let twice = [("authorization", "Bearer a"), ("authorization", "Bearer a")];
        assert_eq!(read(&twice, None), Err(Misplaced::Ambiguous));
        let both = [("authorization", "Bearer a"), ("x-api-key", "a")];
        assert_eq!(read(&both, None), Err(Misplaced::Ambiguous));
    }

    #[test]
    fn keys_in_urls_are_refused_even_beside_a_good_one() {
        let good = [("authorization", "Bearer a")];
        assert_eq!(read(&good, Some("a=1&API_KEY=k")), Err(Misplaced::InQuery));
        assert_eq!(read(&[], Some("token")), Err(Misplaced::InQuery));
        assert_eq!(read(&good, Some("monkey=1")), Ok(Some("a".into())));
    }
}
