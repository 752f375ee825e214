//! What is asked: every query of every panel, with Grafana's variables filled in, and of every rule.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::prometheus::Prometheus;
use super::traffic::HAPPENS;

/// What Grafana would put in. Scrapes come each second; a busy machine drops some.
const FILLED: [(&str, &str); 5] = [
    ("$__rate_interval", "30s"),
    ("$__range", "5m"),
    ("$job", ".+"),
    ("$instance", ".+"),
    ("$host", ".+"),
];

/// One query, and what a plausible answer is like.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Question {
    /// Where it stands: dashboard and panel, or rule.
    pub(super) place: String,
    pub(super) query: String,
    /// A share of a whole: from 0 to 1.
    pub(super) share: bool,
    /// What it counts happens in this test: some series is above 0 at some time.
    pub(super) grows: bool,
}

/// Every query of every dashboard.
pub(super) fn of_dashboards() -> Vec<Question> {
    let files = files("grafana/dashboards", ".json");
    assert!(files.len() >= 3, "{files:?}");
    files.iter().flat_map(|file| of_dashboard(file)).collect()
}

fn of_dashboard(file: &Path) -> Vec<Question> {
    let board: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let panels = board["panels"].as_array().expect("panels").iter();
    let mut questions = Vec::new();
    for panel in panels {
        let share = panel["fieldConfig"]["defaults"]["unit"] == "percentunit";
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = filled(target["expr"].as_str().expect("a query"));
            questions.push(Question {
                place: format!(
                    "{} / {} / {}",
                    board["uid"].as_str().unwrap(),
                    panel["title"].as_str().unwrap(),
                    target["refId"].as_str().unwrap()
                ),
                grows: counts(&query),
                share,
                query,
            });
        }
    }
    questions
}

/// That everything the traffic brings about is counted.
pub(super) fn of_traffic() -> Vec<Question> {
    let labels = HAPPENS
        .iter()
        .flat_map(|(name, label, values)| values.iter().map(move |value| (name, label, value)));
    let question = labels.map(|(name, label, value)| Question {
        place: format!("traffic / {value}"),
        query: format!("{name}{{{label}=\"{value}\"}} > 0"),
        share: false,
        grows: true,
    });
    question.collect()
}

/// The files with the rules, where there are any.
pub(super) fn rule_files() -> Vec<PathBuf> {
    let dir = "grafana/prometheus";
    if Path::new(env!("CARGO_MANIFEST_DIR")).join(dir).exists() {
        files(dir, ".rules.yml")
    } else {
        Vec::new()
    }
}

/// What the rules ask: a recording rule its query and what it records; an alert each series it looks
/// at, because its condition is one that a healthy Scout does not meet.
pub(super) async fn of_rules(prometheus: &Prometheus) -> Vec<Question> {
    let rules = prometheus.rules().await.unwrap();
    let mut questions = Vec::new();
    for rule in rules {
        let name = rule["name"].as_str().expect("a name");
        let query = rule["query"].as_str().expect("a query");
        let mut push = |what: &str, query: String, grows| {
            questions.push(Question {
                place: format!("{} {name} / {what}", rule["type"].as_str().unwrap()),
                share: name.contains("ratio") && !what.starts_with("series"),
                grows,
                query,
            });
        };
        if rule["type"] == "recording" {
            push("query", query.into(), counts(query));
            push("record", name.into(), false);
        } else {
            for (number, series) in selectors(query).into_iter().enumerate() {
                push(&format!("series {}", number + 1), series, false);
            }
        }
    }
    questions
}

fn counts(query: &str) -> bool {
    query.contains("rate(") || query.contains("increase(")
}

fn filled(query: &str) -> String {
    FILLED
        .iter()
        .fold(query.to_owned(), |query, (name, value)| {
            query.replace(name, value)
        })
}

/// Every vector selector of the expression, without ranges and offsets: a name with or without
/// matchers that is neither a function nor a word of the language nor a label in a grouping.
pub(super) fn selectors(query: &str) -> Vec<String> {
    const WORDS: [&str; 11] = [
        "and",
        "or",
        "unless",
        "bool",
        "offset",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
    ];
    const AGGREGATES: [&str; 9] = [
        "sum", "min", "max", "avg", "count", "topk", "bottomk", "quantile", "group",
    ];
    let mut found: Vec<String> = Vec::new();
    let mut rest = query;
    let mut grouping = false;
    while let Some(first) = rest.chars().next() {
        if first == '"' || first == '[' {
            let end = if first == '"' { '"' } else { ']' };
            rest = rest[1..].split_once(end).map_or("", |(_, rest)| rest);
        } else if first == ')' && grouping {
            grouping = false;
            rest = &rest[1..];
        } else if first.is_ascii_alphanumeric() || matches!(first, '_' | ':') {
            let in_word = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.'));
            let (word, behind) = rest.split_at(rest.find(in_word).unwrap_or(rest.len()));
            rest = behind.trim_start();
            if WORDS.contains(&word) {
                grouping = rest.starts_with('(');
            } else if !grouping
                && !first.is_ascii_digit()
                && !rest.starts_with('(')
                && !AGGREGATES.contains(&word)
            {
                let (matchers, behind) = braces(rest);
                found.push(format!("{word}{matchers}"));
                rest = behind;
            }
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

/// `{..}` at the beginning, where a `}` in quotes does not end it; and what follows.
fn braces(text: &str) -> (&str, &str) {
    if !text.starts_with('{') {
        return ("", text);
    }
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        quoted ^= c == '"';
        if c == '}' && !quoted {
            return text.split_at(at + 1);
        }
    }
    (text, "")
}

fn files(dir: &str, ending: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let entries = std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(ending));
    files.sort();
    files
}

#[test]
fn selectors_are_found_wherever_they_stand() {
    for (query, expected) in [
        ("up == 0", vec!["up"]),
        (
            "sum by (a, le) (rate(x_total{job=\"s\", b=~\"c|}\"}[5m])) / on (a) group_left () y > 0.5e3",
            vec!["x_total{job=\"s\", b=~\"c|}\"}", "y"],
        ),
        (
            "sum(a:b:rate5m) without (c) unless max_over_time(z[1h:1m] offset 5m) > bool 1",
            vec!["a:b:rate5m", "z"],
        ),
        (
            "time() - process_start_time_seconds{} < 600",
            vec!["process_start_time_seconds{}"],
        ),
        (
            "predict_linear(f[6h], 4 * 3600) < 0 and f > 10",
            vec!["f", "f"],
        ),
    ] {
        assert_eq!(selectors(query), expected, "{query}");
    }
}
