//! What the programs of a host tell is a resource: containers, compose projects, storage pools, the log. An
//! observer may read all of it, nobody more than their hosts; no name becomes an option or a path; and where
//! there is no answer, the answer says why.
//!
//! docker, compose and journalctl are the real programs, docker and compose in front of a stub of the engine.
//! zpool and zfs need a kernel module, so they are scripts that print what OpenZFS does.

mod compose;
mod docker;
mod names;
mod syslog;
mod zfs;

use serde_json::{Value, json};

use crate::support::client::{Client, Era, RpcError};
use crate::support::fleet::{Entry, Fleet};
use crate::support::sshd::config::SshdConfig;

const ERAS: [Era; 2] = [Era::Modern, Era::Legacy];

async fn read(client: &Client, uri: &str) -> Result<Value, RpcError> {
    let reply = client.request("resources/read", json!({"uri": uri})).await;
    reply.result()
}

/// The text of a resource that is there.
async fn text(client: &Client, uri: &str) -> String {
    let result = read(client, uri).await;
    let result = result.unwrap_or_else(|error| panic!("{uri}: {error:?}"));
    let contents = result["contents"].as_array().expect("contents");
    assert_eq!(contents.len(), 1, "{uri}");
    assert_eq!(contents[0]["mimeType"], "text/plain", "{uri}");
    contents[0]["text"].as_str().expect("a text").to_owned()
}

/// Why a resource cannot be read: its code, and the sentence. Not for what is not found.
async fn refusal(client: &Client, uri: &str) -> (String, String) {
    let error = read(client, uri).await.expect_err(uri);
    assert_eq!(error.code, -32603, "{uri}: {error:?}");
    let code = error.data["code"].as_str().expect("a code").to_owned();
    (code, error.message)
}

async fn is_not_found(client: &Client, uri: &str) {
    let error = read(client, uri).await.expect_err(uri);
    let code = -32602;
    assert_eq!(
        (error.code, error.data),
        (code, json!({"uri": uri})),
        "{uri}"
    );
}

/// What is suggested for a variable of a template.
async fn suggested(client: &Client, template: &str, variable: &str, begun: &str) -> Value {
    let params = json!({
        "ref": {"type": "ref/resource", "uri": template},
        "argument": {"name": variable, "value": begun},
        "context": {"arguments": {"host": "web-01"}},
    });
    let reply = client.request("completion/complete", params).await;
    reply.result().unwrap()["completion"]["values"].take()
}

/// One host under three names: `web-01`; `web_1`, which is no URI scheme; and `docker`, which is also a
/// scheme of Scout's own. `prepare` gets the directory for what the host has.
async fn fleet_with(prepare: impl FnOnce(&Fleet) -> SshdConfig) -> Fleet {
    let mut fleet = Fleet::start(1).await;
    let config = prepare(&fleet);
    fleet.sshd_mut(0).reconfigure(config).await;
    for name in ["web_1", "docker"] {
        let (address, key) = (fleet.sshd(0).address(), fleet.sshd(0).key().public.clone());
        fleet.add(Entry::new(name, address, &key));
    }
    fleet
}
