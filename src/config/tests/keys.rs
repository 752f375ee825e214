//! API keys: raw or by digest, never shown, never two for one.

use super::{load, refusal};
use crate::access::{KeyRing, Role, keys};

const RAW: &str = "correct-horse-battery";

#[test]
fn raw_keys_of_the_environment_open_with_the_role_of_the_configuration() {
    let other = "another-key-of-20-chr";
    let variables = [
        ("SCOUT_API_KEYS", &*format!("{RAW}, {other},{RAW}")),
        ("SCOUT_ROLE", "operator"),
    ];
    let auth = load("", &variables).unwrap().config.auth;
    assert_eq!(auth.keys.len(), 2, "the same key twice is one key");
    let ring = KeyRing::new(auth.keys);
    for key in [RAW, other] {
        let owner = ring.authenticate(key).unwrap();
        assert_eq!((owner.role, owner.hosts.is_all()), (Role::Operator, true));
        assert!(owner.name.starts_with("key-"), "{}", owner.name);
    }
}

#[test]
fn keys_by_digest_have_a_name_a_role_and_hosts() {
    let new = keys::generate("ci").unwrap();
    let file = format!(
        "{}hosts = [\"web-*\"]\n\n[[auth.keys]]\nname = \"plain\"\nsha256 = \"{}\"\n",
        new.toml(Role::Operator),
        "AB".repeat(32)
    );
    let loaded = load(&file, &[]).unwrap();
    let [ci, plain] = &*loaded.config.auth.keys else {
        panic!("two keys")
    };
    assert_eq!((&*ci.name, ci.role), ("ci", Role::Operator));
    assert!(ci.hosts.contains("web-1") && !ci.hosts.contains("db-1"));
    assert_eq!((plain.role, plain.hosts.is_all()), (Role::Observer, true));
    assert_eq!(
        KeyRing::new(loaded.config.auth.keys.clone())
            .authenticate(&new.secret)
            .unwrap()
            .name,
        ci.name
    );
    let row = loaded
        .explain()
        .into_iter()
        .find(|row| row.key == "auth.keys")
        .unwrap();
    assert_eq!((row.value.as_str(), row.layer), ("ci,plain", "file"));
}

#[test]
fn a_broken_key_is_refused_where_it_stands() {
    let digest = "ab".repeat(32);
    for (file, says) in [
        (
            "[[auth.keys]]\nname = \"a\"\n".to_owned(),
            "scout.toml:1: `auth.keys[0]` has no `sha256`",
        ),
        (
            format!("[[auth.keys]]\nsha256 = \"{digest}\"\n"),
            "scout.toml:1: `auth.keys[0]` has no `name`",
        ),
        (
            format!("[[auth.keys]]\nname = \"a b\"\nsha256 = \"{digest}\"\n"),
            "scout.toml:2: `auth.keys[0].name` cannot be `a b`",
        ),
        (
            "[[auth.keys]]\nname = \"a\"\nsha256 = \"abc\"\n".to_owned(),
            "scout.toml:3: `auth.keys[0].sha256` cannot be `abc`",
        ),
        (
            format!("[[auth.keys]]\nname = \"a\"\nsha256 = \"{digest}\"\nrole = \"x\"\n"),
            "scout.toml:4: `auth.keys[0].role` cannot be `x`",
        ),
        (
            format!("[[auth.keys]]\nname = \"a\"\nsha256 = \"{digest}\"\nhots = []\n"),
            "scout.toml:4: there is no key `auth.keys[0].hots`; did you mean `hosts`?",
        ),
        (
            format!(
                "[[auth.keys]]\nname = \"a\"\nsha256 = \"{digest}\"\n[[auth.keys]]\nname = \"b\"\nsha256 = \"{digest}\"\n"
            ),
            "scout.toml:5: `auth.keys` is a key named `b`, but it is the same secret as `a`",
        ),
        (
            "[auth]\nkeys = \"ci\"\n".to_owned(),
            "scout.toml:2: `auth.keys` cannot be `ci`",
        ),
    ] {
        let refusal = refusal(&file, &[]);
        assert!(refusal.starts_with(says), "{refusal}");
    }
}

#[test]
fn a_weak_key_is_refused_and_not_repeated() {
    let error = refusal("", &[("SCOUT_API_KEYS", "hunter2,correct-horse-battery")]);
    assert!(
        error.starts_with(
            "SCOUT_API_KEYS: `auth.api_keys` cannot be `(not shown)`: a key of 7 characters"
        ),
        "{error}"
    );
    assert!(
        error.contains("scout key new") && !error.contains("hunter2"),
        "{error}"
    );
}

#[test]
fn nothing_that_can_be_printed_holds_a_raw_key() {
    let loaded = load(&format!("[auth]\napi_keys = [\"{RAW}\"]\n"), &[]).unwrap();
    let rows = serde_json::to_string(&loaded.explain()).unwrap();
    let printed = format!("{loaded:?}{rows}");
    assert!(!printed.contains(RAW));
    assert!(rows.contains("1 (not shown)"), "{rows}");
}
