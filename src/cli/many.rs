//! The commands that take a host, on many hosts: an expression in its place, one answer, one exit code.
//!
//! The answer goes to stdout by group, or as JSON, or as a line of JSON for each host as it is done.
//! The exit code is 0 when it went well on every host. An interrupt ends what is under way, and what
//! is ready is printed all the same.

use super::out;
use super::progress::Bar;
use super::remote::{finish, print, seconds, with_ops_to_the_end};
use super::style::Colours;
use crate::access::Principal;
use crate::config::Config;
use crate::ops::{
    Audience, BroadcastReport, BroadcastRequest, DEFAULT_WIDTH, Failure, HostAnswer, MAX_WIDTH,
    Normalize, Ops, Place, Progress, Section, State, Work,
};
use clap::Args;
use fleet::inventory::Expression;
use fleet::{Deadline, HostName};
use serde::Serialize;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

/// What stopping what is under way may take beyond the deadline.
const ENDING: Duration = Duration::from_secs(4);

/// Flags of a command that may be about many hosts.
#[derive(Debug, Args)]
pub(super) struct ManyArgs {
    /// Of many hosts, work on so many at once.
    #[arg(long, value_name = "HOSTS", value_parser = width, default_value_t = DEFAULT_WIDTH)]
    width: usize,
    /// After so many seconds print what is ready, and stop what is under way.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    deadline: Option<Duration>,
    /// Print the answer of each host, also where many are equal.
    #[arg(long)]
    no_fold: bool,
    /// Take answers for equal that differ only in this: `space` at the end of lines, the name of the
    /// `host`, `numbers`; several with commas.
    #[arg(long, value_name = "WHAT", value_parser = normalize)]
    normalize: Option<Normalize>,
    /// Print a line of JSON for each host as it is done, and one about all.
    #[arg(long, conflicts_with = "json")]
    ndjson: bool,
}

/// Whether the text names one host and no more. What is wrong with it is said elsewhere.
pub(super) fn is_single(hosts: &str) -> bool {
    let plain = |expression: Expression| expression.as_single().is_some();
    HostName::parse(hosts).is_ok() && Expression::parse(hosts).map_or(true, plain)
}

impl ManyArgs {
    /// Whether the form that was asked for is one for many hosts.
    pub(super) fn is_asked_for(&self) -> bool {
        self.ndjson
    }

    /// The deadline of the work on one host. Whoever says how long it may take is not held to what a
    /// request may.
    pub(super) fn bound(&self, usual: Deadline) -> Deadline {
        self.deadline.map_or(usual, Deadline::within)
    }

    /// Does the work in these places, and prints the answer. `scout_failed` is what to exit with when
    /// nothing was done anywhere.
    pub(super) async fn run(
        self,
        config: &Config,
        json: bool,
        scout_failed: u8,
        work: impl FnOnce(&Ops, &Principal) -> Result<(Vec<Place>, Work), Failure>,
    ) -> ExitCode {
        with_ops_to_the_end(config, async |ops, principal, deadline, stop| {
            let stopping = |span| Deadline::within(span + ENDING);
            let deadline = self.deadline.map_or(deadline, stopping);
            let bar = Bar::new();
            let progress = match self.ndjson {
                true => Progress::silent(),
                false => bar.progress(),
            };
            let request = work(ops, principal).map(|(places, work)| self.request(places, work));
            let mut lost = false;
            let mut line = |answer: &HostAnswer| lost |= !say(answer);
            let report = match request {
                Err(failure) => Err(failure),
                Ok(request) => {
                    let audience = Audience {
                        progress: &progress,
                        each: self.ndjson.then_some(&mut line as _),
                        stop,
                    };
                    ops.broadcast(principal, request, deadline, audience).await
                }
            };
            bar.clear();
            match report {
                Err(failure) if self.ndjson => {
                    say(&failure);
                    ExitCode::from(scout_failed)
                }
                Ok(_) if lost => ExitCode::from(scout_failed),
                report => {
                    let printed = report.map(|report| self.print(&report, json, scout_failed));
                    finish(printed, json, scout_failed)
                }
            }
        })
        .await
    }

    fn request(&self, places: Vec<Place>, work: Work) -> BroadcastRequest {
        BroadcastRequest {
            places,
            work,
            width: self.width,
            deadline: self.deadline,
            normalize: self.normalize.unwrap_or_default(),
            max_bytes: None,
            fold: !self.no_fold,
        }
    }

    fn print(&self, report: &BroadcastReport, json: bool, scout_failed: u8) -> ExitCode {
        let code = match report.is_success() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        };
        let failed = ExitCode::from(scout_failed);
        if json {
            return print(report, true, code, failed);
        }
        if self.ndjson {
            return match say(&Summary::of(report)) {
                true => code,
                false => failed,
            };
        }
        out::data(text(report).as_bytes(), code, failed)
    }
}

/// The text of an answer, with colours where they can be seen.
fn text(report: &BroadcastReport) -> String {
    let colours = Colours::of(&std::io::stdout());
    let mut text = String::new();
    for Section {
        heading,
        good,
        body,
    } in report.sections(usize::MAX)
    {
        text += &match good {
            true => colours.heading(heading).to_string(),
            false => colours.failed(heading).to_string(),
        };
        text += &format!("\n{body}\n\n");
    }
    text += &match report.is_success() {
        true => colours.heading(report.summary()).to_string(),
        false => colours.failed(report.summary()).to_string(),
    };
    text + "\n"
}

/// A line of JSON; false if it could not be written, which has been said then.
fn say(value: &impl Serialize) -> bool {
    let line = serde_json::to_string(value).unwrap_or_else(|error| error.to_string());
    let (written, lost) = (ExitCode::SUCCESS, ExitCode::FAILURE);
    out::data(format!("{line}\n").as_bytes(), written, lost) == written
}

/// The last line of JSON.
#[derive(Serialize)]
struct Summary {
    succeeded: usize,
    total: usize,
    states: BTreeMap<&'static str, usize>,
}

impl Summary {
    fn of(report: &BroadcastReport) -> Self {
        let counted = State::ALL.map(|state| (state.label(), report.count(state)));
        Self {
            succeeded: report.count(State::Ok),
            total: report.total(),
            states: counted
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .collect(),
        }
    }
}

fn width(text: &str) -> Result<usize, String> {
    let width = text.parse().ok();
    width
        .filter(|width| (1..=MAX_WIDTH).contains(width))
        .ok_or_else(|| format!("it is 1 to {MAX_WIDTH}"))
}

fn normalize(text: &str) -> Result<Normalize, String> {
    Normalize::parse(text.split(','))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_is_one_host_and_everything_else_may_be_many() {
        for one in ["web-01", "db.example.com", "10.0.0.1", "fd00::1"] {
            assert!(is_single(one), "{one}");
        }
        for many in ["web-*", "web-[01-02]", "a,b", "@db", "all", "!a", "a b", ""] {
            assert!(!is_single(many), "{many}");
        }
    }

    #[test]
    fn flags_have_bounds() {
        assert_eq!(width("1"), Ok(1));
        assert!(width("0").is_err() && width("257").is_err() && width("x").is_err());
        assert!(normalize("space,host").is_ok() && normalize("time").is_err());
    }
}
