//! Logs to stderr: one event per line, for people or for a collector.
//!
//! Timestamps are RFC 3339 in UTC. Standard output is never touched: over stdio it carries the
//! protocol. What clients send and hosts answer is logged under the target [`PAYLOAD`] only, and
//! that target is shut unless the configuration opens it; so is the TRACE level of the libraries
//! that would print the same bytes. Metrics are not made here.

mod fields;
#[cfg(feature = "otlp")]
mod traces;

use std::io::{self, IsTerminal};

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::{FilterExt, LevelFilter, ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::debug_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::config::{Log, LogFormat};

/// The target of events that hold what clients send or hosts answer.
pub const PAYLOAD: &str = "scout::payload";

/// The variable that names a collector of traces.
const COLLECTOR: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Libraries that have more to say than anybody wants to know, by the first part of their targets.
const NOISY: [&str; 8] = [
    "russh",
    "hyper",
    "hyper_util",
    "h2",
    "jsonrpsee",
    "mio",
    "ractor",
    "tower",
];

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The directives are none.
    #[error(
        "the log level `{level}` is not understood; set `log.level` to a level or to `module=level` directives"
    )]
    Level {
        /// The directives.
        level: String,
        /// What is wrong with them.
        source: ParseError,
    },
    /// Something else in this process took the place first.
    #[error("the process has a log already; start it once")]
    Twice(#[source] TryInitError),
}

/// Begins to log to stderr, for the rest of the process. Records of the `log` crate, which `russh`
/// writes, arrive here too.
///
/// Colours are used on a terminal, in text, unless `no_color` is set: the convention of
/// <https://no-color.org> is that the variable `NO_COLOR` is present and not empty.
///
/// # Errors
/// [`TelemetryError`]; a checked configuration brings about only [`TelemetryError::Twice`].
pub fn init(log: &Log, no_color: bool) -> Result<Telemetry, TelemetryError> {
    let colours = !no_color && io::stderr().is_terminal();
    let lines = lines(log, io::stderr, colours)?;
    let wanted = std::env::var_os(COLLECTOR).is_some_and(|value| !value.is_empty());
    #[cfg(feature = "otlp")]
    {
        let (traces, problem) = match wanted.then(traces::Traces::new).transpose() {
            Ok(traces) => (traces, None),
            Err(problem) => (None, Some(problem)),
        };
        Registry::default()
            .with(lines)
            .with(traces.as_ref().map(traces::Traces::layer))
            .try_init()
            .map_err(TelemetryError::Twice)?;
        if let Some(problem) = problem {
            tracing::warn!(%problem, "no traces are sent: check {COLLECTOR}");
        }
        Ok(Telemetry { traces })
    }
    #[cfg(not(feature = "otlp"))]
    {
        Registry::default()
            .with(lines)
            .try_init()
            .map_err(TelemetryError::Twice)?;
        if wanted {
            tracing::warn!(
                "{COLLECTOR} has no effect: this program was built without the feature `otlp`"
            );
        }
        Ok(Telemetry {})
    }
}

/// What goes on until the end of the process.
#[must_use = "what is not ended loses the last spans"]
pub struct Telemetry {
    #[cfg(feature = "otlp")]
    traces: Option<traces::Traces>,
}

impl Telemetry {
    /// Sends the spans that have not been sent, for a moment at most. Nothing happens without traces.
    pub fn end(self) {
        #[cfg(feature = "otlp")]
        if let Some(traces) = self.traces {
            traces.end();
        }
    }
}

/// What [`init`] installs, writing to `writer`.
///
/// # Errors
/// [`TelemetryError::Level`].
pub fn subscriber<W>(
    log: &Log,
    writer: W,
    colours: bool,
) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = lines(log, writer, colours)?;
    Ok(Box::new(Registry::default().with(lines)))
}

/// The lines of the log.
fn lines<W>(
    log: &Log,
    writer: W,
    colours: bool,
) -> Result<Box<dyn Layer<Registry> + Send + Sync>, TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let payloads = log.payloads;
    // Without a hint of its own the second filter would hide that of the first, and every record of
    // the `log` crate at every level would be made into an event before it is thrown away: `russh`
    // writes a dozen for each packet.
    let open = filter_fn(move |event| payloads || !is_payload(event))
        .with_max_level_hint(LevelFilter::TRACE);
    let filter = directives(&log.level)?.and(open);
    // What cannot be written is not reported on stderr, which is where it could not be written.
    let lines = tracing_subscriber::fmt::layer()
        .log_internal_errors(false)
        .with_writer(writer);
    let lines = match log.format {
        LogFormat::Text => lines
            .fmt_fields(debug_fn(fields::write).delimited(" "))
            .with_ansi(colours)
            .boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_ansi(false)
            .boxed(),
    };
    Ok(lines.with_filter(filter).boxed())
}

/// The directives of the configuration, over quiet ones for noisy libraries. A directive for the
/// same target replaces the quiet one; a mere level does not.
fn directives(level: &str) -> Result<EnvFilter, TelemetryError> {
    let parse = |text: &str| {
        EnvFilter::try_new(text).map_err(|source| TelemetryError::Level {
            level: level.to_owned(),
            source,
        })
    };
    let asked = parse(level)?;
    if asked
        .max_level_hint()
        .is_some_and(|most| most <= LevelFilter::WARN)
    {
        return Ok(asked);
    }
    let quiet = NOISY.map(|library| format!("{library}=warn,")).concat();
    parse(&format!("{quiet}{level}"))
}

