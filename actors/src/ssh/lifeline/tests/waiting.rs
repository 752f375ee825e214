//! A shell that is armed first, and serves one call or several.

use super::*;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};

/// What answers to `/bin/sh` somewhere.
const SHELLS: [&[&str]; 6] = [
    &["dash"],
    &["bash", "--posix"],
    &["busybox", "sh"],
    &["mksh"],
    &["ksh"],
    &["zsh", "--emulate", "sh"],
];

/// Those of them that are here.
fn shells() -> impl Iterator<Item = &'static [&'static str]> {
    // Debian lets mksh answer to the name of the other one, too: then that is not here.
    let here = |words: &&[&str]| {
        let asked = Process::new(words[0])
            .args(&words[1..])
            .args(["-c", "echo $KSH_VERSION"])
            .output();
        asked.is_ok_and(|answer| {
            let mirbsd = answer.stdout.windows(6).any(|part| part == b"MIRBSD");
            answer.status.success() && mirbsd == (words[0] == "mksh")
        })
    };
    let shells: Vec<_> = SHELLS.into_iter().filter(here).collect();
    assert!(!shells.is_empty());
    shells.into_iter()
}

/// An armed shell, leading a process group.
struct Waiting {
    child: Child,
    stdin: Option<ChildStdin>,
    out: BufReader<ChildStdout>,
    err: BufReader<ChildStderr>,
    clocked: bool,
}

impl Waiting {
    fn new(words: &[&str]) -> Self {
        let mut child = Process::new(words[0])
            .args(&words[1..])
            .arg("-s")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut shell = Self {
            stdin: child.stdin.take(),
            out: BufReader::new(child.stdout.take().unwrap()),
            err: BufReader::new(child.stderr.take().unwrap()),
            child,
            clocked: false,
        };
        let marker = Marker::fresh();
        shell.send(&arming(&marker));
        let group = shell.child.id().to_string();
        let lead = format!("\u{1e}{} ", marker.hex());
        assert_eq!(until(&mut shell.out, &lead), format!("{lead}{group}\n"));
        assert_eq!(until(&mut shell.err, &lead), format!("{lead}begin\n"));
        shell
    }

    fn send(&mut self, text: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(text).unwrap();
    }

    /// Sends a call.
    fn begin(&mut self, command: &Command, then: Then) -> Marker {
        let (marker, timeout) = (Marker::fresh(), Duration::from_secs(20));
        let terms = Terms {
            marker: &marker,
            mark: marker.hex(),
            timeout,
            armed: true,
            clocked: self.clocked,
            then,
        };
        self.send(&script(command, &terms));
        self.clocked |= then == (Then::Wait { clock: true });
        marker
    }

    /// Sends a call, and gives back what comes of it on both streams.
    fn call(&mut self, command: &Command, then: Then) -> (String, String) {
        let marker = self.begin(command, then);
        self.heard(&marker)
    }

    fn heard(&mut self, marker: &Marker) -> (String, String) {
        let lead = format!("\u{1e}{} ", marker.hex());
        let begin = until(&mut self.out, &lead);
        assert_eq!(begin, format!("{lead}{}\n", self.child.id()));
        let (out, err) = (until(&mut self.out, &lead), until(&mut self.err, &lead));
        (out.replace(&lead, "N "), err.replace(&lead, "N "))
    }

    /// The processes of its group that live, itself not among them.
    fn others(&self) -> Vec<String> {
        let group = self.child.id().to_string();
        let all = Process::new("ps")
            .args(["-eo", "pgid=,pid=,stat=,args="])
            .output()
            .unwrap();
        let all = String::from_utf8_lossy(&all.stdout).into_owned();
        all.lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|words| words[0] == group && words[1] != group && !words[2].starts_with('Z'))
            .map(|words| words[3..].join(" "))
            .collect()
    }

    /// Waits until the others in its group are so.
    fn until(&self, what: &str, are: impl Fn(&[String]) -> bool) {
        for _ in 0..300 {
            if are(&self.others()) {
                return;
            }
            #[expect(clippy::disallowed_methods, reason = "a synchronous test")]
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{what}: {:?}", self.others())
    }

    /// Waits until it has that many others in its group.
    fn until_others(&self, count: usize) {
        self.until("that many", |others| others.len() == count);
    }

    /// Waits until this runs in its group.
    fn until_runs(&self, line: &str) {
        self.until(line, |others| others.iter().any(|other| other == line));
    }

    /// Ends the lifeline and waits for the shell.
    fn hang_up(&mut self) {
        self.stdin = None;
        self.child.wait().unwrap();
    }
}

