//! Login shells, and words that shells like to change.

/// Where a login shell is, and the account that has it.
pub(crate) const SHELLS: [(&str, &str); 8] = [
    ("/bin/sh", "scout-t1"),
    ("/bin/bash", "scout-tbash"),
    ("/bin/zsh", "scout-tzsh"),
    ("/usr/bin/fish", "scout-tfish"),
    ("/bin/tcsh", "scout-ttcsh"),
    ("/bin/mksh", "scout-tmksh"),
    ("/bin/ksh", "scout-tksh"),
    (BUSYBOX_ASH, "scout-tash"),
];

/// A login shell is started without arguments, and busybox is the shell its name says; `tests/run` makes
/// this link.
const BUSYBOX_ASH: &str = "/usr/local/bin/ash";

/// Pieces that mean something to some shell, or to `printf`, or that are awkward.
const PIECES: [&str; 40] = [
    "'",
    "\"",
    "`",
    "$",
    "$(id)",
    "${HOME}",
    "\\",
    "\\\\",
    "\n",
    "\r\n",
    "\t",
    " ",
    "  ",
    "*",
    "?",
    "[a-z]",
    "~",
    "~root",
    "!",
    "!!",
    "#",
    "&",
    "&&",
    "|",
    ";",
    "<",
    ">",
    "(",
    ")",
    "{a,b}",
    "=",
    "%s",
    "%n",
    "-n",
    "--",
    "é",
    "漢字",
    "\u{1f600}",
    "\u{1b}[31m",
    "\u{7f}",
];

/// So many words, put together at random of pieces, letters and any characters but NUL; some are empty.
pub(super) fn words(count: usize) -> Vec<String> {
    let mut random = vec![0; count * 16];
    getrandom::fill(&mut random).unwrap();
    random.chunks(16).map(word).collect()
}

fn word(random: &[u8]) -> String {
    let length = usize::from(random[0] % 8);
    let piece = |bytes: &[u8]| -> String {
        let any = u32::from(u16::from_be_bytes([bytes[0], bytes[1]]));
        match bytes[0] % 3 {
            0 => PIECES[usize::from(bytes[1]) % PIECES.len()].to_owned(),
            1 => char::from(b'a' + bytes[1] % 26).to_string(),
            _ => char::from_u32(any)
                .filter(|c| *c != '\0')
                .unwrap_or('x')
                .to_string(),
        }
    };
    random[2..].chunks(2).take(length).map(piece).collect()
}
