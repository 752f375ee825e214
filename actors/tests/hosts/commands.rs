//! What is promised of a command that comes to its own end.

use crate::rig::{HOSTS, Rig, argv, exited, shell, text};
use fleet::{Bounds, Deadline, HostName, Outcome};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

pub(crate) async fn the_output_and_the_end_of_a_command_are_exact(rig: &Rig) {
    let ran = rig.run(shell("echo hi")).await;
    assert_eq!(
        (ran.outcome.clone(), text(&ran)),
        (exited(0), ("hi\n".into(), String::new()))
    );
    let ran = rig.run(shell("printf out; printf 'err\\n' >&2")).await;
    assert_eq!(text(&ran), ("out".into(), "err\n".into()));
    assert_eq!((ran.stdout.total, ran.stderr.total), (3, 4));
    let silent = rig.run(argv(&["true"])).await;
    assert_eq!((silent.stdout.total, silent.stderr.total), (0, 0));
    let bytes = rig.run(shell(r"printf '\000\377\036\r\n'")).await;
    assert_eq!(bytes.stdout.bytes, b"\0\xff\x1e\r\n");
}

pub(crate) async fn the_exit_code_is_the_commands_own(rig: &Rig) {
    for code in [1, 7, 255] {
        let ran = rig.run(shell(&format!("exit {code}"))).await;
        assert_eq!(ran.outcome, exited(code));
    }
    let missing = rig.run(argv(&["no-such-program-here"])).await;
    assert_eq!(missing.outcome, exited(127));
    let (_, err) = text(&missing);
    assert!(err.contains("no-such-program-here"), "{err:?}");
}

pub(crate) async fn a_signal_is_told_from_an_exit(rig: &Rig) {
    // A shell reports the signal of its child as 128 + n (POSIX XCU §2.8.2).
    let child = rig.run(shell("sh -c 'kill -9 $$'")).await;
    assert_eq!(child.outcome, exited(137));
    // Killing the whole group takes the script with it, so only the host can tell.
    let group = rig.run(shell("kill -9 -$$; sleep 5")).await;
    assert_eq!(
        group.outcome,
        Outcome::Signaled {
            name: "KILL".into()
        }
    );
}

pub(crate) async fn arguments_arrive_as_they_are(rig: &Rig) {
    let words = [
        "a'b", "$(id)", "`id`", "*", "\\", "", "x\ny", "-n", "é", "\u{1e}", "\u{7f}", "a\tb ",
        "!x", "~", "%s", "\"",
    ];
    let command = [&["printf", "%s|"], words.as_slice()].concat();
    let ran = rig.run(argv(&command)).await;
    let expected: String = words.iter().map(|word| format!("{word}|")).collect();
    assert_eq!(text(&ran), (expected, String::new()));
    let every = "\u{1}".to_owned() + &(2..128_u8).map(char::from).collect::<String>();
    let ran = rig.run(argv(&["printf", "%s", &every])).await;
    assert_eq!(text(&ran).0, every);
    let long = "ö'".repeat(20_000);
    let ran = rig.run(argv(&["printf", "%s", &long])).await;
    assert!(text(&ran).0 == long, "{}", ran.stdout.total);
}

pub(crate) async fn standard_input_is_fed_to_its_end(rig: &Rig) {
    let input: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    let command = shell("head -c 5 | wc -c; wc -c").with_stdin(input.clone());
    let ran = rig.run(command.unwrap()).await;
    // What `head` read ahead is lost to `wc`, but the end of the input reaches both.
    let out = text(&ran).0;
    let counts: Vec<usize> = out.lines().map(|n| n.trim().parse().unwrap()).collect();
    assert!(counts[0] == 5 && counts[1] <= 299_995, "{counts:?}");
    let sum = rig.run(shell("cksum").with_stdin(input).unwrap()).await;
    assert!(text(&sum).0.contains(" 300000"), "{:?}", text(&sum));
    let none = rig.run(shell("cat; echo end")).await;
    assert_eq!(text(&none).0, "end\n");
    let unread = shell("exit 3").with_stdin(vec![b'x'; 1 << 20]).unwrap();
    assert_eq!(rig.run(unread).await.outcome, exited(3));
}

