//! What came of it, for people and for whoever wants to know whether it was good enough.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Error;
use std::time::Duration;

use super::mix::Op;
use super::server_side::ServerSide;
use crate::kit::stats::{number, percentile, table, time};
use crate::kit::usage::Usage;

/// What callers wrote down.
#[derive(Debug, Default)]
pub(super) struct Book {
    times: [Vec<f64>; Op::ALL.len()],
    errors: BTreeMap<String, usize>,
}

/// A look at the machine, at one moment since the start.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) when: &'static str,
    pub(super) at: Duration,
    pub(super) scout: Usage,
    pub(super) hosts: Usage,
    /// The load test itself.
    pub(super) callers: Usage,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) hosts: usize,
    pub(super) callers: usize,
    pub(super) think_ms: f64,
    pub(super) took: Duration,
    pub(super) book: Book,
    pub(super) looks: Vec<Look>,
    /// Since the start of the server.
    pub(super) pool: ServerSide,
    /// Since all hosts are connected.
    pub(super) waits: ServerSide,
}

impl Book {
    pub(super) fn note(&mut self, op: Op, took: Duration, error: Option<Error>) {
        match error {
            None => self.times[op as usize].push(took.as_secs_f64()),
            Some(error) => {
                let name = format!("{}: {}", op.name(), code(&error.to_string()));
                *self.errors.entry(name).or_default() += 1;
            }
        }
    }

    pub(super) fn join(books: Vec<Self>) -> Self {
        let mut all = Self::default();
        for book in books {
            for (all, times) in all.times.iter_mut().zip(book.times) {
                all.extend(times);
            }
            for (name, count) in book.errors {
                *all.errors.entry(name).or_default() += count;
            }
        }
        all
    }
}

/// The code of an error, or the beginning of what there is instead.
fn code(text: &str) -> String {
    let code = text
        .split_once("\"code\":\"")
        .and_then(|(_, rest)| rest.split_once('"'));
    code.map_or_else(
        || text.chars().take(200).collect(),
        |(code, _)| code.to_owned(),
    )
}

impl Report {
    /// The goals that were not met; any error is one.
    pub(super) fn missed(&self, lock_wait_ms: Option<f64>, hit_rate: Option<f64>) -> Vec<String> {
        let mut missed = Vec::new();
        let errors: usize = self.book.errors.values().sum();
        if errors > 0 {
            missed.push(format!("{errors} errors"));
        }
        let wait = self.waits.lock_wait(0.99) * 1000.0;
        if let Some(most) = lock_wait_ms.filter(|most| wait > *most) {
            missed.push(format!(
                "p99 of the lock wait is {wait:.3} ms, more than {most}"
            ));
        }
        let rate = self.pool.hit_rate();
        if let Some(least) = hit_rate.filter(|least| rate < *least) {
            missed.push(format!("the hit rate is {rate:.4}, less than {least}"));
        }
        missed
    }

    fn calls(&self) -> String {
        let rows = Op::ALL.map(|op| {
            let times = &self.book.times[op as usize];
            let rank = |share| time(percentile(times, share));
            let rate = times.len() as f64 / self.took.as_secs_f64();
            let count = times.len().to_string();
            let ranks = [0.5, 0.95, 0.99, 1.0].map(rank);
            [
                vec![op.name().to_owned(), count, number(rate)],
                ranks.to_vec(),
            ]
            .concat()
        });
        table(
            &[
                "call",
                "answers",
                "per second",
                "p50",
                "p95",
                "p99",
                "longest",
            ],
            &rows,
        )
    }

    /// What was used at each look, and the processors that were busy since the one before.
    fn machine(&self) -> String {
        let before = self.looks.iter().take(1).chain(&self.looks);
        let rows = before.zip(&self.looks).map(|(before, look)| {
            let (scout, hosts) = (look.scout, look.hosts);
            let took = (look.at - before.at).as_secs_f64();
            let busy = |now: Usage, then: Usage| match took > 0.0 {
                true => format!("{:.2}", (now.cpu - then.cpu) / took),
                false => String::new(),
            };
            vec![
                look.when.to_owned(),
                format!("{:.1} MiB", scout.rss_mib),
                busy(scout, before.scout),
                scout.descriptors.to_string(),
                scout.threads.to_string(),
                format!("{:.0} MiB", hosts.rss_mib),
                hosts.processes.to_string(),
                busy(hosts, before.hosts),
                busy(look.callers, before.callers),
            ]
        });
        let head = [
            "when",
            "Scout",
            "its processors",
            "descriptors",
            "threads",
            "hosts",
            "their processes",
            "processors",
            "callers' processors",
        ];
        table(&head, &rows.collect::<Vec<_>>())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hosts, callers, think) = (self.hosts, self.callers, self.think_ms);
        let all: usize = self.book.times.iter().map(Vec::len).sum();
        let rate = all as f64 / self.took.as_secs_f64();
        let took = self.took.as_secs_f64();
        writeln!(
            f,
            "{hosts} hosts, {callers} callers, {think} ms between calls: {all} answers in {took:.0} s, {}/s\n",
            number(rate)
        )?;
        writeln!(f, "{}\n{}", self.calls(), self.machine())?;
        let (pool, waits) = (&self.pool, &self.waits);
        let count = |result| pool.grown("scout_pool_requests_total", &[("result", result)]);
        let rate = pool.hit_rate() * 100.0;
        let lost = pool.grown("scout_ssh_connections_lost_total", &[]);
        let [hits, misses] = ["hit", "miss"].map(count);
        let [p50, p99] = [0.5, 0.99].map(|share| time(waits.lock_wait(share)));
        let [interactive, bulk] =
            ["interactive", "bulk"].map(|urgency| time(waits.queue_wait(urgency, 0.99)));
        writeln!(
            f,
            "- pool: {hits} hits, {misses} misses, hit rate {rate:.2} %; connections lost: {lost}"
        )?;
        writeln!(
            f,
            "- lock wait: p50 {p50}, p99 {p99}; p99 of interactive calls {interactive}, of bulk {bulk}"
        )?;
        writeln!(f, "- errors: {}", self.book.errors.values().sum::<usize>())?;
        for (name, count) in &self.book.errors {
            writeln!(f, "  - {count} of {name}")?;
        }
        Ok(())
    }
}
