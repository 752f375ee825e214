//! `sort`, `uniq` and `diff`.
//!
//! Option tables after the `--help` of GNU coreutils 9.1 and diffutils 3.8.

use super::grammar::{EXECUTES, EXHAUSTS, Grammar, NAMES_FROM_FILE, Operands, WRITES, takes};
use super::holds::Holds::{Number, Path, Text, Word};

pub(super) const GRAMMARS: &[Grammar] = &[SORT, UNIQ, DIFF];

/// `sort` spills to the account's temporary directory when its input outgrows memory, and removes
/// what it spilled: nothing here can choose where.
const SORT: Grammar = Grammar {
    program: "sort",
    flags: "bdfgiMhnRrVcCmsuz",
    words: &[
        "ignore-leading-blanks",
        "dictionary-order",
        "ignore-case",
        "general-numeric-sort",
        "ignore-nonprinting",
        "month-sort",
        "human-numeric-sort",
        "numeric-sort",
        "random-sort",
        "reverse",
        "version-sort",
        "debug",
        "merge",
        "stable",
        "unique",
        "zero-terminated",
        "help",
        "version",
    ],
    values: &[
        takes('k', "key", Text),
        takes('t', "field-separator", Text),
        takes(
            '\0',
            "sort",
            Word(&[
                "general-numeric",
                "human-numeric",
                "month",
                "numeric",
                "random",
                "version",
            ]),
        ),
    ],
    optional: &[("check", Word(&["diagnose-first", "quiet", "silent"]))],
    refused: &[
        ("-o", WRITES),
        ("--output", WRITES),
        ("-T", "decides where temporary files are written"),
        (
            "--temporary-directory",
            "decides where temporary files are written",
        ),
        ("--compress-program", EXECUTES),
        ("--files0-from", NAMES_FROM_FILE),
        ("--random-source", "reads a file that is not shown"),
        ("-S", EXHAUSTS),
        ("--buffer-size", EXHAUSTS),
        ("--parallel", EXHAUSTS),
        ("--batch-size", EXHAUSTS),
    ],
    ..Grammar::EMPTY
};

/// The second operand of `uniq` is its output file, and where options do not follow operands
/// (BSD, `POSIXLY_CORRECT`) any word behind the first operand is that file.
const UNIQ: Grammar = Grammar {
    program: "uniq",
    flags: "cdDiuz",
    words: &[
        "count",
        "repeated",
        "ignore-case",
        "unique",
        "zero-terminated",
        "help",
        "version",
    ],
    values: &[
        takes('f', "skip-fields", Number),
        takes('s', "skip-chars", Number),
        takes('w', "check-chars", Number),
    ],
    optional: &[
        ("all-repeated", Word(&["none", "prepend", "separate"])),
        ("group", Word(&["separate", "prepend", "append", "both"])),
    ],
    operands: Operands::OnePathLast,
    ..Grammar::EMPTY
};

const DIFF: Grammar = Grammar {
    program: "diff",
    flags: "qscuenyptTrNiEZbwBadvP",
    words: &[
        "normal",
        "brief",
        "report-identical-files",
        "ed",
        "rcs",
        "side-by-side",
        "left-column",
        "suppress-common-lines",
        "show-c-function",
        "expand-tabs",
        "initial-tab",
        "suppress-blank-empty",
        "recursive",
        "no-dereference",
        "new-file",
        "unidirectional-new-file",
        "ignore-file-name-case",
        "no-ignore-file-name-case",
        "ignore-case",
        "ignore-tab-expansion",
        "ignore-trailing-space",
        "ignore-space-change",
        "ignore-all-space",
        "ignore-blank-lines",
        "text",
        "strip-trailing-cr",
        "minimal",
        "speed-large-files",
        "help",
        "version",
    ],
    values: &[
        takes('C', "", Number),
        takes('U', "", Number),
        takes('W', "width", Number),
        takes('F', "show-function-line", Text),
        takes('\0', "label", Text),
        takes('\0', "tabsize", Number),
        takes('x', "exclude", Text),
        takes('X', "exclude-from", Path),
        takes('S', "starting-file", Path),
        takes('I', "ignore-matching-lines", Text),
        takes('\0', "from-file", Path),
        takes('\0', "to-file", Path),
        takes('\0', "horizon-lines", Number),
    ],
    optional: &[
        ("context", Number),
        ("unified", Number),
        ("color", Word(&["never", "always", "auto"])),
    ],
    refused: &[("-l", EXECUTES), ("--paginate", EXECUTES)],
    ..Grammar::EMPTY
};
