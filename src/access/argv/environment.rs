//! What an observer may put into the environment of a program: how it speaks, never what it does.
//!
//! `LD_PRELOAD` and `PATH` execute, `RIPGREP_CONFIG_PATH` and `GREP_OPTIONS` hold options,
//! `POSIXLY_CORRECT` changes what an option is, `TMPDIR` says where `sort` writes. A list of the bad
//! ones would never be complete, so there is a list of the good ones.

use super::refusal::Refusal;

const ALLOWED: [&str; 5] = ["LANG", "LANGUAGE", "TZ", "COLUMNS", "BLOCK_SIZE"];

/// Whether an observer may set this variable to this value.
///
/// # Errors
/// The name or the value, and what is allowed.
pub fn check_variable(name: &str, value: &str) -> Result<(), Refusal> {
    let locale = name
        .strip_prefix("LC_")
        .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_uppercase()));
    if !locale && !ALLOWED.contains(&name) {
        return Err(Refusal::forbidden(
            name,
            "a variable can change what a program does",
            format!("an observer may set LC_* {}", ALLOWED.join(" ")),
        ));
    }
    // A path in `LANG` or `TZ` would name a file to load.
    let zone = |c: char| name == "TZ" && c == '/';
    let plain = |c: char| c.is_ascii_alphanumeric() || "._@+-,:'".contains(c) || zone(c);
    if !value.chars().all(plain)
        || value.starts_with([':', '/'])
        || value.len() > 64
        || value.contains("..")
    {
        return Err(Refusal::forbidden(
            value,
            format!("`{name}` takes a plain value"),
            "such as `C.UTF-8` or `Europe/Berlin`",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_how_a_program_speaks_can_be_set() {
        for (name, value) in [
            ("LC_ALL", "C"),
            ("LANG", "de_DE.UTF-8@euro"),
            ("TZ", "Europe/Berlin"),
            ("TZ", "UTC-2"),
            ("COLUMNS", "200"),
            ("BLOCK_SIZE", "1M"),
        ] {
            assert_eq!(check_variable(name, value), Ok(()), "{name}={value}");
        }
        for (name, value) in [
            ("LD_PRELOAD", "x"),
            ("PATH", "."),
            ("RIPGREP_CONFIG_PATH", "x"),
            ("GREP_OPTIONS", "-r"),
            ("TMPDIR", "x"),
            ("POSIXLY_CORRECT", "1"),
            ("_POSIX2_VERSION", "199209"),
            ("TREE_COLORS", "x"),
            ("MAGIC", "x"),
            ("LC_", "x"),
            ("LC_x", "x"),
            ("", "x"),
            ("lang", "C"),
            ("LOCPATH", "x"),
            ("LANG", "/tmp/x"),
            ("LANG", "a/b"),
            ("TZ", ":/etc/passwd"),
            ("TZ", "/etc/passwd"),
            ("TZ", "a/../../etc/passwd"),
            ("LANG", "a\nb"),
            ("LC_ALL", "$(id)"),
        ] {
            assert!(check_variable(name, value).is_err(), "{name}={value}");
        }
    }
}
