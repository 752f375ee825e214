//! Command lines that try to stay, each in its own way.

/// What it does, and the line.
pub(super) type Line = (&'static str, &'static str);

/// All of them. Each runs for minutes unless it is ended.
pub(super) const ALL: [Line; 18] = [
    ("a plain sleep", "sleep 600"),
    ("two background children", "sleep 600 & sleep 601 & wait"),
    ("ignores TERM", "trap '' TERM; while :; do sleep 600; done"),
    (
        "ignores every signal it can",
        "trap '' TERM HUP INT PIPE QUIT; cat /dev/zero >/dev/null & while :; do wait; done",
    ),
    (
        "ten children with children",
        "for n in 1 2 3 4 5 6 7 8 9 10; do (sleep 600; sleep 600) & done; wait",
    ),
    ("a session of its own", "setsid sleep 600"),
    (
        "a session in the background",
        "setsid sleep 600 & sleep 600",
    ),
    (
        "a session that ignores TERM",
        "setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' & sleep 600",
    ),
    (
        "a silent session",
        "setsid sleep 600 >/dev/null 2>&1 </dev/null & exec sleep 600",
    ),
    ("nohup", "nohup sleep 600 >/dev/null 2>&1 & wait"),
    ("an orphan", "(sleep 600 &); sleep 600"),
    ("an orphan session", "(setsid sleep 600 &); sleep 600"),
    ("no outputs", "exec >&- 2>&-; sleep 600"),
    ("endless output", "yes \"$SCOUT_TEST_MARK\""),
    (
        "endless errors",
        "trap '' TERM; yes \"$SCOUT_TEST_MARK\" >&2; sleep 600",
    ),
    ("a pipeline", "yes | cat | sleep 600 | cat"),
    ("a stopped child", "sleep 600 & kill -STOP $!; wait"),
    (
        "a job of its own",
        "bash -c 'set -m; (trap \"\" TERM; while :; do sleep 1; done) & wait' || sleep 600",
    ),
];

/// Those that do not go when they are asked to.
pub(super) const STUBBORN: [Line; 4] = [ALL[2], ALL[4], ALL[7], ALL[10]];

/// One of them, by any number.
pub(super) fn command(any: u64) -> Line {
    let count = u64::try_from(ALL.len()).unwrap();
    ALL[usize::try_from(any % count).unwrap()]
}