/// Whether an event may hold what clients send or hosts answer. Found by reading the libraries: at
/// TRACE they print messages and packets; `jsonrpsee` (0.26) prints some of them at DEBUG, and so
/// does the agent client of `russh` (0.65) with what the agent signed.
fn is_payload(event: &Metadata<'_>) -> bool {
    let (target, level) = (event.target(), *event.level());
    let of = |library: &str| {
        let rest = target.strip_prefix(library);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', '-', ':']))
    };
    match level {
        _ if target == PAYLOAD => true,
        Level::TRACE => NOISY.into_iter().any(of),
        Level::DEBUG => of("jsonrpsee") || of("russh::keys::agent"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::Duration;

    use tracing::{debug, error, info, info_span, trace, warn};

    use super::*;

    /// Lines that were logged.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: &str, format: LogFormat, payloads: bool, events: fn()) -> Vec<String> {
        let log = Log {
            level: level.into(),
            format,
            payloads,
            slow_threshold: Duration::ZERO,
        };
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(&log, move || writer.clone(), false).unwrap();
        tracing::subscriber::with_default(subscriber, events);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes)
            .unwrap()
            .lines()
            .map(Into::into)
            .collect()
    }

    #[test]
    fn json_is_one_object_per_line_whatever_the_event_holds() {
        let lines = logged("info", LogFormat::Json, false, || {
            let _span = info_span!("call", host = "a\nb").entered();
            info!(code = 7, "one\ntwo \u{1b}[2J");
        });
        let [line] = &*lines else { panic!("{lines:?}") };
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            (&event["message"], &event["code"]),
            (&"one\ntwo \u{1b}[2J".into(), &7.into())
        );
        assert_eq!(
            (&event["level"], &event["span"]["host"]),
            (&"INFO".into(), &"a\nb".into())
        );
        let time = event["timestamp"].as_str().unwrap();
        assert!(
            time.len() >= 20 && time.as_bytes()[10] == b'T' && time.ends_with('Z'),
            "{time}"
        );
    }

    #[test]
    fn a_text_line_holds_nothing_that_leaves_it() {
        let lines = logged("info", LogFormat::Text, false, || {
            let forged = "\u{1b}[2J\n2026-01-01T00:00:00Z ERROR\r\u{202e}\u{9b}";
            let _span = info_span!("call", host = %forged).entered();
            info!(host = "a\nb", path = %forged, code = 7, "read\nme {forged}");
        });
        let [line] = &*lines else { panic!("{lines:?}") };
        assert!(
            line.is_ascii() && !line.contains(|c: char| c.is_control()),
            "{line}"
        );
        assert!(
            line.contains(r"read\nme \u{1b}[2J") && line.contains("code=7"),
            "{line}"
        );
        assert!(
            line.contains(r"path=\u{1b}[2J\n2026") && line.contains(r"call{host=\u{1b}[2J\n"),
            "{line}"
        );
    }

    #[test]
    fn noisy_libraries_keep_to_warnings_unless_asked() {
        let events = || {
            debug!(target: "russh::client", "a");
            warn!(target: "russh::client", "b");
            info!(target: "h2::proto", "c");
            debug!(target: "scout::http", "d");
        };
        let count = |level| logged(level, LogFormat::Text, false, events).len();
        assert_eq!(count("debug"), 2, "b d");
        assert_eq!(count("info,russh=debug"), 2, "a b");
        assert_eq!(count("debug,russh=debug,h2=info"), 4);
        assert_eq!(count("warn"), 1);
        assert_eq!(count("error"), 0);
        assert_eq!(count("off"), 0);
        assert_eq!(count("scout=debug"), 2, "b d: a warning is worth saying");
    }

    #[test]
    fn payloads_are_logged_only_where_they_were_asked_for() {
        let events = || {
            trace!(target: "russh::cipher", "packet");
            trace!(target: "jsonrpsee-server", "message");
            debug!(target: "jsonrpsee_core::server", "message");
            debug!(target: "russh::keys::agent::client", "signature");
            debug!(target: "russh::client", "fine");
            debug!(target: "russhian", "fine");
            error!(target: PAYLOAD, "body");
            trace!(target: "scout::mcp", "fine");
        };
        let everything = "trace,russh=trace,jsonrpsee=trace,jsonrpsee-server=trace";
        assert_eq!(logged(everything, LogFormat::Text, false, events).len(), 3);
        assert_eq!(logged(everything, LogFormat::Text, true, events).len(), 8);
    }

    #[test]
    fn nothing_below_the_level_is_looked_at() {
        let log = |level: &str| Log {
            level: level.into(),
            format: LogFormat::Text,
            payloads: false,
            slow_threshold: Duration::ZERO,
        };
        for (level, most) in [
            ("info", LevelFilter::INFO),
            ("warn,scout=debug", LevelFilter::DEBUG),
            ("trace", LevelFilter::TRACE),
        ] {
            let subscriber = subscriber(&log(level), io::sink, false).unwrap();
            assert_eq!(subscriber.max_level_hint(), Some(most), "{level}");
        }
    }

    #[test]
    fn directives_that_are_none_are_refused() {
        let log = Log {
            level: "scout=loud".into(),
            format: LogFormat::Text,
            payloads: false,
            slow_threshold: Duration::ZERO,
        };
        let refused = subscriber(&log, io::sink, false).err().unwrap();
        assert!(
            refused
                .to_string()
                .starts_with("the log level `scout=loud` is not understood")
        );
    }
}
