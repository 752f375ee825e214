//! Random configurations: whatever the client makes of them, the inventory must make the same.

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;

use crate::configs::Configs;

const HOSTS: [&str; 3] = ["web", "db", "web-1"];

/// A line that sets something, well-formed most of the time.
fn setting() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        select(vec![
            "User ann",
            "User bob # b",
            "User \"c d\"",
            "user=eve",
            "USER = x",
            "User"
        ]),
        select(vec![
            "Port 22",
            "Port 2022",
            "Port=2",
            "Port 0",
            "port \"99\"",
            "Port 1 2"
        ]),
        select(vec![
            "HostName %h.x",
            "HostName=h",
            "Hostname H",
            "HostName %%",
            "HostName %p"
        ]),
        select(vec![
            "HostName 192.0.2.7",
            "HostKeyAlias K",
            "HostKeyAlias=%h",
            "HostKeyAlias a b"
        ]),
        select(vec![
            "IdentityFile /a",
            "IdentityFile ~/b",
            "IdentityFile none",
            "IdentityFile '/c d'"
        ]),
        select(vec![
            "IdentityFile /k/%n",
            "IdentitiesOnly yes",
            "IdentitiesOnly no",
            "IdentitiesOnly x"
        ]),
        select(vec![
            "ProxyJump db",
            "ProxyJump ann@web:2022",
            "ProxyJump web-1,db",
            "ProxyJump=other"
        ]),
        select(vec![
            "ProxyCommand nc %h",
            "ProxyCommand none",
            "ProxyCommand=none",
            "ProxyJump \"db\""
        ]),
        select(vec![
            "UserKnownHostsFile /a /b",
            "UserKnownHostsFile ~/k",
            "UserKnownHostsFile none"
        ]),
        select(vec![
            "GlobalKnownHostsFile /g",
            "UserKnownHostsFile /u/%h.%p",
            "ForwardAgent yes"
        ]),
        select(vec![
            "ConnectTimeout 5",
            "ConnectTimeout 1m",
            "StrictHostKeyChecking no",
            "Compression no"
        ]),
        select(vec![
            "IdentityAgent none",
            "IdentityAgent ~/s",
            "IgnoreUnknown Zz*",
            "Zzz 1",
            "Bad 1"
        ]),
        select(vec!["# Host web", "", "   ", "#", "\"User x", "User \"x"]),
    ];
    // Broken lines end a configuration, so they must be rare.
    let broken = [
        "Port 0",
        "Bad 1",
        "Zzz 1",
        "User \"x",
        "Port 1 2",
        "IdentitiesOnly x",
    ];
    (value, 0..12u8).prop_map(move |(value, keep)| {
        let rare = broken.contains(&value) || ["User", "HostKeyAlias a b"].contains(&value);
        if rare && keep > 0 {
            "# kept out".to_owned()
        } else {
            value.to_owned()
        }
    })
}

/// The words of a `Host` line.
fn patterns() -> impl Strategy<Value = String> {
    let word = select(vec![
        "web", "db", "web-1", "*", "web*", "w?b", "web-?", "!db", "!web*", "\"web\"", "WEB", "d*b",
    ]);
    prop::collection::vec(word, 1..4).prop_map(|words| words.join(" "))
}

/// A file: lines before any `Host`, then blocks, in which other files may be included.
fn file(includes: &'static [&'static str]) -> impl Strategy<Value = String> {
    let line = if includes.is_empty() {
        setting().boxed()
    } else {
        let include = select(includes).prop_map(|name| format!("Include {name}"));
        prop_oneof![8 => setting(), 1 => include].boxed()
    };
    let lines = || prop::collection::vec(line.clone(), 0..4);
    let block = (patterns(), lines(), any::<bool>());
    let ending = select(vec!["\n", "\r\n", " \n", "\t \n"]);
    (lines(), prop::collection::vec(block, 0..5), ending).prop_map(|(global, blocks, ending)| {
        let mut text = String::new();
        for line in global {
            write!(text, "{line}{ending}").unwrap();
        }
        for (patterns, lines, equals) in blocks {
            let sign = if equals { "=" } else { " " };
            write!(text, "Host{sign}{patterns}{ending}").unwrap();
            for line in lines {
                write!(text, "  {line}{ending}").unwrap();
            }
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 250,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_client_and_the_inventory_agree_about_random_configurations(
        main in file(&["one", "two", "o*", "no/such"]),
        one in file(&["two"]),
        two in file(&[]),
    ) {
        let configs = Configs::new();
        let main = format!("{main}\nHost {}\n", HOSTS.join(" "));
        configs.write(Path::new("main"), main.as_bytes());
        configs.write(Path::new("one"), one.as_bytes());
        configs.write(Path::new("two"), two.as_bytes());
        configs.compare(Path::new("main"), &HOSTS);
    }
}
