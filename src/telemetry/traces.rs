//! Traces over OTLP, where the program is built with the feature `otlp` and
//! `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector; the standard `OTEL_*` variables say the rest
//! (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>).
//!
//! Spans only, and Scout's own only: the request, the tool, the work of a host, with the name of the
//! method, the tool, the host and the principal. No event leaves this way, no path, no command, no
//! key. They are sent by a thread of their own from a bounded queue; what does not fit or cannot be
//! sent is dropped, and no call waits for it.

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use std::time::Duration;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

/// How long the last spans may take at the end of the process.
const FAREWELL: Duration = Duration::from_secs(2);

/// The way to the collector. To be ended, or the last spans are lost.
pub(super) struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// A way to the collector of the environment.
    pub(super) fn new() -> Result<Self, opentelemetry_otlp::ExporterBuildError> {
        let exporter = SpanExporter::builder().with_http().build()?;
        let resource = Resource::builder()
            .with_service_name("scout")
            .with_attributes([
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("service.revision", crate::REVISION),
            ])
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        Ok(Self { provider })
    }

    /// What hands spans over.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let tracer: SdkTracer = self.provider.tracer("scout");
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_filter(filter_fn(is_ours))
            .with_filter(EnvFilter::new("info"))
    }

    /// Sends what has not been sent, for a moment at most.
    pub(super) fn end(&self) {
        // A collector that is gone is no reason for another exit code.
        let _sent = self.provider.shutdown_with_timeout(FAREWELL);
    }
}

fn is_ours(what: &Metadata<'_>) -> bool {
    let target = what.target();
    what.is_span() && (target.starts_with("scout") || target.starts_with("fleet"))
}
