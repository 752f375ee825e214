//! Known hosts from files; the decisions themselves are compared with the real client's in
//! `tests/differential`.

use std::fs;

use super::*;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
const OTHER: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILC5kOzLM0V2U8nFjTcCmiaMjYQbg5yU/2yjPW/6250d";

fn key(text: &str) -> PublicKey {
    PublicKey::from_openssh(text).unwrap()
}

fn known(text: &str) -> KnownHosts {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known_hosts");
    fs::write(&file, text).unwrap();
    KnownHosts::load(&[file]).unwrap()
}

#[test]
fn another_key_is_a_change_that_names_every_recorded_key() {
    let known = known(&format!(
        "# x\nweb {OTHER}\n\n@revoked db {KEY}\nw* {OTHER} again\n"
    ));
    let Verdict::Changed(recorded) = known.check("web", 22, &key(KEY)) else {
        panic!("another key is recorded");
    };
    let lines: Vec<_> = recorded.iter().map(|key| key.line).collect();
    assert_eq!(lines, [2, 5]);
    assert_eq!(recorded[0].algorithm, Algorithm::Ed25519);
    let fingerprint = key(OTHER).fingerprint(HashAlg::Sha256);
    assert_eq!(recorded[0].fingerprint, fingerprint);
    assert!(fingerprint.to_string().starts_with("SHA256:"));
}

#[test]
fn a_comment_on_the_key_changes_nothing() {
    let known = known(&format!("web {KEY} comment\n"));
    assert_eq!(
        known.check("web", 22, &key(&format!("{KEY} another"))),
        Verdict::Known
    );
}

#[test]
fn files_are_asked_together_and_a_missing_one_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let (user, global) = (dir.path().join("user"), dir.path().join("global"));
    fs::write(&user, format!("web {KEY}\nbroken\n")).unwrap();
    fs::write(&global, format!("@revoked * {KEY}\n@oops x\n")).unwrap();
    let missing = dir.path().join("missing");
    let one = KnownHosts::load(&[&user, &missing]).unwrap();
    assert_eq!(
        (one.check("web", 22, &key(KEY)), one.malformed()),
        (Verdict::Known, 1)
    );
    let both = KnownHosts::load(&[&user, &global]).unwrap();
    let Verdict::Revoked(recorded) = both.check("web", 22, &key(KEY)) else {
        panic!("the second file revokes the key of the first");
    };
    assert_eq!((&*recorded.file, recorded.line), (global.as_path(), 1));
    assert_eq!(both.malformed(), 2);
    let none = KnownHosts::load(&[missing]).unwrap();
    assert_eq!(none.check("web", 22, &key(KEY)), Verdict::Unknown);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_and_never_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let error = KnownHosts::load(&[dir.path()]).unwrap_err();
    assert!(matches!(error, KnownHostsError::Read { .. }), "{error}");
    let endless = KnownHosts::load(&["/dev/zero"]).unwrap_err();
    assert!(
        matches!(endless, KnownHostsError::TooLarge { .. }),
        "{endless}"
    );
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let below = KnownHosts::load(&[file.join("below")]).unwrap_err();
    assert!(matches!(below, KnownHostsError::Read { .. }), "{below}");
    assert_eq!(KnownHosts::load(&["/dev/null"]).unwrap().malformed(), 0);
}

#[test]
fn an_rsa_key_asks_for_its_sha_2_signatures() {
    let known = known(&format!("web {RSA}\nweb {KEY}\nweb {OTHER}\n"));
    let names: Vec<_> = known.algorithms("web", 22);
    let names: Vec<_> = names.iter().map(Algorithm::as_str).collect();
    assert_eq!(names, ["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"]);
}

const RSA: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDAwLTFn1OXgXrTkSAuKppXBRUSiuVX2Y9r9ukZ6LfpStgxE0oSKvZUw+CP4Inxs2TXg3c0ppumU6NR9uxzXErQ/VLnZuZoenLmW9tvlX178QahiHuQVtabr7hN2PKn4btMQd7hHG+XAID9peuHYSE2/NoUFC3XUy8M8JPx0hA8qQ==";