/// Reads a stream up to a line with a mark.
fn until(stream: &mut impl BufRead, lead: &str) -> String {
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains(lead) {
        assert_ne!(stream.read_until(b'\n', &mut text).unwrap(), 0, "{text:?}");
    }
    String::from_utf8(text).unwrap()
}

/// Those that serve more than one call.
fn lasting() -> impl Iterator<Item = &'static [&'static str]> {
    shells().filter(|words| *words != ["ksh"])
}

const AGAIN: Then = Then::Wait { clock: false };

#[test]
fn one_shell_serves_many_calls_and_none_of_them_finds_what_another_left() {
    for words in lasting() {
        let mut waiting = Waiting::new(words);
        let leave = "cd /; umask 077; V=left; export V; trap 'echo trapped' TERM EXIT; set -f; exec 9>/dev/null; \
                     f() { :; }; echo out; echo err >&2; exit 7";
        let (out, err) = waiting.call(&shell(leave), Then::Wait { clock: true });
        assert!(out.ends_with("N rc=7 swept=\n"), "{words:?}: {out:?}");
        assert!(err.ends_with("err\nN end\n"), "{words:?}: {err:?}");
        let look = "pwd; umask; echo \"V=$V $SCOUT_CALL\"; trap; echo /*/ | wc -w; { echo >&9; } 2>/dev/null || echo closed; \
                    f 2>/dev/null || echo none; cat; :";
        let first = waiting.call(&shell(look), AGAIN).0;
        let fresh = Waiting::new(words).call(&shell(look), AGAIN).0;
        let plain = |text: &str| {
            let lines = text
                .lines()
                .filter(|line| !line.starts_with("V=") && !line.starts_with("N "));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(plain(&first), plain(&fresh), "{words:?}");
        assert!(
            first.contains("V= ") && first.contains("none\n"),
            "{words:?}: {first:?}"
        );
        for n in 0..30_u8 {
            let (out, err) = waiting.call(&shell(&format!("echo {n}; exit {n}")), AGAIN);
            assert_eq!(out, format!("{n}\nN rc={n} swept=\n"), "{words:?}");
            assert_eq!(err, "N end\n", "{words:?}");
        }
        let (out, _) = waiting.call(
            &argv(&["printf", "%s|", "a'b", "\u{1}\u{81}é", "x\ny"]),
            AGAIN,
        );
        assert_eq!(out, "a'b|\u{1}\u{81}é|x\ny|N rc=0 swept=\n", "{words:?}");
        // Only the clock is left, which is a shell and its `sleep`.
        waiting.until_others(2);
        waiting.hang_up();
        waiting.until_others(0);
    }
}

#[test]
fn the_end_of_the_lifeline_ends_whatever_a_waiting_shell_runs() {
    for words in shells() {
        for then in [Then::End, AGAIN, Then::Wait { clock: true }] {
            let mut waiting = Waiting::new(words);
            let marker = waiting.begin(
                &shell("trap '' TERM; env sleep 4321 & env sleep 4322; sleep 4323"),
                then,
            );
            until(&mut waiting.out, marker.hex());
            waiting.until_runs("sleep 4322");
            waiting.hang_up();
            waiting.until_others(0);
            let said = until(&mut waiting.out, marker.hex());
            assert!(
                said.ends_with("stopped=1\n"),
                "{words:?} {then:?}: {said:?}"
            );
        }
    }
}

#[test]
fn a_shell_that_is_killed_by_its_command_leaves_the_watcher() {
    for words in shells() {
        let mut waiting = Waiting::new(words);
        let marker = waiting.begin(&shell("sleep 4321 & kill -9 $$; sleep 4322"), Then::End);
        until(&mut waiting.out, marker.hex());
        waiting.child.wait().unwrap();
        assert!(
            waiting.others().len() >= 2,
            "{words:?}: {:?}",
            waiting.others()
        );
        waiting.hang_up();
        waiting.until_others(0);
    }
}

#[test]
fn the_time_limit_on_the_host_is_each_calls_own_or_a_little_later() {
    let (second, call) = (Duration::from_secs(1), Duration::from_secs(30));
    assert!(clock_serves(clock(call), call));
    assert!(!clock_serves(clock(call) + second, call), "too late");
    assert!(clock_serves(clock(call) - CLOCK_SLACK, call));
    assert!(
        !clock_serves(call + HOST_SLACK - second / 2, call),
        "too early"
    );
    for words in lasting() {
        let mut waiting = Waiting::new(words);
        waiting.call(&argv(&["true"]), Then::Wait { clock: true });
        waiting.until_others(2);
        waiting.call(&argv(&["true"]), Then::Wait { clock: true });
        waiting.until_others(2);
        // A call that ends its shell has a clock of its own.
        let marker = waiting.begin(&shell("env sleep 4321"), Then::End);
        until(&mut waiting.out, marker.hex());
        waiting.until("one clock", |others| {
            let mut sleeps = others.to_vec();
            sleeps.retain(|line| line.starts_with("sleep "));
            sleeps.sort();
            sleeps == ["sleep 23", "sleep 4321"]
        });
        waiting.hang_up();
        waiting.until_others(0);
    }
}

#[test]
fn a_clock_that_has_just_started_delays_no_call_that_ends_it() {
    for words in shells() {
        for _ in 0..20 {
            let mut waiting = Waiting::new(words);
            let clock = Then::Wait { clock: true };
            if words != ["ksh"] {
                for _ in 0..3 {
                    waiting.call(&argv(&["true"]), clock);
                }
            }
            let (out, _) = waiting.call(&shell("echo on"), Then::End);
            assert_eq!(out, "on\nN rc=0 swept=\n", "{words:?}");
            waiting.child.wait().unwrap();
        }
    }
}

#[test]
fn a_call_that_is_stopped_before_it_begins_starts_nothing() {
    for words in shells() {
        let mut waiting = Waiting::new(words);
        let command = shell("echo ran; env sleep 4321");
        let marker = Marker::fresh();
        let terms = Terms {
            marker: &marker,
            mark: marker.hex(),
            timeout: Duration::from_secs(20),
            armed: true,
            clocked: false,
            then: Then::End,
        };
        let script = String::from_utf8(script(&command, &terms)).unwrap();
        // As if a watcher were faster than the shell.
        let script = script.replace("\nscout_watch", "\nkill -TERM $$\nscout_watch");
        waiting.send(script.as_bytes());
        let (out, err) = waiting.heard(&marker);
        assert_eq!((&*out, &*err), ("N rc=0 swept=1\n", "N end\n"), "{words:?}");
        waiting.child.wait().unwrap();
    }
}

#[test]
fn ksh_serves_one_call() {
    for words in shells().filter(|words| *words == ["ksh"]) {
        let mut waiting = Waiting::new(words);
        let (out, _) = waiting.call(&shell("echo on"), Then::Wait { clock: true });
        assert_eq!(out, "on\nN rc=0 swept=\n");
        waiting.child.wait().unwrap();
        waiting.until_others(0);
    }
}

#[test]
fn a_waiting_shell_feeds_input_that_follows_its_beginning() {
    // mksh holds the other end of its own pipe, so that the input has no end: the time limit ends it.
    for words in shells().filter(|words| *words != ["mksh"]) {
        let mut waiting = Waiting::new(words);
        let command = shell("wc -c; wc -c")
            .with_stdin(vec![b'x'; 70_000])
            .unwrap();
        let marker = waiting.begin(&command, Then::End);
        let lead = format!("\u{1e}{} ", marker.hex());
        until(&mut waiting.out, &lead);
        waiting.send(command.stdin());
        let out = until(&mut waiting.out, &lead);
        let numbers: Vec<_> = out.split_whitespace().take(2).collect();
        assert_eq!(numbers, ["70000", "0"], "{words:?}");
        waiting.child.wait().unwrap();
        waiting.until_others(0);
    }
}

#[test]
fn a_time_limit_for_idle_shells_is_none_for_commands() {
    // Of the environment, bash and ksh take it as the limit of every `read`.
    for words in shells() {
        let mut waiting = Waiting::new(&[&["env", "TMOUT=1"], words].concat());
        let command = shell("sleep 2.5; echo finished $TMOUT");
        let (out, _) = waiting.call(&command, Then::End);
        assert_eq!(out, "finished 1\nN rc=0 swept=\n", "{words:?}");
    }
}
