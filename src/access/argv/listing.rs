//! `ls`, `tree`, `stat` and `file`.
//!
//! Option tables after the `--help` of GNU coreutils 9.1, tree 2.1 and file 5.44.

use super::grammar::{EXECUTES, Grammar, NAMES_FROM_FILE, WRITES, takes};
use super::holds::Holds::{Number, Text, Word};

pub(super) const GRAMMARS: &[Grammar] = &[LS, TREE, STAT, FILE];

const WHEN: &[&str] = &["never", "always", "auto"];

const LS: Grammar = Grammar {
    program: "ls",
    flags: "aAbBcCdfFgGhHiklLmnNopqQrRsStuUvxXZ1",
    words: &[
        "all",
        "almost-all",
        "author",
        "escape",
        "ignore-backups",
        "directory",
        "file-type",
        "full-time",
        "group-directories-first",
        "no-group",
        "human-readable",
        "si",
        "dereference-command-line",
        "dereference-command-line-symlink-to-dir",
        "inode",
        "kibibytes",
        "dereference",
        "numeric-uid-gid",
        "literal",
        "hide-control-chars",
        "show-control-chars",
        "quote-name",
        "reverse",
        "recursive",
        "size",
        "context",
        "zero",
        "help",
        "version",
    ],
    values: &[
        takes('I', "ignore", Text),
        takes('\0', "hide", Text),
        takes('T', "tabsize", Number),
        takes('w', "width", Number),
        takes('\0', "block-size", Text),
        takes('\0', "format", Text),
        takes('\0', "indicator-style", Text),
        takes('\0', "quoting-style", Text),
        takes('\0', "sort", Text),
        takes('\0', "time", Text),
        takes('\0', "time-style", Text),
    ],
    optional: &[
        ("color", Word(WHEN)),
        ("classify", Word(WHEN)),
        ("hyperlink", Word(WHEN)),
    ],
    ..Grammar::EMPTY
};

/// `tree` reads its own options: the rest of a cluster is always options, so `-Po` is `-P` and
/// `-o`, not the pattern `o` (`tree -Po x out` writes `out`). Hence no attached values.
const TREE: Grammar = Grammar {
    program: "tree",
    flags: "adlfxqNQpugshDFvtcUrinACJSX",
    words: &[
        "gitignore",
        "ignore-case",
        "matchdirs",
        "metafirst",
        "prune",
        "noreport",
        "si",
        "du",
        "inodes",
        "device",
        "dirsfirst",
        "filesfirst",
        "help",
        "version",
    ],
    values: &[
        takes('L', "", Number),
        takes('P', "", Text),
        takes('I', "", Text),
        takes('\0', "charset", Text),
        takes('\0', "filelimit", Number),
        takes('\0', "timefmt", Text),
        takes(
            '\0',
            "sort",
            Word(&["name", "version", "size", "mtime", "ctime"]),
        ),
    ],
    refused: &[
        ("-o", WRITES),
        ("-R", "writes `00Tree.html` into directories"),
        (
            "-H",
            "makes HTML, which other options here read from and write to files",
        ),
        ("--fromfile", NAMES_FROM_FILE),
        ("--fromtabfile", NAMES_FROM_FILE),
    ],
    attached: false,
    ..Grammar::EMPTY
};

const STAT: Grammar = Grammar {
    program: "stat",
    flags: "Lft",
    words: &["dereference", "file-system", "terse", "help", "version"],
    values: &[
        takes('c', "format", Text),
        takes('\0', "printf", Text),
        takes('\0', "cached", Word(&["always", "never", "default"])),
    ],
    ..Grammar::EMPTY
};

const FILE: Grammar = Grammar {
    program: "file",
    flags: "bikLhnN0rv",
    words: &[
        "brief",
        "mime",
        "mime-type",
        "mime-encoding",
        "apple",
        "extension",
        "keep-going",
        "dereference",
        "no-dereference",
        "no-buffer",
        "no-pad",
        "print0",
        "raw",
        "help",
        "version",
    ],
    values: &[
        takes('e', "exclude", Text),
        takes('\0', "exclude-quiet", Text),
        takes('F', "separator", Text),
    ],
    refused: &[
        ("-C", WRITES),
        ("--compile", WRITES),
        ("-m", "loads a file as rules of the program"),
        ("--magic-file", "loads a file as rules of the program"),
        ("-f", NAMES_FROM_FILE),
        ("--files-from", NAMES_FROM_FILE),
        ("-z", EXECUTES),
        ("--uncompress", EXECUTES),
        ("-Z", EXECUTES),
        ("--uncompress-noreport", EXECUTES),
        ("-s", "reads devices"),
        ("--special-files", "reads devices"),
        ("-S", "turns the sandbox of the program off"),
        ("--no-sandbox", "turns the sandbox of the program off"),
        ("-p", "sets the access time of files"),
        ("--preserve-date", "sets the access time of files"),
        ("-P", "changes the limits of the program"),
        ("--parameter", "changes the limits of the program"),
    ],
    ..Grammar::EMPTY
};
