//! `config/scout.toml` shows every key with its default and why.

use std::fmt::Write as _;

use super::super::key::Key;
use super::load;

const EXAMPLE: &str = include_str!("../../../config/scout.toml");

const HEAD: &str = "\
# Every key of Scout, with its default and the reason for it.
#
# Copy what you change to `~/.config/scout/scout.toml`, or name a file with `--config`. The
# environment wins over the file, and flags win over both. Sizes read `10MB` (decimal), `1MiB`
# (binary) or a number of bytes; durations read `500ms`, `30s`, `2m`, `1h`, `1d`. An unknown key is
# refused. `scout check` shows what is in effect and where it comes from.
";

/// The file as the table of keys would have it.
fn rendered() -> String {
    let mut text = HEAD.to_owned();
    let mut section = "";
    for key in Key::all() {
        let (of, name) = key.path.split_once('.').unwrap_or(("", key.path));
        if of != section && !of.is_empty() {
            let _ = writeln!(text, "\n[{of}]");
            section = of;
        }
        let variable = match key.variable {
            "" => String::new(),
            variable => format!(" `{variable}`."),
        };
        text.push('\n');
        let mut line = String::from("#");
        for word in format!("{}{variable}", key.about).split(' ') {
            if line.len() + word.len() >= 98 {
                let _ = writeln!(text, "{line}");
                line = String::from("#");
            }
            let _ = write!(line, " {word}");
        }
        let _ = writeln!(text, "{line}");
        match key.path {
            "auth.keys" => text.push_str(
                "#[[auth.keys]]\n#name = \"laptop\"\n#sha256 = \"…64 hexadecimal digits…\"\n#role = \"observer\"\n#hosts = [\"web-*\"]\n",
            ),
            "tags" => text.push_str("#[tags]\n#db = [\"db-*\", \"pg[1-3]\"]\n"),
            _ => drop(writeln!(text, "{name} = {}", value(key.default, key.variable))),
        }
    }
    text
}

fn value(default: &str, variable: &str) -> String {
    match default {
        "" => "[]".into(),
        "true" | "false" => default.into(),
        _ if default.parse::<u64>().is_ok() => default.into(),
        _ => {
            assert!(!variable.is_empty());
            format!("\"{default}\"")
        }
    }
}

#[test]
fn the_example_is_what_the_table_of_keys_says() {
    let rendered = rendered();
    if EXAMPLE != rendered {
        let place = std::env::temp_dir().join("scout.toml.expected");
        std::fs::write(&place, &rendered).unwrap();
        panic!(
            "config/scout.toml differs from the table of keys; expected: {}",
            place.display()
        );
    }
}

#[test]
fn the_example_sets_every_key_to_its_default() {
    let example = load(EXAMPLE, &[]).unwrap();
    assert_eq!(example.config, load("", &[]).unwrap().config);
    assert!(example.warnings.is_empty());
    for row in example.explain() {
        let from_file = row.layer == "file";
        assert_eq!(
            from_file,
            !["auth.keys", "tags"].contains(&row.key),
            "{} is {}",
            row.key,
            row.layer
        );
    }
}

#[test]
fn the_keys_in_the_example_work_once_they_are_filled_in() {
    let filled: String = EXAMPLE
        .replace("…64 hexadecimal digits…", &"ab".repeat(32))
        .lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| !rest.starts_with(' '))
                .unwrap_or(line)
        })
        .collect::<Vec<_>>()
        .join("\n");
    let config = load(&filled, &[]).unwrap().config;
    let [tag] = &*config.tags else {
        panic!("one tag")
    };
    assert_eq!(
        (&*tag.name, tag.expression().as_str()),
        ("db", "db-*,pg[1-3]")
    );
    let auth = config.auth;
    assert_eq!(
        (&*auth.keys[0].name, auth.keys[0].hosts.patterns()),
        ("laptop", &["web-*".to_owned()][..])
    );
}
