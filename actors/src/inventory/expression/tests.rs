//! What expressions select, what they refuse, and that folding is the way back.

use super::*;
use proptest::prelude::*;

fn host(name: &str) -> HostName {
    HostName::parse(name).unwrap()
}

fn fleet() -> Vec<(HostName, Vec<String>)> {
    let tagged = |name: &str, tags: &[&str]| {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        (host(name), tags)
    };
    vec![
        tagged("db1", &["db", "prod"]),
        tagged("db2", &["db"]),
        tagged("::1", &[]),
        tagged("web-01", &["prod"]),
        tagged("web-02", &[]),
        tagged("web-03", &["rack1"]),
        tagged("web-10", &["rack2"]),
        tagged("web-1", &[]),
        tagged("r1-n1", &[]),
        tagged("r1-n2", &[]),
        tagged("r2-n1", &[]),
        tagged("r2-n2", &[]),
    ]
}

fn select(text: &str) -> Result<String, ExpressionError> {
    let fleet = fleet();
    let hosts = fleet.iter().map(|(name, tags)| (name, tags.as_slice()));
    let found = Expression::parse(text)?.select(hosts)?;
    Ok(found
        .iter()
        .map(HostName::as_str)
        .collect::<Vec<_>>()
        .join(" "))
}

#[test]
fn what_is_not_there_can_be_passed_over() {
    let fleet = fleet();
    let hosts = fleet.iter().map(|(name, tags)| (name, tags.as_slice()));
    let text = "web-[01-04],@none,ghost,@rack*,!web-03,!gone";
    let (found, strangers) = Expression::parse(text).unwrap().select_those_there(hosts);
    let found: Vec<_> = found.iter().map(HostName::as_str).collect();
    assert_eq!(found, ["web-01", "web-02", "web-10"]);
    let strangers: Vec<_> = strangers.iter().map(|e| e.problem().to_string()).collect();
    let expected = [
        "unknown host `web-04`",
        "unknown tag `none`",
        "unknown host `ghost`",
        "unknown host `gone`",
    ];
    assert_eq!(strangers.len(), 4);
    for (is, expected) in strangers.iter().zip(expected) {
        assert_eq!(is, expected);
    }
}

#[test]
fn it_selects_what_it_says() {
    for (text, expected) in [
        ("db1", "db1"),
        ("db?", "db1 db2"),
        ("web-*,!web-0?", "web-1 web-10"),
        ("web-[01-03]", "web-01 web-02 web-03"),
        ("web-[1]", "web-1"),
        ("web-[01,03,10]", "web-01 web-03 web-10"),
        ("web-[ 01 , 03 ]", "web-01 web-03"),
        ("r[1-2]-n[1-2],!r2-n2", "r1-n1 r1-n2 r2-n1"),
        ("[1-2]*,db1", "db1"),
        ("web-[0-9]*", "web-01 web-02 web-03 web-1 web-10"),
        ("*[10-12]", "web-10"),
        ("@db", "db1 db2"),
        ("@rack[1-2]", "web-03 web-10"),
        ("@rack*,db2", "db2 web-03 web-10"),
        ("@prod,@db,!db1", "db2 web-01"),
        ("!r*,!web-*", "::1 db1 db2"),
        ("!web-01,web-01,db1", "db1"),
        ("all,!@prod,!web-*,!r*", "::1 db2"),
        (" db1 , db2 ", "db1 db2"),
        ("db1,db1,db*", "db1 db2"),
        ("::1,[::1]", "::1"),
        (
            "*",
            "::1 db1 db2 r1-n1 r1-n2 r2-n1 r2-n2 web-01 web-02 web-03 web-1 web-10",
        ),
    ] {
        assert_eq!(select(text).as_deref(), Ok(expected), "{text}");
    }
    assert_eq!(select("all"), select("*"));
}

