//! `cat`, `head`, `tail` and `wc`.
//!
//! Option tables after the `--help` of GNU coreutils 9.1.

use super::grammar::{ENDLESS, Grammar, NAMES_FROM_FILE, takes};
use super::holds::Holds::{Number, Word};

pub(super) const GRAMMARS: &[Grammar] = &[CAT, HEAD, TAIL, WC];

const CAT: Grammar = Grammar {
    program: "cat",
    flags: "AbeEnstTuv",
    words: &[
        "show-all",
        "number-nonblank",
        "show-ends",
        "number",
        "squeeze-blank",
        "show-tabs",
        "show-nonprinting",
        "help",
        "version",
    ],
    ..Grammar::EMPTY
};

const HEAD: Grammar = Grammar {
    program: "head",
    flags: "qvz",
    words: &[
        "quiet",
        "silent",
        "verbose",
        "zero-terminated",
        "help",
        "version",
    ],
    values: &[takes('n', "lines", Number), takes('c', "bytes", Number)],
    counts: true,
    ..Grammar::EMPTY
};

/// Following a file ends only when the call is stopped; a second call sees what came after.
const TAIL: Grammar = Grammar {
    program: "tail",
    flags: "qvz",
    words: &[
        "quiet",
        "silent",
        "verbose",
        "zero-terminated",
        "help",
        "version",
    ],
    values: &[takes('n', "lines", Number), takes('c', "bytes", Number)],
    refused: &[
        ("-f", ENDLESS),
        ("-F", ENDLESS),
        ("--follow", ENDLESS),
        ("--retry", ENDLESS),
        ("--pid", "belongs to `--follow`, which never ends"),
        ("-s", "belongs to `--follow`, which never ends"),
        (
            "--sleep-interval",
            "belongs to `--follow`, which never ends",
        ),
        (
            "--max-unchanged-stats",
            "belongs to `--follow`, which never ends",
        ),
    ],
    counts: true,
    ..Grammar::EMPTY
};

const WC: Grammar = Grammar {
    program: "wc",
    flags: "cmlLw",
    words: &[
        "bytes",
        "chars",
        "lines",
        "max-line-length",
        "words",
        "help",
        "version",
    ],
    values: &[takes(
        '\0',
        "total",
        Word(&["auto", "always", "only", "never"]),
    )],
    refused: &[("--files0-from", NAMES_FROM_FILE)],
    ..Grammar::EMPTY
};
