//! Small configurations, one idea each, from `tests/data/ssh_config`.
//!
//! A file that begins with `# differs: text` is one we refuse on purpose where the client goes on;
//! the text must be in our reason.

use std::fs;
use std::path::{Path, PathBuf};

use fleet::inventory::{Inventory, InventoryError, Problem};
use fleet::target::HostName;

use crate::configs::Configs;
use crate::oracle;

/// The hosts every configuration is asked about. An empty block at the end names them, so that they
/// are hosts of the inventory whatever the file says.
const HOSTS: [&str; 6] = [
    "web",
    "db",
    "web-1",
    "v6",
    "a.example.com",
    "bad.example.com",
];

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ssh_config")
}

/// The whole corpus on disk, and the names of the files to begin with.
fn corpus() -> (Configs, Vec<PathBuf>) {
    let configs = Configs::new();
    let mut roots = Vec::new();
    let mut dirs = vec![data()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let name = path.strip_prefix(data()).unwrap().to_owned();
            let mut text = fs::read(&path).unwrap();
            if name.parent() == Some(Path::new("")) {
                text.extend(format!("\nHost {}\n", HOSTS.join(" ")).bytes());
                roots.push(name.clone());
            }
            configs.write(&name, &text);
        }
    }
    roots.sort();
    (configs, roots)
}

fn differs(name: &Path) -> Option<String> {
    let text = fs::read(data().join(name)).unwrap();
    let first = String::from_utf8_lossy(text.split(|&c| c == b'\n').next().unwrap()).into_owned();
    first.strip_prefix("# differs: ").map(str::to_owned)
}

/// The whole chain of reasons.
fn reason(error: &dyn std::error::Error) -> String {
    let inner = error.source().map(reason);
    inner.map_or(error.to_string(), |inner| format!("{error}: {inner}"))
}

#[test]
fn the_client_and_the_inventory_understand_every_configuration_alike() {
    let (configs, roots) = corpus();
    let mut agreed = 0;
    let mut compared = 0;
    for name in roots.iter().filter(|name| differs(name).is_none()) {
        if name == Path::new("match.conf") {
            continue;
        }
        agreed += configs.compare(name, &HOSTS);
        compared += 1;
    }
    // Both sides refusing everything would agree, too.
    assert!(compared >= 80, "{compared} configurations");
    assert!(agreed >= 400, "{agreed} hosts resolved by both");
}

#[test]
fn where_we_refuse_and_the_client_does_not_the_reason_is_named() {
    let (configs, roots) = corpus();
    let mut checked = 0;
    for name in roots {
        let expected = match differs(&name) {
            Some(expected) => expected,
            None if name == Path::new("match.conf") => "`Match` is not supported".to_owned(),
            None => continue,
        };
        let answer = oracle::ask(&configs.theirs(&name), "web", &[]);
        assert!(answer.is_ok(), "{}: {answer:?}", name.display());
        let found = match configs.load(&name) {
            Err(error) => reason(&error),
            Ok(inventory) => reason(problem(&inventory, "web")),
        };
        assert!(found.contains(&expected), "{}: {found}", name.display());
        checked += 1;
    }
    assert!(checked >= 5, "{checked}");
}

#[test]
fn a_line_that_cannot_be_read_is_named_with_file_and_line() {
    let (configs, _) = corpus();
    for (name, place) in [
        ("match.conf", "match.conf:4: `Match`"),
        ("port-zero.conf", "port-zero.conf:2: `Port`"),
        ("port-word.conf", "port-word.conf:2: `Port`"),
        ("unknown.conf", "unknown.conf:2: `usr`"),
        ("include-bad.conf", "bad.d/port:2: `Port`"),
        ("include-loop.conf", "include-loop.conf:1: `Include`"),
        ("agent-unset.conf", "agent-unset.conf:2: `IdentityAgent"),
    ] {
        let error = configs.load(Path::new(name)).unwrap_err();
        assert!(reason(&error).contains(place), "{name}: {error}");
    }
    let all = configs.load(Path::new("match.conf")).unwrap_err();
    assert!(matches!(all, InventoryError::Lines(lines) if lines.len() == 1));
}

#[test]
fn no_program_named_in_a_file_makes_a_host_usable() {
    let (configs, _) = corpus();
    let inventory = configs.load(Path::new("command.conf")).unwrap();
    let problem = problem(&inventory, "web");
    assert!(
        matches!(problem, Problem::ProxyCommand { at } if at.line == 2),
        "{problem}"
    );
    assert!(!Path::new("/tmp/never").exists());
}

fn problem<'a>(inventory: &'a Inventory, host: &str) -> &'a Problem {
    let entry = inventory.find(&HostName::parse(host).unwrap()).unwrap();
    entry.settings().unwrap_err()
}