#[test]
fn what_is_spelled_out_must_exist() {
    for (text, at, code, said) in [
        ("db3", 0, "unknown_host", "unknown host `db3`"),
        (
            "db1, web-[01-05]",
            5,
            "unknown_host",
            "2 unknown hosts: web-[04-05]",
        ),
        ("web-[1-3]", 0, "unknown_host", "2 unknown hosts: web-[2-3]"),
        ("all,!web-99", 4, "unknown_host", "unknown host `web-99`"),
        ("db1,@dbs", 4, "unknown_tag", "unknown tag `dbs`"),
        ("@rack[1-3]", 0, "unknown_tag", "unknown tag `rack3`"),
        ("DB1", 0, "unknown_host", "unknown host `DB1`"),
        ("zz*", 0, "no_host_selected", "selects no host"),
        ("@zz*", 0, "no_host_selected", "selects no host"),
        ("db*,!@db", 0, "no_host_selected", "selects no host"),
        ("!all", 0, "no_host_selected", "selects no host"),
    ] {
        let error = select(text).unwrap_err();
        assert_eq!((error.position(), error.code()), (at, code), "{text}");
        assert!(error.to_string().contains(said), "{text}: {error}");
    }
}

#[test]
fn what_cannot_be_understood_is_shown_where_it_stands() {
    use ExpressionProblem as P;
    let long = "a".repeat(254);
    let zeros = format!("web-[{}]", "0".repeat(19));
    for (text, at, problem) in [
        ("", 0, P::Empty),
        (" \t", 0, P::Empty),
        ("db1,,db2", 4, P::EmptyTerm),
        ("db1,", 4, P::EmptyTerm),
        (",db1", 0, P::EmptyTerm),
        ("!", 1, P::EmptyTerm),
        ("! db1", 1, P::EmptyTerm),
        ("@", 1, P::EmptyTerm),
        ("!!db1", 1, P::Character('!')),
        ("@@db", 1, P::Character('@')),
        ("db1 db2", 4, P::NoComma),
        ("{a,b}", 0, P::Character('{')),
        ("db1;id", 3, P::Character(';')),
        ("db1,-oX", 4, P::Character('-')),
        (".x", 0, P::Character('.')),
        ("wеb1", 1, P::Character('е')),
        ("web-*:/etc", 5, P::Colon),
        ("web-[01-18", 4, P::OpenBracket),
        ("web-[", 4, P::OpenBracket),
        ("web-01]", 6, P::Character(']')),
        ("web-[]", 5, P::Number),
        ("web-[a-c]", 5, P::Number),
        ("web-[1-]", 7, P::Number),
        ("web-[1-2-3]", 8, P::Number),
        ("web-[1,,2]", 7, P::Number),
        ("web-[1-09]", 5, P::Width),
        ("web-[001-18]", 5, P::Width),
        ("web-[18-01]", 5, P::Width),
        ("web-[18-10]", 5, P::Backwards),
        (&zeros, 5, P::LongNumber),
        (&long, 0, P::LongName),
    ] {
        let error = Expression::parse(text).unwrap_err();
        assert_eq!(
            (error.position(), error.problem()),
            (at, &problem),
            "{text}"
        );
        assert_eq!(error.code(), "bad_expression");
        assert!(!error.hint().is_empty());
    }
}

#[test]
fn nothing_costs_more_than_its_limit() {
    use ExpressionProblem as P;
    for (text, problem) in [
        ("[0-999999999999999999]".to_owned(), P::Names),
        ("a[0-99][0-99],b[1]".to_owned(), P::Names),
        ("a".repeat(4097), P::Long { bytes: 4097 }),
        ("*a".repeat(254), P::LongName),
        ("*".repeat(257), P::Wildcards),
        ("[1]".repeat(254), P::LongName),
    ] {
        let error = Expression::parse(&text).unwrap_err();
        assert_eq!(error.problem(), &problem, "{:.20}", text);
    }
    let begin = std::time::Instant::now();
    assert!(select("a[0-99][0-99]").is_err());
    assert!(select("[0-999999999999999999]*,*[0-999999999999999999]").is_ok());
    assert!(begin.elapsed().as_secs() < 5);
}

