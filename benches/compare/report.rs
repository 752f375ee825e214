//! What came of the rounds: ratios first, then what they are made of.

use std::io::Result;
use std::path::Path;

use serde::Serialize;

use super::cell::Outcome;
use super::peer::SCOUT;
use crate::kit::stats::{median, number, paired_ratio, percentile, table, time};

/// One peer, one piece of work, one round.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry {
    round: usize,
    work: String,
    peer: &'static str,
    calls: usize,
    errors: usize,
    rate: f64,
    median: f64,
    p99: f64,
}

impl Entry {
    pub(crate) fn new(round: usize, work: &str, peer: &'static str, outcome: &Outcome) -> Self {
        Self {
            round,
            work: work.to_owned(),
            peer,
            calls: outcome.times.len(),
            errors: outcome.errors,
            rate: outcome.rate(),
            median: median(&outcome.times),
            p99: percentile(&outcome.times, 0.99),
        }
    }
}

/// Prints the tables.
pub(crate) fn print(entries: &[Entry]) {
    let peers = distinct(entries.iter().map(|entry| entry.peer));
    let works = distinct(entries.iter().map(|entry| entry.work.as_str()));
    let others: Vec<_> = peers
        .iter()
        .copied()
        .filter(|peer| *peer != SCOUT)
        .collect();
    println!("How many times as many calls Scout answers (median of the ratios of the rounds):\n");
    print_table("work", &others, &works, |work, peer| {
        ratio(entries, work, peer)
    });
    println!("\nMedian time of a call, calls per second (medians of the rounds):\n");
    print_table("work", &peers, &works, |work, peer| {
        figures(entries, work, peer)
    });
}

/// Writes them as JSON.
pub(crate) fn save(entries: &[Entry], file: &Path) -> Result<()> {
    std::fs::write(file, serde_json::to_vec_pretty(entries)?)
}

fn print_table(first: &str, peers: &[&str], works: &[&str], cell: impl Fn(&str, &str) -> String) {
    let head: Vec<_> = std::iter::once(first)
        .chain(peers.iter().copied())
        .collect();
    let rows = works.iter().map(|work| {
        let cells = peers.iter().map(|peer| cell(work, peer));
        std::iter::once((*work).to_owned()).chain(cells).collect()
    });
    print!("{}", table(&head, &rows.collect::<Vec<_>>()));
}

fn ratio(entries: &[Entry], work: &str, peer: &str) -> String {
    let rates = |name: &str| -> Vec<_> { of(entries, work, name).map(|e| e.rate).collect() };
    let (scout, other) = (rates(SCOUT), rates(peer));
    match (failed(entries, work, peer), other.is_empty()) {
        (_, true) => "–".to_owned(),
        (0, _) => format!("{} x", number(paired_ratio(&scout, &other))),
        // Whoever answers with errors is not slower or faster.
        (_, _) => "fails".to_owned(),
    }
}

fn figures(entries: &[Entry], work: &str, peer: &str) -> String {
    let found: Vec<_> = of(entries, work, peer).collect();
    let middle = |of: fn(&Entry) -> f64| median(&found.iter().map(|e| of(e)).collect::<Vec<_>>());
    let calls: usize = found.iter().map(|entry| entry.calls + entry.errors).sum();
    match (failed(entries, work, peer), found.is_empty()) {
        (_, true) => "–".to_owned(),
        (0, _) => format!(
            "{}, {}/s",
            time(middle(|e| e.median)),
            number(middle(|e| e.rate))
        ),
        (errors, _) => format!("{errors} of {calls} fail"),
    }
}

fn failed(entries: &[Entry], work: &str, peer: &str) -> usize {
    of(entries, work, peer).map(|entry| entry.errors).sum()
}

fn of<'a>(entries: &'a [Entry], work: &'a str, peer: &'a str) -> impl Iterator<Item = &'a Entry> {
    entries
        .iter()
        .filter(move |entry| entry.work == work && entry.peer == peer)
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}
