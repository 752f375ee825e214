//! Everything but NUL can be an argument, and everything but NUL and a slash a name: thousands of random
//! ones arrive to the byte, through every login shell, as arguments, names of files and directories to
//! run in.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::a_command_is_what_was_asked::shells::SHELLS;
use crate::support::account::{Account, is_root};
use crate::support::client::Era;
use crate::support::fleet::Fleet;
use crate::support::server::{TestServer, cli};

/// So many different words of 1 to 24 random bytes, none of which is among `without`.
fn words(count: usize, without: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut words = BTreeSet::new();
    while words.len() < count {
        let mut random = [0; 25];
        getrandom::fill(&mut random).unwrap();
        let length = 1 + usize::from(random[0]) % 24;
        let mut word = random[1..=length].to_vec();
        word.iter_mut()
            .filter(|byte| without.contains(byte))
            .for_each(|byte| *byte = b'\'');
        words.insert(word);
    }
    words
}

/// The arguments that a command line on the host was given, as the program there saw them.
async fn seen(fleet: &Fleet, sent: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut command = cli(fleet);
    command.args(["run", "web-01", "--", "printf", "%s\\0"]);
    command.args(sent.iter().map(|word| OsStr::from_bytes(word)));
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let seen = output.stdout.strip_suffix(b"\0").unwrap_or_default();
    seen.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_arguments_through_every_login_shell() {
    let shells: Vec<_> = SHELLS
        .into_iter()
        .filter(|(shell, _)| Path::new(shell).exists())
        .collect();
    let accounts: Vec<_> = match is_root() {
        true => shells
            .iter()
            .map(|(shell, name)| (*shell, Account::with_shell(name, shell)))
            .collect(),
        false => {
            eprintln!("SKIPPED: other login shells than one's own need accounts, which root makes");
            vec![("one's own", Account::current())]
        }
    };
    for (shell, account) in accounts {
        let fleet = Fleet::builder().hosts(1).account(account).start().await;
        let sent: Vec<_> = words(10_000, b"\0").into_iter().collect();
        for some in sent.chunks(4000) {
            let got = seen(&fleet, some).await;
            assert_eq!(got.len(), some.len(), "{shell}");
            for (got, sent) in got.iter().zip(some) {
                assert_eq!(got, sent, "{shell}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_names_are_listed_and_read() {
    let fleet = Fleet::start(1).await;
    let server = TestServer::start(&fleet).await;
    let place = fleet.dir().join("names");
    std::fs::create_dir(&place).unwrap();
    std::fs::set_permissions(&place, PermissionsExt::from_mode(0o755)).unwrap();
    let names = words(10_000, b"\0/");
    let names: Vec<_> = names
        .into_iter()
        .filter(|name| !matches!(&**name, b"." | b".."))
        .collect();
    for (number, name) in names.iter().enumerate() {
        std::fs::write(place.join(OsStr::from_bytes(name)), number.to_string()).unwrap();
    }
    let client = server.client(Era::Modern);
    let listing = json!({"host": "web-01", "path": place});
    let listing = client.call_tool("read", listing).await;
    let entries = listing.structured["entries"].as_array().unwrap();
    let exact = |entry: &Value| match entry["name_base64"].as_str() {
        Some(base64) => BASE64_STANDARD.decode(base64).unwrap(),
        None => entry["name"].as_str().unwrap().as_bytes().to_vec(),
    };
    let listed: BTreeSet<Vec<u8>> = entries.iter().map(exact).collect();
    assert_eq!(listing.structured["truncated"], false);
    assert_eq!((listed.len(), entries.len()), (names.len(), names.len()));
    assert!(names.iter().all(|name| listed.contains(name)));
    for (number, name) in names.iter().enumerate() {
        let mut uri = format!("scout://web-01{}/", place.display());
        name.iter()
            .for_each(|byte| write!(uri, "%{byte:02X}").unwrap());
        let reply = client.request("resources/read", json!({"uri": uri})).await;
        let text = reply.result().unwrap()["contents"][0]["text"].clone();
        assert_eq!(text, number.to_string(), "{uri}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_of_any_name_is_run_in_and_its_files_are_read() {
    let fleet = Fleet::start(1).await;
    let place = fleet.dir().join("directories");
    for name in words(40, b"\0/") {
        let directory = place.join(OsStr::from_bytes(&name));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::set_permissions(&place, PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::write(directory.join("note"), &name).unwrap();
        let mut run = cli(&fleet);
        run.args(["run", "--cwd"]).arg(&directory);
        let output = run.args(["web-01", "--", "pwd"]).output().await.unwrap();
        let expected = [directory.as_os_str().as_bytes(), b"\n"].concat();
        assert_eq!(output.stdout, expected, "{directory:?}");
        let target = [b"web-01:", directory.join("note").as_os_str().as_bytes()].concat();
        let mut read = cli(&fleet);
        let output = read
            .arg("read")
            .arg(OsString::from_vec(target))
            .output()
            .await
            .unwrap();
        assert_eq!(output.stdout, name, "{directory:?}");
    }
}
