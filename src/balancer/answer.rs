//! What a replica answers, taken out of its envelope. Pure.

use super::Unanswered;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Characters of a reason that are kept.
const REASON: usize = 200;

#[derive(Deserialize)]
struct Envelope<T> {
    result: Option<Outcome<T>>,
    error: Option<Reason>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<T> {
    structured_content: T,
}

#[derive(Deserialize)]
struct Reason {
    message: String,
}

/// The data of the answer.
///
/// # Errors
/// [`Unanswered::Refused`] where the replica says why there is none, and [`Unanswered::Lost`] where what
/// it says is not understood: it may be of another version, and have done it all the same.
pub(super) fn structured<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unanswered> {
    let envelope: Envelope<T> = serde_json::from_slice(body)
        .map_err(|error| Unanswered::Lost(format!("its answer is not understood: {error}")))?;
    match (envelope.result, envelope.error) {
        (Some(result), _) => Ok(result.structured_content),
        (None, Some(error)) => Err(Unanswered::Refused(short(&error.message))),
        (None, None) => Err(Unanswered::Lost("its answer says nothing".into())),
    }
}

/// The reason in a body that is no answer: of a JSON-RPC error, or the text itself.
pub(super) fn reason(body: &[u8]) -> String {
    match serde_json::from_slice::<Envelope<serde::de::IgnoredAny>>(body) {
        Ok(Envelope {
            error: Some(error), ..
        }) => short(&error.message),
        _ => short(&String::from_utf8_lossy(body)),
    }
}

fn short(text: &str) -> String {
    text.trim().chars().take(REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_data_or_why_there_is_none() {
        let good = br#"{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":7}}"#;
        assert_eq!(structured::<u8>(good).unwrap(), 7);
        let refused =
            br#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no such tool"}}"#;
        assert!(matches!(
            structured::<u8>(refused),
            Err(Unanswered::Refused(why)) if why == "no such tool"
        ));
        for odd in [
            &b"{}"[..],
            b"",
            b"<html>",
            br#"{"result":{"structuredContent":"x"}}"#,
        ] {
            assert!(matches!(structured::<u8>(odd), Err(Unanswered::Lost(_))));
        }
    }

    #[test]
    fn a_reason_is_said_in_few_words() {
        let said =
            br#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"not sent anywhere"}}"#;
        assert_eq!(reason(said), "not sent anywhere");
        assert_eq!(reason(b" plain \n"), "plain");
        assert_eq!(reason(&[b'x'; 9000]).len(), REASON);
    }
}