pub(crate) async fn a_command_that_gives_back_a_megabyte_of_input_is_not_stuck(rig: &Rig) {
    let input: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 253) as u8).collect();
    for _ in 0..3 {
        let began = Instant::now();
        let cat = argv(&["cat"]).with_stdin(input.clone()).unwrap();
        let ran = rig.run(cat).await;
        assert_eq!(ran.outcome, exited(0));
        assert!(ran.stdout.bytes == input, "{} bytes", ran.stdout.total);
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}

pub(crate) async fn output_past_the_limit_is_cut_and_counted(rig: &Rig) {
    let flood =
        || shell("head -c 10485760 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero >&2; exit 4");
    let ran = rig.run(flood()).await;
    assert_eq!(ran.outcome, exited(4));
    assert_eq!(
        (ran.stdout.bytes.len(), ran.stdout.total),
        (10_000_000, 10_485_760)
    );
    assert_eq!(
        (ran.stderr.bytes.len(), ran.stderr.total),
        (300_000, 300_000)
    );
    let bounds = Bounds {
        max_bytes: Some(1000),
        ..Bounds::default()
    };
    let ran = rig.run_on(HOSTS[0], flood(), bounds).await.unwrap();
    assert_eq!(
        (ran.stdout.bytes.len(), ran.stdout.total),
        (1000, 10_485_760)
    );
    assert!(ran.stdout.is_truncated() && ran.stderr.is_truncated());
}

pub(crate) async fn eight_commands_overlap_on_one_connection(rig: &Rig) {
    rig.run(argv(&["true"])).await;
    let meeting = rig.shelf.join("meeting");
    fs::create_dir(&meeting).unwrap();
    fs::set_permissions(&meeting, fs::Permissions::from_mode(0o777)).unwrap();
    // Each ends only when all eight are there at the same time.
    let line = "cd \"$0\" && : > $$; until [ $(ls | wc -l) -ge 8 ]; do sleep 0.05; done";
    let meeting = meeting.to_str().unwrap();
    let guests = (0..8).map(|_| rig.run(argv(&["sh", "-c", line, meeting])));
    for ran in futures_util::future::join_all(guests).await {
        assert_eq!(ran.outcome, exited(0));
    }
}

pub(crate) async fn two_hosts_keep_their_commands_apart(rig: &Rig) {
    let both = HOSTS.map(|host| {
        let command = argv(&["echo", host]);
        async move {
            let ran = rig.run_on(host, command, Bounds::default()).await.unwrap();
            assert_eq!(ran.host.as_str(), host);
            assert_eq!(text(&ran).0, format!("{host}\n"));
        }
    });
    futures_util::future::join_all(both).await;
    let names: Vec<_> = rig.fleet.inventory().iter().map(|e| e.name()).collect();
    let hosts: Vec<_> = names.into_iter().cloned().collect();
    let states = rig.fleet.status(&hosts, true).await.unwrap();
    let online = |s: &fleet::HostStatus| (s.state, s.online) == ("connected", Some(true));
    assert!(states.len() == 2 && states.iter().all(online), "{states:?}");
}

pub(crate) async fn a_host_is_reached_before_there_is_work_for_it(rig: &Rig) {
    let deadline = Deadline::within(Duration::from_secs(20));
    let host = HostName::parse(HOSTS[1]).unwrap();
    let state = async || {
        rig.fleet
            .status(std::slice::from_ref(&host), false)
            .await
            .unwrap()[0]
            .state
    };
    assert_eq!(state().await, "idle");
    let lease = rig.fleet.lease(&host, deadline).await.unwrap();
    let (one, two) = tokio::join!(lease.reach(deadline), lease.reach(deadline));
    one.unwrap();
    two.unwrap();
    assert_eq!(state().await, "connected");
    lease.reach(deadline).await.unwrap();
}
