//! What a replica answers, taken out of its envelope. Pure.

use super::Unanswered;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

/// Characters of a reason that are kept.
const REASON: usize = 200;

/// JSON-RPC: something went wrong inside, perhaps on the way.
const INTERNAL_ERROR: i32 = -32603;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    result: Option<Outcome<'a>>,
    error: Option<Reason>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    #[serde(borrow)]
    structured_content: &'a RawValue,
    #[serde(default)]
    is_error: bool,
}

/// Of an error, and of a result that says it is one.
#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    code: Value,
    message: String,
}

/// The data of the answer.
///
/// # Errors
/// [`Unanswered::Refused`] where the replica says why it did not even begin, and [`Unanswered::Lost`]
/// where it failed on the way, or what it says is not understood: it may be of another version, and have
/// done it all the same.
pub(super) fn structured<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unanswered> {
    let odd = |error| Unanswered::Lost(format!("its answer is not understood: {error}"));
    let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(odd)?;
    let refused = |reason: Reason| match reason.code == INTERNAL_ERROR {
        true => Unanswered::Lost(short(&reason.message)),
        false => Unanswered::Refused(short(&reason.message)),
    };
    match (envelope.result, envelope.error) {
        (Some(result), _) if result.is_error => {
            let reason = serde_json::from_str(result.structured_content.get());
            Err(refused(reason.map_err(odd)?))
        }
        (Some(result), _) => serde_json::from_str(result.structured_content.get()).map_err(odd),
        (None, Some(error)) => Err(refused(error)),
        (None, None) => Err(Unanswered::Lost("its answer says nothing".into())),
    }
}

/// The reason in a body that is no answer: of a JSON-RPC error, or the text itself.
pub(super) fn reason(body: &[u8]) -> String {
    match serde_json::from_slice::<Envelope<'_>>(body) {
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
        for refused in [
            &br#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no such tool"}}"#[..],
            br#"{"result":{"structuredContent":{"code":"refused","message":"no such tool"},"isError":true}}"#,
        ] {
            assert!(matches!(
                structured::<u8>(refused),
                Err(Unanswered::Refused(why)) if why == "no such tool"
            ));
        }
        let inside =
            br#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal error"}}"#;
        assert!(matches!(structured::<u8>(inside), Err(Unanswered::Lost(_))));
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
