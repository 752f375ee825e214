//! The grammar against lines that must pass, lines that must not, and the real programs.

mod agree;
mod allowed;
mod refused;

use super::{Fault, PROGRAMS, check, options_of, split};

fn words(line: &str) -> Vec<String> {
    split(line).unwrap_or_else(|refusal| panic!("{line}: {refusal}"))
}

#[test]
fn every_program_has_a_grammar() {
    for program in PROGRAMS {
        assert!(options_of(program).unwrap().contains(program));
        assert_eq!(check(&[program]), Ok(()));
    }
    assert_eq!(options_of("id"), None);
}

#[test]
fn a_refusal_names_the_word_the_reason_and_what_is_allowed() {
    let refusal = check(&["sort", "-rno", "/etc/cron.d/x"]).unwrap_err();
    assert_eq!(
        (refusal.fault, refusal.word.as_str()),
        (Fault::Forbidden, "-rno")
    );
    assert_eq!(refusal.why, "`-o` writes a file");
    assert!(refusal.allowed.starts_with("`sort` takes -b"), "{refusal}");
    let refusal = check(&["sort", "--out=x"]).unwrap_err();
    assert_eq!(refusal.why, "an option is written in full: --output");
    let refusal = check(&["cat\u{1b}[2J\n"]).unwrap_err();
    assert_eq!(refusal.word, "cat\\u{1b}[2J\\n");
    let refusal = check(&["cat", "--\u{202e}x"]).unwrap_err();
    assert!(refusal.to_string().is_ascii(), "{refusal}");
}

#[test]
fn what_is_no_command_is_malformed_and_not_merely_forbidden() {
    let long = "x".repeat(70_000);
    for argv in [
        &[][..],
        &[""],
        &["uptime\0"],
        &["cat", "a\0b"],
        &["grep", &long],
        &["ls"; 1025],
    ] {
        assert_eq!(check(argv).unwrap_err().fault, Fault::Malformed);
    }
}
