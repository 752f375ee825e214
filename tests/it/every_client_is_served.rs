//! Every kind of client gets the same answer from the built binary: either era of the protocol by hand, the
//! official SDK in either mode, over HTTP and over pipes. And the server ends in order when asked to.

use std::time::Duration;

use rmcp::ClientLifecycleMode;
use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};

use crate::support::client::Era;
use crate::support::fleet::Fleet;
use crate::support::sdk::SdkClient;
use crate::support::server::{TestServer, stdio_command};

/// A fleet, and a file that every account may read with a word nobody could guess.
async fn fleet() -> (Fleet, Value, String) {
    let fleet = Fleet::start(2).await;
    let word = crate::support::procs::marker();
    let path = fleet.dir().join("note.txt");
    std::fs::write(&path, &word).unwrap();
    (fleet, json!({"host": "web-02", "path": path}), word)
}

fn modes() -> [ClientLifecycleMode; 2] {
    let auto = ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: None,
    };
    [auto, ClientLifecycleMode::Initialize]
}

#[tokio::test]
async fn both_eras_read_the_same_file_over_one_connection() {
    let (fleet, file, word) = fleet().await;
    let server = TestServer::start(&fleet).await;
    for era in [Era::Modern, Era::Legacy] {
        let client = server.client(era);
        if era == Era::Legacy {
            assert_eq!(client.initialize().await["protocolVersion"], era.version());
        }
        let result = client.call_tool("read", file.clone()).await;
        assert!(
            !result.is_error && result.text.contains(&word),
            "{era:?}: {}",
            result.text
        );
    }
    assert_eq!((fleet.sshd(0).logins(), fleet.sshd(1).logins()), (0, 1));
}

#[tokio::test]
async fn the_official_sdk_reads_it_over_http_and_over_pipes() {
    let (fleet, file, word) = fleet().await;
    let server = TestServer::start(&fleet).await;
    for mode in modes() {
        let over_http = SdkClient::http(&server.url(), mode.clone()).await;
        let over_pipes = SdkClient::stdio(stdio_command(&fleet), mode).await;
        assert_eq!(over_http.tool_names().await, over_pipes.tool_names().await);
        for client in [over_http, over_pipes] {
            let result = client.call_tool("read", file.clone()).await;
            assert!(
                !result.is_error && result.text.contains(&word),
                "{}",
                result.text
            );
            client.close().await;
        }
    }
}

#[tokio::test]
async fn sigterm_ends_it_with_zero_and_no_connection_left() {
    let (fleet, file, _) = fleet().await;
    let mut server = TestServer::start(&fleet).await;
    server.client(Era::Modern).call_tool("read", file).await;
    assert_eq!(fleet.established(), 1);
    server.sigterm();
    let status = server
        .program_mut()
        .wait_exit(Duration::from_secs(27))
        .await;
    assert_eq!(status.code(), Some(0));
    assert_eq!(fleet.established(), 0);
}
