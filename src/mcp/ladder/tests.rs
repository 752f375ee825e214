//! The ladder, rung by rung.

use http::{HeaderName, HeaderValue};
use serde_json::json;

use super::*;

const MODERN: &str = "2026-07-28";

fn exists(method: &str, era: Era) -> bool {
    match method {
        "initialize" | "ping" => era == Era::Legacy,
        "server/discover" => era == Era::Modern,
        method => method == "tools/call" || method == "resources/read",
    }
}

fn head(params: &Value) -> Head {
    serde_json::from_value(params.clone()).unwrap()
}

fn meta(version: &str) -> Value {
    json!({ VERSION_KEY: version, CAPABILITIES_KEY: {} })
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        })
        .collect()
}

/// Over HTTP.
fn over_http(
    method: &str,
    params: Value,
    sent: &[(&'static str, &str)],
) -> Result<Version, (u16, i32)> {
    climb(
        method,
        &head(&params),
        Some(&headers(sent)),
        Version::UNSTATED,
        exists,
    )
    .map(|ticket| ticket.version)
    .map_err(|refused| (refused.status.as_u16(), refused.error.code()))
}

/// A modern call of a tool with all its headers, changed by `change`.
fn modern_call(change: impl Fn(&mut Vec<(&'static str, &str)>)) -> Result<Version, (u16, i32)> {
    let mut sent = vec![
        (header::PROTOCOL_VERSION, MODERN),
        (header::METHOD, "tools/call"),
        (header::NAME, "t"),
    ];
    change(&mut sent);
    over_http(
        "tools/call",
        json!({"name": "t", "_meta": meta(MODERN)}),
        &sent,
    )
}

#[test]
fn the_body_decides_the_era() {
    assert_eq!(modern_call(|_| ()), Ok(Version::V20260728));
    assert_eq!(
        over_http("tools/call", json!({"name": "t"}), &[]),
        Ok(Version::V20250326)
    );
    let legacy = [(header::PROTOCOL_VERSION, "2025-06-18")];
    assert_eq!(
        over_http("ping", json!({}), &legacy),
        Ok(Version::V20250618)
    );
    let stdio = climb("ping", &Head::default(), None, Version::V20251125, exists).unwrap();
    assert_eq!(stdio.version, Version::V20251125);
}

#[test]
fn a_modern_header_without_modern_body_is_told_what_is_missing() {
    let sent = [(header::PROTOCOL_VERSION, MODERN)];
    let refused = climb(
        "initialize",
        &Head::default(),
        Some(&headers(&sent)),
        Version::UNSTATED,
        exists,
    )
    .unwrap_err();
    assert_eq!(
        (refused.status.as_u16(), refused.error.code()),
        (400, -32602)
    );
    assert!(
        refused.error.message().contains(VERSION_KEY),
        "{}",
        refused.error.message()
    );
}

#[test]
fn unknown_versions_are_answered_with_the_list() {
    let sent = [(header::PROTOCOL_VERSION, "9999-01-01")];
    assert_eq!(over_http("ping", json!({}), &sent), Err((400, -32022)));
    let body = json!({"_meta": meta("9999-01-01")});
    assert_eq!(
        over_http("server/discover", body, &sent),
        Err((400, -32022))
    );
    let legacy = [(header::PROTOCOL_VERSION, "2025-11-25")];
    let inside = json!({"_meta": meta("2025-11-25")});
    assert_eq!(
        over_http("server/discover", inside, &legacy),
        Err((400, -32022))
    );
}

#[test]
fn a_contradiction_comes_before_an_unknown_version() {
    let sent = [(header::PROTOCOL_VERSION, MODERN)];
    let body = json!({"_meta": meta("9999-01-01")});
    assert_eq!(
        over_http("server/discover", body, &sent),
        Err((400, -32020))
    );
    assert_eq!(
        modern_call(|sent| {
            sent.remove(0);
        }),
        Err((400, -32020))
    );
    assert_eq!(
        modern_call(|sent| sent[0].1 = "2025-11-25"),
        Err((400, -32020))
    );
}

#[test]
fn routing_headers_must_equal_the_body() {
    assert_eq!(
        modern_call(|sent| {
            sent.remove(1);
        }),
        Err((400, -32020))
    );
    assert_eq!(
        modern_call(|sent| sent[1].1 = "Tools/call"),
        Err((400, -32020))
    );
    assert_eq!(
        modern_call(|sent| {
            sent.remove(2);
        }),
        Err((400, -32020))
    );
    assert_eq!(modern_call(|sent| sent[2].1 = "T"), Err((400, -32020)));
    assert_eq!(
        modern_call(|sent| sent[2].1 = "=?base64?dA==?="),
        Ok(Version::V20260728)
    );
    assert_eq!(
        modern_call(|sent| sent[2].1 = "=?base64?dA?="),
        Err((400, -32020))
    );
    assert_eq!(
        modern_call(|sent| sent.push((header::NAME, "t"))),
        Err((400, -32020))
    );
}

#[test]
fn a_missing_name_is_left_to_the_handler() {
    let sent = [
        (header::PROTOCOL_VERSION, MODERN),
        (header::METHOD, "tools/call"),
    ];
    assert!(over_http("tools/call", json!({"_meta": meta(MODERN)}), &sent).is_ok());
}

#[test]
fn the_envelope_must_have_the_right_types() {
    let on_stdio = |meta: Value| {
        climb(
            "tools/call",
            &head(&json!({ "_meta": meta })),
            None,
            Version::V20251125,
            exists,
        )
        .map(|_| ())
        .map_err(|refused| refused.error.code())
    };
    assert_eq!(on_stdio(json!({VERSION_KEY: MODERN})), Err(-32602));
    assert_eq!(
        on_stdio(json!({VERSION_KEY: 1, CAPABILITIES_KEY: {}})),
        Err(-32602)
    );
    assert_eq!(
        on_stdio(json!({VERSION_KEY: MODERN, CAPABILITIES_KEY: []})),
        Err(-32602)
    );
    let level = |level| json!({VERSION_KEY: MODERN, CAPABILITIES_KEY: {}, LOG_LEVEL_KEY: level});
    assert_eq!(on_stdio(level("loud")), Err(-32602));
    assert_eq!(on_stdio(level("debug")), Ok(()));
}

#[test]
fn methods_exist_in_their_era_only() {
    let sent = [
        (header::PROTOCOL_VERSION, MODERN),
        (header::METHOD, "initialize"),
    ];
    let body = json!({"_meta": meta(MODERN)});
    assert_eq!(over_http("initialize", body, &sent), Err((404, -32601)));
    assert_eq!(
        over_http("server/discover", json!({}), &[]),
        Err((200, -32601))
    );
    assert_eq!(over_http("no/such", json!({}), &[]), Err((200, -32601)));
}

#[test]
fn progress_tokens_keep_their_type() {
    let token = |value: Value| {
        head(&json!({"_meta": {"progressToken": value}}))
            .progress_token()
            .map(|token| token.0)
    };
    assert_eq!(token(json!(7)), Some(NumberOrString::Number(7)));
    assert_eq!(token(json!("7")), Some(NumberOrString::String("7".into())));
    assert_eq!(token(json!(1.5)), None);
    assert_eq!(token(json!({})), None);
}
