//! What an answer of `run` says it kept, and whether it says the same everywhere.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::support::client::ToolResult;

/// The bytes of standard output that were kept.
pub(super) fn stdout(result: &ToolResult) -> Vec<u8> {
    let text = result.structured["stdout"].as_str().expect("a string");
    match result.structured["stdout_encoding"].as_str() {
        None => text.as_bytes().to_vec(),
        Some("base64") => BASE64_STANDARD.decode(text).unwrap(),
        Some(other) => panic!("an encoding `{other}`"),
    }
}

/// Checks that the answer says that it was cut, where, and out of how many bytes (`of`, if that is
/// known); the bytes that were kept.
pub(super) fn check_cut(result: &ToolResult, of: Option<usize>) -> Vec<u8> {
    let kept = stdout(result);
    assert_eq!(result.structured["truncated"], true);
    let there_were = result.structured["stdout_bytes"]
        .as_u64()
        .expect("how many there were");
    match of {
        Some(of) => assert_eq!(there_were, of as u64),
        None => assert!(
            there_were > kept.len() as u64,
            "{there_were} of {}",
            kept.len()
        ),
    }
    let mark = format!("[truncated at {} bytes]", kept.len());
    let end: String = result.text.chars().rev().take(200).collect();
    let end: String = end.chars().rev().collect();
    assert!(end.contains(&mark), "no `{mark}` in: {end}");
    kept
}
