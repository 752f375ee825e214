//! Reads what `/metrics` shows: the text exposition format of Prometheus, as far as tests look at it
//! (names, labels, values). Comments and time stamps are skipped.

use std::collections::BTreeMap;

/// The samples of one scrape.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Samples(Vec<Sample>);

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Samples {
    /// Reads a whole page; panics on a line that is none, because such a page is a defect.
    pub(crate) fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(
            lines
                .map(|line| parse_line(line).unwrap_or_else(|| panic!("no sample: {line}")))
                .collect(),
        )
    }

    /// The sum of the samples of this name that carry all these labels (and maybe others). `None` when
    /// there is no such sample: absent is not zero.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut found = self.matching(name, labels).peekable();
        found.peek()?;
        Some(found.map(|sample| sample.value).sum())
    }

    /// Every sample of this name that carries all these labels.
    pub(crate) fn matching<'a>(
        &'a self,
        name: &'a str,
        labels: &'a [(&str, &str)],
    ) -> impl Iterator<Item = &'a Sample> {
        let carries = |sample: &Sample| {
            labels
                .iter()
                .all(|(key, value)| sample.labels.get(*key).is_some_and(|v| v == value))
        };
        self.0
            .iter()
            .filter(move |sample| sample.name == name && carries(sample))
    }

    /// Every sample.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Sample> {
        self.0.iter()
    }
}

fn parse_line(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => parse_labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample {
        name: name.into(),
        labels,
        value,
    })
}

/// From behind `{`: the labels, and what comes behind `}`.
fn parse_labels(mut rest: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (key, tail) = rest.split_once("=\"")?;
        let (value, tail) = parse_quoted(tail)?;
        labels.insert(key.into(), value);
        rest = tail;
    }
}

/// From behind `"`: the value with `\\`, `\"` and `\n` undone, and what comes behind the closing `"`.
fn parse_quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    loop {
        match chars.next()? {
            (at, '"') => return Some((value, &text[at + 1..])),
            (_, '\\') => match chars.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            (_, other) => value.push(other),
        }
    }
}

#[test]
fn samples_add_up_over_the_labels_not_asked_for() {
    let page = Samples::parse(
        "# HELP a_total so many\n# TYPE a_total counter\n\
         a_total{tool=\"run\",outcome=\"ok\"} 3\n\
         a_total{tool=\"run\",outcome=\"x} \\\"y\\\" \\\\n\"} 4 1700000000000\n\
         up 1\nb_bucket{le=\"+Inf\"} 2e3\n",
    );
    assert_eq!(page.value("a_total", &[("tool", "run")]), Some(7.0));
    assert_eq!(
        page.value("a_total", &[("outcome", "x} \"y\" \\n")]),
        Some(4.0)
    );
    assert_eq!(page.value("up", &[]), Some(1.0));
    assert_eq!(page.value("b_bucket", &[("le", "+Inf")]), Some(2000.0));
    assert_eq!(page.value("a_total", &[("tool", "read")]), None);
    assert_eq!(page.iter().count(), 4);
}

#[test]
#[should_panic(expected = "no sample: broken{")]
fn a_broken_line_is_not_skipped() {
    Samples::parse("broken{a=\"b} 1\n");
}
