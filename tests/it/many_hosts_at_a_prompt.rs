//! The command line on many hosts: an expression where one host would stand, equal answers once, how far
//! it is while a person waits, one exit code, and JSON for programs. With one plain name nothing is
//! different from before.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::broadcast::odd;
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::procs::{marker, wait_gone, wait_present};
use crate::support::server::{cli, run_cli, run_cli_with, start_cli};
use crate::support::terminal::Terminal;

const WITHIN: Duration = Duration::from_secs(40);

#[tokio::test]
async fn fifty_hosts_in_a_terminal_show_how_far_it_is_and_then_the_answer() {
    let fleet = Fleet::builder().shared(50).start().await;
    // The last one waits until it has been seen that the others are done.
    let seen = fleet.dir().join("seen");
    let wait = format!(
        "until [ -e {} ]; do sleep 0.1; done; echo same",
        seen.display()
    );
    let slow = odd(&fleet, &[("web-50", &wait)], "echo same");
    let terminal = Terminal::run(&fleet, &[], &["run", "all", "--", &slow]);
    let during = terminal
        .shows(WITHIN, |screen| screen.contains("49/50 hosts web-"))
        .await;
    eprintln!("{}", during.trim_end());
    assert!(during.contains("[=") && during.contains(": ok"), "{during}");
    assert!(!during.contains("same"), "{during}");
    std::fs::write(&seen, "").unwrap();
    let (code, after) = terminal.ends(WITHIN).await;
    eprintln!("{}", after.trim_end());
    let answer = "web-[01-50] (50):\nsame\n\n─── 50/50 hosts succeeded ───\n";
    assert!(
        after.starts_with(answer),
        "nothing of the progress is left:\n{after}"
    );
    assert_eq!(code, 0);
    assert!(
        terminal.painted().starts_with("\u{1b}[1mweb-[01-50] (50):"),
        "{}",
        terminal.painted()
    );
}

#[tokio::test]
async fn what_went_wrong_is_red_unless_nobody_wants_colour() {
    let fleet = Fleet::builder().shared(2).start().await;
    let command = odd(&fleet, &[("web-02", "exit 3")], "echo fine");
    for (env, red) in [(&[][..], true), (&[("NO_COLOR", "1")], false)] {
        let terminal = Terminal::run(&fleet, env, &["run", "web-*", "--", &command]);
        let (code, screen) = terminal.ends(WITHIN).await;
        assert_eq!(code, 1, "{screen}");
        assert!(
            screen.contains("web-02 (1) [FAILED]:\n[exit code: 3]\n"),
            "{screen}"
        );
        let painted = terminal.painted();
        assert_eq!(painted.contains("\u{1b}[31m"), red, "{painted}");
    }
    for (env, coloured) in [(("CLICOLOR_FORCE", "1"), true), (("CLICOLOR", "1"), false)] {
        let end = run_cli_with(&fleet, &[env], &["run", "web-*", "--", "true"], WITHIN).await;
        assert_eq!(
            end.stdout.contains('\u{1b}'),
            coloured,
            "{env:?}: {}",
            end.stdout
        );
    }
}

