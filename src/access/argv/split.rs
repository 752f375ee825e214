//! A command line taken apart as a POSIX shell would (XCU §2.2), and refused where a shell would
//! do more than take apart.
//!
//! There is no shell behind it, so an operator that were passed on would become a literal and the
//! command would mean something else than it says. Quoted, every character is itself.

use super::refusal::Refusal;
use super::{MAX_BYTES, MAX_WORDS};

/// The words of `command`.
///
/// # Errors
/// The first character that a shell would act on, or a quote that does not end. The words are not
/// checked beyond that: [`check`](super::check) does.
pub fn split(command: &str) -> Result<Vec<String>, Refusal> {
    if command.len() > MAX_BYTES {
        let hint = "at most 65536 bytes; send data on stdin";
        return Err(Refusal::malformed(command, "the command is too long", hint));
    }
    if command.contains('\0') {
        return Err(Refusal::malformed(
            command,
            "it has a NUL in it",
            "no program can be given one",
        ));
    }
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = command.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' => words.extend(word.take()),
            '\'' => quoted(&mut rest, word.get_or_insert_default())?,
            '"' => double_quoted(&mut rest, word.get_or_insert_default())?,
            '\\' => match rest.next() {
                Some('\n') | None => {
                    return Err(unfinished("\\", "a backslash has nothing to quote"));
                }
                Some(quoted) => word.get_or_insert_default().push(quoted),
            },
            '~' if word.is_none() => return Err(acted_on(c, "stands for a home directory")),
            _ => match meaning(c) {
                Some(meaning) => return Err(acted_on(c, meaning)),
                None => word.get_or_insert_default().push(c),
            },
        }
        if words.len() > MAX_WORDS {
            return Err(Refusal::malformed(
                command,
                "the command is too long",
                "at most 1024 words",
            ));
        }
    }
    words.extend(word);
    if words.is_empty() {
        return Err(Refusal::malformed(
            "",
            "there is no command",
            "give a program and its words",
        ));
    }
    Ok(words)
}

/// What a shell does with an unquoted character, if it does anything.
fn meaning(c: char) -> Option<&'static str> {
    Some(match c {
        '|' => "joins commands",
        '&' | ';' | '\n' | '\r' => "separates commands",
        '<' | '>' => "redirects",
        '(' | ')' => "groups commands",
        '$' => "is replaced by a value",
        '`' => "is replaced by the output of a command",
        '*' | '?' | '[' | ']' => "is replaced by file names",
        '{' | '}' => "is expanded",
        '#' => "begins a comment",
        '!' => "negates or repeats a command",
        _ => return None,
    })
}

fn quoted(rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), Refusal> {
    let Some((inside, after)) = rest.as_str().split_once('\'') else {
        return Err(unfinished("'", "a quote does not end"));
    };
    word.push_str(inside);
    *rest = after.chars();
    Ok(())
}

/// Inside double quotes `$` and `` ` `` keep their meaning and a backslash quotes `$`, `` ` ``,
/// `"` and itself only (XCU §2.2.3).
fn double_quoted(rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), Refusal> {
    while let Some(c) = rest.next() {
        match c {
            '"' => return Ok(()),
            '$' | '`' => return Err(acted_on(c, "has its meaning in double quotes too")),
            '\\' => match rest.next() {
                Some(c @ ('$' | '`' | '"' | '\\')) => word.push(c),
                Some('\n') | None => break,
                Some(c) => word.extend(['\\', c]),
            },
            _ => word.push(c),
        }
    }
    Err(unfinished("\"", "a quote does not end"))
}

fn acted_on(c: char, meaning: &str) -> Refusal {
    let hint = match c {
        '~' => "write the whole path, or set `cwd`; a shell needs the operator role".to_owned(),
        _ => {
            "quote it with '' to mean the character itself; a shell needs the operator role".into()
        }
    };
    Refusal::forbidden(
        &c.to_string(),
        format!("in a shell it {meaning}, and there is no shell"),
        hint,
    )
}

fn unfinished(word: &str, why: &str) -> Refusal {
    Refusal::malformed(word, why, "quote as in a POSIX shell")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Fault;
    use super::*;

    #[test]
    fn quotes_are_taken_off_as_a_shell_takes_them_off() {
        for (line, words) in [
            ("ls  -la\t/etc ", &["ls", "-la", "/etc"][..]),
            ("grep 'a|b $x' f", &["grep", "a|b $x", "f"]),
            (
                r#"grep "a;b" "c\"d" "e\f" "\$x""#,
                &["grep", "a;b", "c\"d", "e\\f", "$x"],
            ),
            (r"grep a\ b \* \~", &["grep", "a b", "*", "~"]),
            ("grep '' \"\"", &["grep", "", ""]),
            ("a'b'\"c\"d", &["abcd"]),
            ("cat file~ a~b x=~", &["cat", "file~", "a~b", "x=~"]),
            (
                "find . -name '*.conf' '!' -path x",
                &["find", ".", "-name", "*.conf", "!", "-path", "x"],
            ),
            ("printf 'a\nb'", &["printf", "a\nb"]),
            ("echo ünï –x", &["echo", "ünï", "–x"]),
        ] {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
    }

    #[test]
    fn a_character_a_shell_would_act_on_is_refused_by_name() {
        for c in "|&;<>()$`*?[]{}#!\n\r".chars() {
            for line in [format!("ls a{c}b"), format!("ls {c}"), format!("{c}ls")] {
                let refusal = split(&line).unwrap_err();
                assert_eq!(refusal.fault, Fault::Forbidden, "{line:?}");
                assert_eq!(refusal.word, c.escape_default().to_string(), "{line:?}");
                assert!(refusal.allowed.contains("operator"), "{refusal}");
            }
            assert_eq!(
                split(&format!("ls 'a{c}b'")).unwrap(),
                ["ls".to_owned(), format!("a{c}b")]
            );
        }
        for line in [
            "ls ~",
            "ls ~/x",
            "ls ~root",
            "~/bin/ls",
            "ls \"$HOME\"",
            "ls \"`id`\"",
        ] {
            assert_eq!(split(line).unwrap_err().fault, Fault::Forbidden, "{line}");
        }
    }

    #[test]
    fn what_is_no_command_line_is_refused_as_malformed() {
        let long = "x".repeat(MAX_BYTES + 1);
        let many = "a ".repeat(MAX_WORDS + 2);
        for line in [
            "",
            "  \t",
            "ls 'a",
            "ls \"a",
            "ls a\\",
            "ls \"a\\",
            "ls a\\\nb",
            "a\0b",
            &long,
            &many,
        ] {
            assert_eq!(
                split(line).unwrap_err().fault,
                Fault::Malformed,
                "{line:.20}"
            );
        }
    }

    proptest! {
        /// An independent implementation agrees about every line that is accepted.
        #[test]
        fn an_accepted_line_has_the_words_shlex_finds(line in r#"[ -~\t]{0,24}"#) {
            if let Ok(words) = split(&line) {
                prop_assert_eq!(Some(words), shlex::split(&line));
            }
        }

        /// Quoting any words and splitting them gives them back.
        #[test]
        fn what_was_quoted_comes_back(words in prop::collection::vec("[^\0]{0,8}", 1..6)) {
            let line = words.iter().map(|w| format!("'{}'", w.replace('\'', r"'\''"))).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(split(&line).unwrap(), words);
        }
    }
}
