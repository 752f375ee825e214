//! `docs/metrics.md` is what the code registers: written by this test when it is asked to, and
//! compared with the code whenever tests run.

use super::{
    BalancerMetrics, Exposition, HostMetrics, HttpMetrics, Refusals, ResourceMetrics, ToolMetrics,
    build_info, histograms,
};
use crate::config::PerHost;
use fleet::{Fleet, HostKeyPolicy, HostName, HostPulse, HostState, Inventory, Limits, Tally};
use metrics_exporter_prometheus::PrometheusBuilder;
use metrics_util::debugging::DebuggingRecorder;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");

/// Set, it makes the test write the file.
const WRITE: &str = "SCOUT_WRITE_METRICS";

const HEAD: &str = "# Metrics

<!-- Made from the code by `SCOUT_WRITE_METRICS=1 cargo test --lib metrics::written`; do not edit. -->

What `GET /metrics` of the operations listener shows, in the text format of Prometheus. Every value of every label is there from the start, at 0, so that the first event is seen by `increase()`; a histogram begins with what it counts first. No label holds anything a client can choose: no path, no command, no name of a host that is not in the inventory.

Metrics with the label `host` exist where `metrics.per_host` (`SCOUT_METRICS_PER_HOST`) is `failing` or `all`, for `metrics.per_host_limit` hosts at most. On an address that is not loopback `/metrics` asks for an API key.

| metric | type | labels | what it is |
|---|---|---|---|
";

/// Labels whose values are not known from the code.
const OPEN: [&str; 3] = ["host", "version", "revision"];

#[derive(Default)]
struct Row {
    kind: &'static str,
    what: String,
    labels: BTreeMap<String, BTreeSet<String>>,
}

/// Everything that is ever registered, as a recorder saw it.
fn rows() -> BTreeMap<String, Row> {
    let recorder = DebuggingRecorder::new();
    let seen = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(register());
    });
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for (key, _, what, _) in seen.snapshot().into_vec() {
        let (kind, key) = key.into_parts();
        let row = rows.entry(key.name().to_owned()).or_default();
        row.kind = match kind {
            metrics_util::MetricKind::Counter => "counter",
            metrics_util::MetricKind::Gauge => "gauge",
            metrics_util::MetricKind::Histogram => "histogram",
        };
        row.what = what.map(|what| what.to_string()).unwrap_or_default();
        for label in key.labels() {
            let values = row.labels.entry(label.key().to_owned()).or_default();
            if !OPEN.contains(&label.key()) {
                values.insert(label.value().to_owned());
            }
        }
    }
    rows
}

/// What a server registers from its start to its first scrape, with one host that is named.
async fn register() {
    let fleet = Fleet::start(fleet::Settings {
        inventory: Inventory::default(),
        limits: Limits::default(),
        host_keys: HostKeyPolicy::Off,
    })
    .await
    .unwrap();
    build_info();
    let refusals = Refusals::register();
    let _tools = ToolMetrics::register(Duration::from_secs(1));
    let _resources = ResourceMetrics::register();
    let _balancer = BalancerMetrics::register();
    let _http = HttpMetrics::register(refusals, 1, 1);
    let hosts = HostMetrics::register(PerHost::All, 1);
    hosts.show(&[HostPulse {
        name: HostName::parse("web-01").unwrap(),
        state: HostState::Idle,
        backoff: Duration::ZERO,
        tally: Tally::default(),
    }]);
    // Not the recorder that listens here; what a scrape adds is registered with that one all the same.
    let elsewhere = PrometheusBuilder::new().build_recorder().handle();
    let exposition = Exposition::new(elsewhere, fleet, hosts);
    exposition.render(true).await;
}

fn text() -> String {
    let mut text = HEAD.to_owned();
    for (name, row) in rows() {
        let labels: Vec<String> = row.labels.iter().map(shown).collect();
        let (kind, labels, what) = (row.kind, labels.join("; "), row.what);
        assert!(!what.is_empty(), "`{name}` has no description");
        text.push_str(&format!("| `{name}` | {kind} | {labels} | {what} |\n"));
    }
    text.push_str(
        "\n## Buckets\n\nIn seconds; each histogram has `_bucket`, `_sum` and `_count`.\n\n",
    );
    for (name, buckets) in histograms() {
        let bounds: Vec<String> = buckets.iter().map(ToString::to_string).collect();
        text.push_str(&format!("- `{name}`: {}\n", bounds.join(", ")));
    }
    text
}

fn shown((label, values): (&String, &BTreeSet<String>)) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
    match values.is_empty() {
        true => format!("`{label}`"),
        false => format!("`{label}`: {}", values.join(" ")),
    }
}

#[test]
fn the_document_is_what_the_code_registers() {
    let text = text();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(FILE, &text).unwrap();
    }
    let written = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        written == text,
        "docs/metrics.md is not what the code registers: `{WRITE}=1 cargo test --lib metrics::written` writes it"
    );
}

#[test]
fn every_histogram_has_its_buckets() {
    let named: BTreeSet<String> = histograms().map(|(name, _)| name.to_owned()).into();
    let rows = rows();
    let registered = rows.iter().filter(|(_, row)| row.kind == "histogram");
    assert_eq!(
        named,
        registered
            .map(|(name, _)| name.clone())
            .collect::<BTreeSet<_>>()
    );
}