#[tokio::test]
async fn an_interrupt_prints_what_is_ready_and_ends_the_rest() {
    let fleet = Fleet::builder().shared(3).start().await;
    let mark = marker();
    let slow = format!("sh -c ': {mark}; sleep 600; :'");
    let command = odd(&fleet, &[("web-02", &slow)], "echo done");
    let terminal = Terminal::run(&fleet, &[], &["run", "all", "--", &command]);
    terminal
        .shows(WITHIN, |screen| screen.contains("2/3 hosts"))
        .await;
    // The window's own command line has the mark too.
    let runs = || {
        fleet
            .processes()
            .iter()
            .any(|proc| proc.argv.contains(&mark))
    };
    eventually("it runs", WITHIN, runs).await;
    terminal.press("C-c");
    let (code, screen) = terminal.ends(Duration::from_secs(10)).await;
    assert_eq!(code, 130, "{screen}");
    assert!(screen.contains("web-[01,03] (2):\ndone\n"), "{screen}");
    assert!(
        screen.contains("web-02 (1) [RUNNING AT THE END]:"),
        "{screen}"
    );
    assert!(screen.contains("─── 2/3 hosts succeeded ───"), "{screen}");
    drop(terminal);
    wait_gone(&mark, Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_signal_does_what_the_keys_do_where_nobody_sees_it() {
    let fleet = Fleet::builder().shared(2).start().await;
    let mark = marker();
    let slow = format!("sh -c ': {mark}; sleep 600; :'");
    let mut program = start_cli(&fleet, &["run", "all", "--ndjson", "--", &slow]);
    wait_present(&mark, WITHIN).await;
    program.signal(Signal::SIGINT);
    assert_eq!(
        program.wait_exit(Duration::from_secs(10)).await.code(),
        Some(130)
    );
    wait_gone(&mark, Duration::from_secs(5)).await;
    let end = program.finish(WITHIN).await;
    assert_eq!(end.stdout.lines().count(), 3, "{}", end.stdout);
}

#[tokio::test]
async fn one_plain_name_is_answered_as_it_always_was() {
    let fleet = Fleet::builder().shared(2).start().await;
    let one = run_cli(
        &fleet,
        &["run", "web-01", "--", "printf 'a\\n'; exit 7"],
        WITHIN,
    )
    .await;
    assert_eq!((one.code(), one.stdout.as_str()), (Some(7), "a\n"));
    let read = run_cli(&fleet, &["read", "web-01:/etc/hostname"], WITHIN).await;
    let hostname = std::fs::read_to_string("/etc/hostname").unwrap();
    assert_eq!((read.code(), read.stdout), (Some(0), hostname.clone()));

    let many = run_cli(&fleet, &["run", "web-01,web-02", "--", "exit 7"], WITHIN).await;
    assert_eq!(many.code(), Some(1));
    let expected =
        "web-[01-02] (2) [FAILED]:\n[exit code: 7]\n\n─── 0/2 hosts succeeded ─── 2 failed\n";
    assert_eq!(many.stdout, expected);
    assert_eq!(many.stderr, "", "no terminal, no progress");
    let read = run_cli(&fleet, &["read", "web-*:/etc/hostname"], WITHIN).await;
    assert_eq!(read.code(), Some(0));
    assert!(
        read.stdout.starts_with("web-[01-02] (2), "),
        "{}",
        read.stdout
    );
    assert!(
        read.stdout.contains(&format!(":\n{hostname}")),
        "{}",
        read.stdout
    );
}

#[tokio::test]
async fn what_cannot_be_begun_is_scout_s_own_failure() {
    let fleet = Fleet::builder().shared(2).start().await;
    for args in [
        &["run", "nowhere-*", "--", "true"][..],
        &["run", "web-[02-01]", "--", "true"],
        &["run", "@none", "--", "true"],
    ] {
        let end = run_cli(&fleet, args, WITHIN).await;
        assert_eq!(end.code(), Some(255), "{args:?}: {}", end.stderr);
        assert!(
            end.stdout.is_empty() && end.stderr.starts_with("scout: "),
            "{}",
            end.stderr
        );
    }
    let end = run_cli(&fleet, &["run", "--ndjson", "@none", "--", "true"], WITHIN).await;
    assert_eq!(
        (end.code(), end.stdout.lines().count()),
        (Some(255), 1),
        "{}",
        end.stdout
    );
    for args in [
        &["run", "--width", "0", "all", "--", "true"][..],
        &["run", "--deadline", "0", "all", "--", "true"],
        &["run", "--normalize", "time", "all", "--", "true"],
        &["run", "--json", "--ndjson", "all", "--", "true"],
    ] {
        let end = run_cli(&fleet, args, WITHIN).await;
        assert_eq!(end.code(), Some(2), "{args:?}: {}", end.stderr);
    }
    assert_eq!(fleet.logins(), 0);
}

#[tokio::test]
async fn programs_get_one_document_or_a_line_for_each_host() {
    let fleet = Fleet::builder().shared(3).start().await;
    let command = odd(&fleet, &[("web-02", "echo no; exit 2")], "echo yes");
    let end = run_cli(&fleet, &["run", "--json", "all", "--", &command], WITHIN).await;
    assert_eq!(end.code(), Some(1));
    let document: Value = serde_json::from_str(&end.stdout).unwrap();
    assert_eq!(document["groups"][0]["folded"], "web-[01,03]");
    assert_eq!(document["states"], json!({"ok": 2, "failed": 1}));

    let end = run_cli(&fleet, &["run", "--ndjson", "all", "--", &command], WITHIN).await;
    assert_eq!(end.code(), Some(1));
    let lines = end
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let mut lines: Vec<Value> = lines.collect();
    let summary = json!({"succeeded": 2, "total": 3, "states": {"ok": 2, "failed": 1}});
    assert_eq!(lines.pop(), Some(summary));
    lines.sort_by_key(|line| line["host"].to_string());
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["host"].as_str().unwrap(),
                line["state"].as_str().unwrap(),
                line["stdout"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("web-01", "ok", "yes\n"),
        ("web-02", "failed", "no\n"),
        ("web-03", "ok", "yes\n"),
    ];
    assert_eq!(told, expected);

    let end = run_cli(
        &fleet,
        &["run", "--no-fold", "web-[01,03]", "--", "echo hi"],
        WITHIN,
    )
    .await;
    let heads: Vec<_> = end
        .stdout
        .lines()
        .filter(|line| line.starts_with("═══ web-"))
        .collect();
    assert_eq!(heads.len(), 2, "{}", end.stdout);
    assert_eq!(end.stdout.matches("\nhi\n\n").count(), 2, "{}", end.stdout);
}

#[tokio::test]
async fn lines_that_could_not_be_written_are_no_success() {
    let fleet = Fleet::builder().shared(2).start().await;
    let mut command = cli(&fleet);
    command.args(["run", "--ndjson", "all", "--", "true"]);
    let full = std::fs::File::options().write(true).open("/dev/full");
    command.stdout(full.unwrap()).stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(255), "{said}");
    assert!(said.contains("cannot write the output"), "{said}");
}
