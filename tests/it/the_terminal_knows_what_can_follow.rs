//! A terminal completes the commands, flags, hosts, tags and remote paths there are, in every shell it
//! claims to; and the manual is whole, as `man` sees it. Whoever types is never shown an error.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::fleet::Fleet;
use crate::support::program::{Finished, Program};
use crate::support::server::{binary, run_cli, run_cli_with};

const WITHIN: Duration = Duration::from_secs(30);

/// Whether this machine has a program. The tests of a shell that is not there have nothing to say.
fn there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|place| place.join(program).is_file())
}

/// A program beside Scout, which finds it by its name.
async fn shell(fleet: &Fleet, program: &str, args: &[&str]) -> Finished {
    let mut path = vec![binary().parent().unwrap().to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let mut command = Command::new(program);
    command.args(args).env_clear();
    command.env("PATH", std::env::join_paths(path).unwrap());
    command.env("HOME", fleet.home()).env("LC_ALL", "C.UTF-8");
    Program::start(command).finish(WITHIN).await
}

/// `web-01`, a host that answers, with a tag from Scout's own configuration.
async fn fleet() -> Fleet {
    let fleet = Fleet::start(1).await;
    let place = fleet.home().join(".config/scout");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("scout.toml"), "[tags]\neu = \"web-01\"\n").unwrap();
    fleet
}

#[tokio::test]
async fn the_scripts_are_scripts_of_their_shells() {
    let fleet = fleet().await;
    for name in ["bash", "zsh", "fish"] {
        let script = run_cli(&fleet, &["completions", name], WITHIN).await;
        assert_eq!(script.code(), Some(0), "{}", script.stderr);
        if !there(name) {
            println!("{name} is not here");
            continue;
        }
        let file = fleet.dir().join(name);
        std::fs::write(&file, script.stdout).unwrap();
        let end = shell(&fleet, name, &["-n", file.to_str().unwrap()]).await;
        assert_eq!((end.code(), &*end.stderr), (Some(0), ""), "{name}");
    }
    let wrong = run_cli(&fleet, &["completions", "csh"], WITHIN).await;
    assert_eq!(wrong.code(), Some(2), "{}", wrong.stderr);
}

