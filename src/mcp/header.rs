//! Reading the routing headers of the 2026-07-28 version.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use jsonrpsee::types::ErrorObjectOwned;

use super::error::header_mismatch;

/// `MCP-Protocol-Version`
pub(super) const PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// `Mcp-Method`
pub(super) const METHOD: &str = "mcp-method";
/// `Mcp-Name`
pub(super) const NAME: &str = "mcp-name";

/// The one value of a header, without the white space around it. Twice is once too often: a proxy
/// might have routed by the other one.
pub(super) fn single<'h>(
    headers: &'h HeaderMap,
    name: &str,
) -> Result<Option<&'h str>, ErrorObjectOwned> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(header_mismatch(format!(
            "header `{name}` is there more than once"
        )));
    }
    match value.to_str() {
        Ok(text) => Ok(Some(text.trim_matches([' ', '\t']))),
        Err(_) => Err(header_mismatch(format!(
            "header `{name}` is not visible ASCII"
        ))),
    }
}

/// Decodes `=?base64?...?=`; anything without both markers stands for itself. `None` when the
/// encoded part is not canonical, padded base64 of UTF-8.
pub(super) fn decode(value: &str) -> Option<Cow<'_, str>> {
    let encoded = value
        .strip_prefix("=?base64?")
        .and_then(|rest| rest.strip_suffix("?="));
    let Some(encoded) = encoded else {
        return Some(Cow::Borrowed(value));
    };
    let bytes = STANDARD.decode(encoded).ok()?;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn values_without_both_markers_are_literal() {
        assert_eq!(decode("eu-west").as_deref(), Some("eu-west"));
        assert_eq!(
            decode("=?base64?SGVsbG8=").as_deref(),
            Some("=?base64?SGVsbG8=")
        );
        assert_eq!(
            decode("=?BASE64?SGVsbG8=?=").as_deref(),
            Some("=?BASE64?SGVsbG8=?=")
        );
    }

    #[test]
    fn base64_must_be_canonical_and_padded() {
        assert_eq!(decode("=?base64?SGVsbG8=?=").as_deref(), Some("Hello"));
        assert_eq!(decode("=?base64??=").as_deref(), Some(""));
        for broken in ["SGVsbG8", "SGVs!!!bG8=", "SGVsbG9=", "/w=="] {
            assert_eq!(decode(&format!("=?base64?{broken}?=")), None, "{broken}");
        }
    }

    #[test]
    fn a_header_counts_once() {
        let mut headers = HeaderMap::new();
        assert_eq!(single(&headers, METHOD), Ok(None));
        headers.append(METHOD, HeaderValue::from_static(" ping\t"));
        assert_eq!(single(&headers, METHOD), Ok(Some("ping")));
        headers.append(METHOD, HeaderValue::from_static("ping"));
        assert_eq!(single(&headers, METHOD).unwrap_err().code(), -32020);
    }
}
