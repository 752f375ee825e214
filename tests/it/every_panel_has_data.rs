//! Every query of every dashboard and of every rule is answered by a real Prometheus that scrapes a
//! Scout to which everything happens that can: nothing is asked for that does not exist, is never
//! counted, or is counted wrong. What cannot have data here is listed, with the reason.

mod judge;
mod prometheus;
mod question;
mod stage;
mod traffic;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream;

use prometheus::Prometheus;
use question::Question;
use stage::Stage;

/// Until then every question must have been answered once. Unloaded it takes a fraction of it.
const DEADLINE: Duration = Duration::from_secs(180);
/// Between two rounds of questions.
const PAUSE: Duration = Duration::from_secs(1);
/// Questions asked at the same time.
const AT_ONCE: usize = 8;

/// Queries without any series here, by a part of their place. One that has data is taken off the list.
const EXPECTED_EMPTY: &[(&str, &str)] = &[];

/// Queries that may find nothing but zeros, by a part of their place.
const MAY_STAY_ZERO: &[(&str, &str)] = &[
    (
        "scout-safety / Crashes",
        "no defect of ours is known that a client could cause",
    ),
    ("scout-safety / Internal errors", "the same"),
    (
        "scout-safety / Unverified stops",
        "a real sshd lets Scout prove every stop",
    ),
    (
        "scout-overview / Visits through the balancer",
        "one Scout alone has no balancer; `a_fleet_of_scouts` sees them counted",
    ),
    (
        "scout-hosts / Hosts not named",
        "there are fewer hosts than metrics.per_host_limit",
    ),
];

fn listed(list: &[(&str, &str)], question: &Question) -> bool {
    list.iter().any(|(place, _)| question.place.contains(place))
}

/// What is wrong with the answer at this moment.
async fn fault(prometheus: &Prometheus, question: &Question) -> Option<String> {
    let answer = prometheus.ask(&question.query).await;
    judge::fault(question, &answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_panel_and_every_rule_is_answered() {
    let stage = Arc::new(Stage::set().await);
    let prometheus = Prometheus::start(&stage.server, &question::rule_files()).await;
    // Counters that begin to count before the first scrape would not be seen to grow.
    let traffic = traffic::start(&stage);

    let mut open = question::of_dashboards();
    open.extend(question::of_traffic());
    open.extend(question::of_rules(&prometheus).await);
    for question in &mut open {
        question.grows &= !listed(MAY_STAY_ZERO, question);
    }
    let places: Vec<_> = open.iter().map(|question| question.place.clone()).collect();
    let (empty, mut open): (Vec<_>, Vec<_>) = open
        .into_iter()
        .partition(|question| listed(EXPECTED_EMPTY, question));

    let start = Instant::now();
    let mut report = String::new();
    while !open.is_empty() && start.elapsed() < DEADLINE {
        let asked = stream::iter(open).map(async |question| {
            let fault = fault(&prometheus, &question).await;
            (question, fault)
        });
        let answers: Vec<_> = asked.buffer_unordered(AT_ONCE).collect().await;
        report.clear();
        open = Vec::new();
        for (question, fault) in answers {
            if let Some(fault) = fault {
                let Question { place, query, .. } = &question;
                let _ = writeln!(report, "{place}: {fault}\n    {query}");
                open.push(question);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    eprintln!(
        "{} questions, {} open after {:?}",
        places.len(),
        open.len(),
        start.elapsed()
    );
    assert!(
        open.is_empty(),
        "not answered within {DEADLINE:?}:\n{report}"
    );

    for question in &empty {
        let answer = prometheus.ask(&question.query).await;
        let filled = answer.as_ref().is_ok_and(|series| !series.is_empty());
        assert!(
            !filled,
            "{} is expected to be empty: {answer:?}",
            question.place
        );
    }
    for (place, reason) in EXPECTED_EMPTY.iter().chain(MAY_STAY_ZERO) {
        assert!(!reason.is_empty(), "{place}");
        assert!(
            places.iter().any(|known| known.contains(place)),
            "nothing is called {place}"
        );
    }
    every_rule_is_evaluated(&prometheus).await;
    drop(traffic);
}

/// A rule whose turn has not come yet is `unknown`.
async fn every_rule_is_evaluated(prometheus: &Prometheus) {
    let start = Instant::now();
    loop {
        let mut rules = prometheus.rules().await.unwrap();
        rules.retain(|rule| rule["health"] != "ok");
        if rules.is_empty() {
            return;
        }
        assert!(start.elapsed() < DEADLINE, "not evaluated: {rules:#?}");
        tokio::time::sleep(PAUSE).await;
    }
}
