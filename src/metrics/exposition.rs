//! What a scrape shows: the metrics that were counted, and those that are taken when somebody asks.

use super::HostMetrics;
use fleet::Fleet;
use metrics::{Gauge, describe_gauge, gauge};
use metrics_exporter_prometheus::PrometheusHandle;
use metrics_process::Collector;

/// Everything that is exported.
pub struct Exposition {
    recorder: PrometheusHandle,
    fleet: Fleet,
    hosts: HostMetrics,
    process: Collector,
    draining: Gauge,
}

impl Exposition {
    /// Describes and creates what is taken at a scrape.
    #[must_use]
    pub fn new(recorder: PrometheusHandle, fleet: Fleet, hosts: HostMetrics) -> Self {
        describe_gauge!(
            "scout_draining",
            "1 once the shutdown has begun and /readyz answers 503, else 0; calls are still taken for limits.shutdown_delay"
        );
        let process = Collector::default();
        process.describe();
        let draining = gauge!("scout_draining");
        draining.set(0);
        Self {
            recorder,
            fleet,
            hosts,
            process,
            draining,
        }
    }

    /// Folds what the histograms have gathered, which bounds their memory between scrapes.
    pub fn upkeep(&self) {
        self.recorder.run_upkeep();
    }

    /// The text of a scrape. Where the fleet does not answer any more, the hosts are as they were.
    pub async fn render(&self, ready: bool) -> String {
        self.draining.set(f64::from(u8::from(!ready)));
        self.process.collect();
        if let Ok(pulses) = self.fleet.survey().await {
            self.hosts.show(&pulses);
        }
        self.recorder.render()
    }
}