#[tokio::test]
async fn bash_replaces_what_stands_behind_its_own_breaks() {
    let fleet = fleet().await;
    let place = fleet.dir().join("open");
    std::fs::create_dir_all(place.join("some where")).unwrap();
    let typed = place.join("some").display().to_string();
    let ask = async |line: &str| {
        let script = "source <(scout completions bash)
            COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDBREAKS=$' \\t\\n\"\\'@><=;|&(:'
            _scout scout; printf '%s\\n' \"${COMPREPLY[@]}\"";
        let end = shell(&fleet, "bash", &["-c", script, "bash", line]).await;
        assert_eq!(end.stderr, "", "{line}");
        end.stdout
    };
    for (line, suggestions) in [
        ("scout heal".to_owned(), "healthcheck \n"),
        ("scout check --js".into(), "--json \n"),
        ("scout read we".into(), "web-01:\n"),
        ("scout read web-01:".into(), "/\n~/\n"),
        (format!("scout read web-01:{typed}"), "some\\ where/\n"),
        (format!("scout read 'web-01:{typed}"), "some where/\n"),
        ("scout hosts web-01,@e".into(), "eu \n"),
        ("scout hosts web-01,!web".into(), "web-01,\\!web-01 \n"),
        ("scout read nowhere:/".into(), "\n"),
        ("scout nothing like it".into(), "\n"),
        ("scout --config /nowhere read we".into(), "\n"),
    ] {
        let found = ask(&line).await;
        let found = found.replace(&format!("{}/", place.display()), "");
        assert_eq!(found.replace("web-01:some", "some"), suggestions, "{line}");
    }
}

#[tokio::test]
async fn fish_and_zsh_are_told_what_a_suggestion_means() {
    let fleet = fleet().await;
    let ask = async |words: &[&str]| {
        let words = [&["complete", "zsh", "scout"], words].concat();
        let env = [("SCOUT_ALLOWLIST", "web-*"), ("SCOUT_BLOCKLIST", "web-02")];
        let end = run_cli_with(&fleet, &env, &words, WITHIN).await;
        assert_eq!((end.code(), &*end.stderr), (Some(0), ""));
        end.stdout
    };
    assert_eq!(
        ask(&["hosts", "web-01,@"]).await,
        "web-01,@eu\thosts with this tag\n"
    );
    let hosts = ask(&["hosts", ""]).await;
    assert!(hosts.starts_with("web-01\n@eu\t"), "{hosts}");
    assert!(hosts.contains("\n--no-probe\t"), "{hosts}");
    assert_eq!(
        ask(&["read", "web-01:/etc/ssh"]).await,
        "web-01:/etc/ssh/\n"
    );
    if there("zsh") {
        // What the script hands to the shell: how, and what.
        let script = "compdef() { :; }
            compadd() { print -rl -- \"$1\" \"${(@P)@[-1]}\" }
            source <(scout completions zsh)
            words=(\"$@\") CURRENT=$# PREFIX=${@[-1]}
            _scout";
        for (word, given) in [
            ("read we", "-S\nweb-01:\n"),
            ("hosts !@", "-V\n!@eu\n"),
            ("completions f", "-V\nfish\n"),
        ] {
            let words: Vec<&str> = word.split(' ').collect();
            let args = [&["-f", "-c", script, "zsh", "scout"], &*words].concat();
            let end = shell(&fleet, "zsh", &args).await;
            assert_eq!((&*end.stdout, &*end.stderr), (given, ""), "{word}");
        }
    }
    if there("fish") {
        let script = "scout completions fish | source; complete -C 'scout read we'";
        let end = shell(&fleet, "fish", &["-c", script]).await;
        assert_eq!(end.stdout, "web-01:\n", "{}", end.stderr);
    }
}

#[tokio::test]
async fn a_hidden_host_is_not_suggested_and_a_bad_configuration_is_silent() {
    let fleet = Fleet::start(2).await;
    let words = ["complete", "fish", "scout", "read", "web"];
    for (variable, value, found) in [
        ("SCOUT_BLOCKLIST", "web-02", "web-01:\n"),
        ("SCOUT_HTTP_PORT", "none", ""),
        ("SCOUT_HTTP_HOST", "0.0.0.0", "web-01:\nweb-02:\n"),
    ] {
        let end = run_cli_with(&fleet, &[(variable, value)], &words, WITHIN).await;
        assert_eq!((end.code(), &*end.stdout), (Some(0), found), "{variable}");
        assert_eq!(end.stderr, "");
    }
}

#[tokio::test]
async fn the_manual_is_whole_and_without_a_fault() {
    let fleet = Fleet::builder().start().await;
    let help = run_cli(&fleet, &["--help"], WITHIN).await.stdout;
    let commands = help.split("Commands:\n").nth(1).unwrap();
    let commands: Vec<_> = commands
        .lines()
        .map_while(|line| line.strip_prefix("  "))
        .filter_map(|line| line.split(' ').next().filter(|name| !name.is_empty()))
        .filter(|name| *name != "help")
        .collect();
    assert!(
        commands.contains(&"hosts") && commands.contains(&"man"),
        "{help}"
    );
    let page = run_cli(&fleet, &["man"], WITHIN).await;
    assert_eq!(page.code(), Some(0), "{}", page.stderr);
    for name in &commands {
        let heading = format!("\n.SS \"scout {name}\"\n");
        assert_eq!(page.stdout.matches(&heading).count(), 1, "{name}");
    }
    for once in ["SCOUT_MAX_POOL_SIZE", "The ssh configuration that lists"] {
        assert_eq!(page.stdout.matches(once).count(), 1, "{once}");
    }
    assert!(
        !page.stdout.contains("scout complete\""),
        "a hidden command"
    );

    let dir = fleet.dir().join("man1");
    let dir = dir.to_str().unwrap();
    let end = run_cli(&fleet, &["man", "--dir", dir], WITHIN).await;
    assert_eq!(end.code(), Some(0), "{}", end.stderr);
    let files: Vec<_> = end.stdout.lines().collect();
    for name in &commands {
        let file = format!("{dir}/scout-{name}.1");
        assert!(files.contains(&file.as_str()), "{file}");
    }
    let whole = fleet.dir().join("whole.1");
    std::fs::write(&whole, page.stdout).unwrap();
    for file in files.iter().map(Path::new).chain([whole.as_path()]) {
        without_a_fault(&fleet, file).await;
    }
    let end = run_cli(&fleet, &["man", "--dir", "/proc/none"], WITHIN).await;
    assert_eq!(end.code(), Some(1), "{}", end.stderr);
}

/// Renders a page with whatever programs for that there are.
async fn without_a_fault(fleet: &Fleet, page: &Path) {
    let page = page.to_str().unwrap();
    if there("man") && there("groff") {
        let end = shell(fleet, "man", &["--warnings", "-E", "UTF-8", "-l", page]).await;
        assert_eq!((end.code(), &*end.stderr), (Some(0), ""), "{page}");
        assert!(end.stdout.contains("EXIT STATUS"), "{page}");
    }
    if there("mandoc") {
        let end = shell(fleet, "mandoc", &["-T", "lint", "-W", "error", page]).await;
        assert_eq!(end.code(), Some(0), "{}", end.stdout);
    }
}
