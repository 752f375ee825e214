//! What came of the rounds: ratios first, then what they are made of.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::cell::Outcome;
use super::peer::SCOUT;
use crate::kit::stats::{median, number, paired_ratio, percentile, table, time};
use crate::kit::usage::Usage;

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

/// A server at the end of a round.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Server {
    peer: &'static str,
    start: f64,
    rss_mib: f64,
    descriptors: usize,
}

impl Server {
    pub(crate) fn new(peer: &'static str, start: Duration, usage: Usage) -> Self {
        Self {
            peer,
            start: start.as_secs_f64(),
            rss_mib: usage.rss_mib,
            descriptors: usage.descriptors,
        }
    }
}

/// All that was measured.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Figures {
    pub(crate) entries: Vec<Entry>,
    pub(crate) servers: Vec<Server>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = &self.entries;
        let peers = distinct(entries.iter().map(|entry| entry.peer));
        let works = distinct(entries.iter().map(|entry| entry.work.as_str()));
        let others: Vec<_> = peers
            .iter()
            .copied()
            .filter(|peer| *peer != SCOUT)
            .collect();
        let ratios = grid(&others, &works, |work, peer| ratio(entries, work, peer));
        let times = grid(&peers, &works, |work, peer| figures(entries, work, peer));
        writeln!(
            f,
            "How many times as many calls Scout answers (median of the ratios of the rounds):\n\n{ratios}"
        )?;
        writeln!(
            f,
            "Median time of a call, calls per second (medians of the rounds):\n\n{times}"
        )?;
        writeln!(
            f,
            "The servers at the end of a round:\n\n{}",
            self.servers()
        )
    }
}

impl Figures {
    fn servers(&self) -> String {
        let rows = distinct(self.servers.iter().map(|server| server.peer))
            .into_iter()
            .map(|peer| {
                let all = self.servers.iter().filter(|server| server.peer == peer);
                let middle =
                    |of: fn(&Server) -> f64| median(&all.clone().map(of).collect::<Vec<_>>());
                vec![
                    peer.to_owned(),
                    time(middle(|server| server.start)),
                    format!("{:.0} MiB", middle(|server| server.rss_mib)),
                    format!("{:.0}", middle(|server| server.descriptors as f64)),
                ]
            });
        let head = [
            "server",
            "start until it answers",
            "resident memory",
            "descriptors",
        ];
        table(&head, &rows.collect::<Vec<_>>())
    }
}

fn grid(peers: &[&str], works: &[&str], cell: impl Fn(&str, &str) -> String) -> String {
    let head: Vec<_> = std::iter::once("work")
        .chain(peers.iter().copied())
        .collect();
    let rows = works.iter().map(|work| {
        let cells = peers.iter().map(|peer| cell(work, peer));
        std::iter::once((*work).to_owned()).chain(cells).collect()
    });
    table(&head, &rows.collect::<Vec<_>>())
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
