//! What every page ends with: exit codes, variables, files, other pages.

use crate::config::Key;
use clap_mangen::roff::{Roff, bold, italic, roman};

const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "It was done."),
    (
        "1",
        "The operation failed, on one host of many at least; of scout diff: there are differences.",
    ),
    (
        "2",
        "Wrong usage; of scout diff: something could not be compared.",
    ),
    ("64", "The configuration is refused."),
    ("70", "A defect of the program."),
    ("130", "It was interrupted."),
    (
        "255",
        "Of scout run: Scout itself failed. Else it ends with the exit code of the command on one host, with 0 or 1 on many.",
    ),
];

const FILES: &[(&str, &str)] = &[
    (
        "~/.config/scout/scout.toml",
        "The configuration, unless --config names another. scout check explains what is in effect.",
    ),
    ("~/.ssh/config", "The hosts, as ssh reads it."),
    ("~/.ssh/known_hosts", "The keys of the hosts."),
];

/// These sections, as roff.
pub(super) fn common() -> Vec<u8> {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in EXIT_STATUS {
        roff.control("TP", []);
        roff.text([bold(*code)]);
        roff.text([roman(*meaning)]);
    }
    roff.control("SH", ["ENVIRONMENT"]);
    for key in Key::all().filter(|key| !key.variable.is_empty()) {
        roff.control("TP", []);
        roff.text([bold(key.variable)]);
        roff.text([roman(key.about.replace('`', ""))]);
    }
    roff.control("TP", []);
    roff.text([bold("NO_COLOR")]);
    roff.text([roman("No colours on a terminal, if it is set to anything.")]);
    roff.control("SH", ["FILES"]);
    for (path, meaning) in FILES {
        roff.control("TP", []);
        roff.text([italic(*path)]);
        roff.text([roman(*meaning)]);
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([
        bold("ssh"),
        roman("(1), "),
        bold("ssh_config"),
        roman("(5), "),
        bold("sshd"),
        roman("(8)"),
    ]);
    roff.to_roff().into_bytes()
}
