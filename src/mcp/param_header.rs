//! `Mcp-Param-*`: arguments repeated in headers, so that a proxy can route without reading bodies.
//!
//! A tool asks for it with `x-mcp-header` in its input schema (2026-07-28, transports). The server
//! must refuse a request whose header and body disagree: a proxy has acted on the header already.

use http::HeaderMap;
use jsonrpsee::types::ErrorObjectOwned;
use rmcp::model::JsonObject;
use serde_json::Value;

use super::error::header_mismatch;
use super::header;

/// The keyword in a property's schema.
const KEYWORD: &str = "x-mcp-header";

/// Compares every annotated argument with its header. -32020 when one is missing, superfluous,
/// malformed or different.
pub(super) fn check(
    schema: &JsonObject,
    arguments: &JsonObject,
    headers: &HeaderMap,
) -> Result<(), ErrorObjectOwned> {
    walk(schema, Some(arguments), &mut |token, kind, value| {
        let name = format!("mcp-param-{}", token.to_ascii_lowercase());
        match (header::single(headers, &name)?, value) {
            (None, None | Some(Value::Null)) => Ok(()),
            (None, Some(_)) => Err(header_mismatch(format!("header `{name}` is missing"))),
            (Some(_), None | Some(Value::Null)) => Err(header_mismatch(format!(
                "header `{name}` has no argument in the body"
            ))),
            (Some(sent), Some(value)) => {
                let Some(sent) = header::decode(sent) else {
                    return Err(header_mismatch(format!(
                        "header `{name}` is malformed base64"
                    )));
                };
                if agrees(&sent, kind, value) {
                    return Ok(());
                }
                Err(header_mismatch(format!(
                    "header `{name}` differs from the body"
                )))
            }
        }
    })
}

/// Calls `found(header, type, value)` for every annotated property that is reachable through
/// `properties` alone.
fn walk<F>(
    schema: &JsonObject,
    arguments: Option<&JsonObject>,
    found: &mut F,
) -> Result<(), ErrorObjectOwned>
where
    F: FnMut(&str, Option<&str>, Option<&Value>) -> Result<(), ErrorObjectOwned>,
{
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Ok(());
    };
    for (key, property) in properties {
        let Some(property) = property.as_object() else {
            continue;
        };
        let value = arguments.and_then(|arguments| arguments.get(key));
        if let Some(token) = property.get(KEYWORD).and_then(Value::as_str) {
            found(token, property.get("type").and_then(Value::as_str), value)?;
        }
        walk(property, value.and_then(Value::as_object), found)?;
    }
    Ok(())
}

/// Strings compare exactly, integers by number (42 is 42.0), booleans by name.
fn agrees(sent: &str, kind: Option<&str>, value: &Value) -> bool {
    match value {
        Value::String(text) => sent == text,
        Value::Bool(flag) => sent == if *flag { "true" } else { "false" },
        Value::Number(number) => {
            let exact = sent == number.to_string();
            exact
                || kind == Some("integer")
                    && as_integer(sent) == as_integer(&number.to_string())
                    && as_integer(sent).is_some()
        }
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// The integer a decimal number stands for. Beyond 2^53 fractions are not told apart, so only plain
/// digits are read there.
fn as_integer(text: &str) -> Option<i128> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if let Ok(integer) = text.parse() {
        return Some(integer);
    }
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
    {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i128)
}

/// Why a schema's annotations make clients drop the whole tool, if they do. For the unit test of
/// a catalogue.
pub fn fault(schema: &JsonObject) -> Option<String> {
    let mut seen = Vec::new();
    let mut fault = None;
    let walked = walk(schema, None, &mut |token, kind, _| {
        let lower = token.to_ascii_lowercase();
        if !is_token(token) {
            fault = Some(format!("`{token}` is not a header name"));
        } else if seen.contains(&lower) {
            fault = Some(format!("`{token}` is used twice"));
        } else if !matches!(kind, Some("string" | "integer" | "boolean")) {
            fault = Some(format!(
                "`{token}` is not on a string, an integer or a boolean"
            ));
        }
        seen.push(lower);
        Ok(())
    });
    debug_assert!(walked.is_ok());
    let reached = seen.len();
    let there = count(&Value::Object(schema.clone()));
    fault.or_else(|| (reached != there).then(|| "an annotation is out of reach".to_owned()))
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

fn count(schema: &Value) -> usize {
    match schema {
        Value::Object(object) => {
            usize::from(object.get(KEYWORD).is_some_and(Value::is_string))
                + object.values().map(count).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(count).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> JsonObject {
        value.as_object().unwrap().clone()
    }

    fn schema() -> JsonObject {
        object(json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "deep": {"type": "object", "properties": {
                "level": {"type": "integer", "x-mcp-header": "Level"}}},
            "dry": {"type": "boolean", "x-mcp-header": "Dry"},
            "free": {"type": "string"},
        }}))
    }

    fn verdict(arguments: Value, sent: &[(&'static str, &'static str)]) -> bool {
        let headers = sent
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        check(&schema(), &object(arguments), &headers).is_ok()
    }

    #[test]
    fn body_and_headers_must_agree() {
        let region = |value| [("mcp-param-region", value)];
        assert!(verdict(json!({"region": "eu"}), &region("eu")));
        assert!(verdict(json!({"region": "eu"}), &region("=?base64?ZXU=?=")));
        assert!(verdict(json!({"free": "x"}), &[]));
        assert!(verdict(json!({"region": null}), &[]));
        assert!(!verdict(json!({"region": "eu"}), &[]));
        assert!(!verdict(json!({"region": "eu"}), &region("us")));
        assert!(!verdict(json!({"region": "eu"}), &region("EU")));
        assert!(!verdict(json!({"region": "eu"}), &region("=?base64?ZXU?=")));
        assert!(!verdict(json!({}), &region("eu")));
    }

    #[test]
    fn integers_compare_by_number_and_booleans_by_name() {
        let level = |value| [("mcp-param-level", value)];
        for same in ["42", "42.0", "4.2e1"] {
            assert!(
                verdict(json!({"deep": {"level": 42}}), &level(same)),
                "{same}"
            );
        }
        for other in ["43", "42.5", "inf", "nan", "", "0x2a"] {
            assert!(
                !verdict(json!({"deep": {"level": 42}}), &level(other)),
                "{other}"
            );
        }
        assert!(!verdict(
            json!({"deep": {"level": 9_007_199_254_740_993_u64}}),
            &level("9007199254740992")
        ));
        assert!(verdict(json!({"dry": true}), &[("mcp-param-dry", "true")]));
        assert!(!verdict(json!({"dry": true}), &[("mcp-param-dry", "True")]));
    }

    #[test]
    fn faults_of_a_schema_are_named() {
        assert_eq!(fault(&schema()), None);
        let with = |value: Value| fault(&object(json!({"properties": value}))).is_some();
        assert!(with(
            json!({"a": {"type": "string", "x-mcp-header": "a b"}})
        ));
        assert!(with(json!({"a": {"type": "number", "x-mcp-header": "A"}})));
        assert!(with(
            json!({"a": {"type": ["string"], "x-mcp-header": "A"}})
        ));
        assert!(with(json!({"a": {"type": "string", "x-mcp-header": "A"},
            "b": {"type": "string", "x-mcp-header": "a"}})));
        assert!(with(
            json!({"a": {"type": "array", "items": {"type": "string", "x-mcp-header": "A"}}})
        ));
    }
}