#[test]
fn a_caret_stands_below_the_place_whatever_stands_before_it() {
    let shown = |text: &str| Expression::parse(text).unwrap_err().pointed();
    assert_eq!(shown("db1,web-[18-01]"), "db1,web-[18-01]\n         ^");
    assert_eq!(shown("db1\u{1b}[2J"), "db1\\u{1b}[2J\n   ^");
    assert_eq!(shown("é\n'\""), "\\u{e9}\\n'\"\n^");
    assert_eq!(shown(""), "\n^");
    let long = format!("{}{{{}", "web-01,".repeat(20), ",web-02".repeat(20));
    let shown = shown(&long);
    let (text, caret) = shown.split_once('\n').unwrap();
    assert!(text.len() < 80 && text.starts_with("...") && text.ends_with("..."));
    assert_eq!(text.as_bytes()[caret.len() - 1], b'{');
}

#[test]
fn only_a_plain_name_is_one_host() {
    let single = |text: &str| Expression::parse(text).unwrap().as_single();
    assert_eq!(single("web-01"), Some(host("web-01")));
    assert_eq!(single(" [::1] "), Some(host("::1")));
    for many in ["all", "!web-01", "@web", "web-*", "web-[1]", "a,a"] {
        assert_eq!(single(many), None, "{many}");
    }
}

#[test]
fn names_fold_along_their_numbers() {
    for (names, expected) in [
        ("", ""),
        ("db1", "db1"),
        ("web-03 web-01 web-02 db1", "db1,web-[01-03]"),
        ("web-1 web-2 web-01", "web-[01,1-2]"),
        ("web-08 web-09 web-10 web-12", "web-[08-10,12]"),
        ("web-8 web-9 web-10", "web-[8-10]"),
        ("n98 n99 n100", "n[98-100]"),
        ("r1-n1 r1-n2 r2-n1 r2-n2", "r[1-2]-n[1-2]"),
        ("r1-n1 r1-n2 r2-n1", "r1-n[1-2],r2-n1"),
        ("a.x b.x", "a.x,b.x"),
        ("10.0.0.1 10.0.0.2", "10.0.0.[1-2]"),
        ("::1 ::2", "[::1],[::2]"),
        (
            "n9999999999999999991 n9999999999999999992",
            "n9999999999999999991,n9999999999999999992",
        ),
    ] {
        let names: Vec<_> = names.split_whitespace().map(host).collect();
        assert_eq!(fold(&names), expected);
    }
}

proptest! {
    #[test]
    fn folding_is_the_way_back(
        names in prop::collection::btree_set("[ab1]([ab0-3.-]|0[0-9]|9|::){0,5}|::[1-3]", 1..40),
        picks in prop::collection::vec(any::<bool>(), 40),
    ) {
        let fleet: Vec<HostName> =
            names.iter().filter_map(|name| HostName::parse(name).ok()).collect();
        let mut picks = picks.into_iter().cycle();
        let mut chosen: Vec<HostName> =
            fleet.iter().filter(|_| picks.next().unwrap()).cloned().collect();
        chosen.sort();
        let text = fold(&chosen);
        let none: &[String] = &[];
        if !chosen.is_empty() {
            let found = Expression::parse(&text).unwrap();
            let found = found.select(fleet.iter().map(|name| (name, none)));
            prop_assert_eq!(found, Ok(chosen), "{}", text);
        }
    }

    #[test]
    fn a_text_never_does_harm(text in "([a-z0-9*?,!@:. é\\[\\]-]|all|\\[0){0,40}") {
        if let Err(error) = select(&text) {
            prop_assert!(error.position() <= text.len());
            prop_assert!(error.pointed().is_ascii());
            prop_assert_eq!(error.pointed().lines().count(), 2, "{:?}", error.pointed());
        }
    }

    #[test]
    fn what_fits_is_what_is_spelled_out(text in "(a|[0-2]|\\[(0|1|01|1-3|01-02|9-11)\\]){1,4}") {
        let terms = parse::terms(&text).unwrap();
        let What::Names(pattern) = &terms[0].what else { return Ok(()) };
        let mut spelled = BTreeSet::new();
        pattern.spell_out(&mut |name| { spelled.insert(name.to_owned()); });
        for name in &spelled {
            prop_assert!(pattern.fits(name), "{} {}", text, name);
            let other = format!("{name}0");
            prop_assert_eq!(pattern.fits(&other), spelled.contains(&other), "{} {}", text, other);
        }
    }
}
