//! `du` and `df`.
//!
//! Option tables after the `--help` of GNU coreutils 9.1. The `--output` of `df` names columns.

use super::grammar::{Grammar, NAMES_FROM_FILE, takes};
use super::holds::Holds::{Number, Path, Text};

pub(super) const GRAMMARS: &[Grammar] = &[DU, DF];

const DU: Grammar = Grammar {
    program: "du",
    flags: "0abcDHhkLlmPSsx",
    words: &[
        "null",
        "all",
        "apparent-size",
        "bytes",
        "total",
        "dereference-args",
        "human-readable",
        "inodes",
        "dereference",
        "count-links",
        "no-dereference",
        "separate-dirs",
        "si",
        "summarize",
        "one-file-system",
        "help",
        "version",
    ],
    values: &[
        takes('B', "block-size", Text),
        takes('d', "max-depth", Number),
        takes('t', "threshold", Number),
        takes('\0', "time-style", Text),
        takes('X', "exclude-from", Path),
        takes('\0', "exclude", Text),
    ],
    optional: &[("time", Text)],
    refused: &[("--files0-from", NAMES_FROM_FILE)],
    ..Grammar::EMPTY
};

const DF: Grammar = Grammar {
    program: "df",
    flags: "ahHiklPTv",
    words: &[
        "all",
        "human-readable",
        "si",
        "inodes",
        "local",
        "no-sync",
        "portability",
        "total",
        "print-type",
        "help",
        "version",
    ],
    values: &[
        takes('B', "block-size", Text),
        takes('t', "type", Text),
        takes('x', "exclude-type", Text),
    ],
    optional: &[("output", Text)],
    refused: &[("--sync", "flushes every file system of the host")],
    ..Grammar::EMPTY
};
