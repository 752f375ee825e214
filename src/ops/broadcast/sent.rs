//! What replicas say to each other: the visit that is asked for, and what came of it. Pure.

use super::Work;
use super::answer::What;
use super::places::Place;
use super::state::State;
use super::visit::Visited;
use crate::ops::checksum::hex;
use crate::ops::read::SentRead;
use crate::ops::run::SentRun;
use crate::ops::sent::known;
use crate::ops::{Failure, Range};
use fleet::error::Phase;
use fleet::{Hold, HostName, Program, RemotePath, Urgency};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

/// What one host is visited for. Everything in it came as text, from a client.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// Where on the host.
    pub(super) path: Option<String>,
    pub(super) work: Arc<SentWork>,
    pub(super) max_bytes: Option<u64>,
    /// Bytes kept of each stream.
    pub(super) most: u64,
    pub(super) bulk: bool,
    /// Until the work ends.
    pub(super) span_ms: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum SentWork {
    Run {
        line: Option<String>,
        argv: Option<Vec<String>>,
        cwd: Option<String>,
        env: Vec<(String, String)>,
        stdin: Option<String>,
        timeout_ms: Option<u64>,
    },
    Read {
        range: Range,
        tree: Option<usize>,
    },
}

impl Visit {
    pub(super) fn place(&self, host: HostName) -> Result<Place, Failure> {
        let path = self.path.as_ref().map(RemotePath::parse).transpose()?;
        Ok(Place { host, path })
    }

    pub(super) fn urgency(&self) -> Urgency {
        match self.bulk {
            true => Urgency::Bulk,
            false => Urgency::Interactive,
        }
    }
}

impl SentWork {
    pub(super) fn of(work: &Work) -> Result<Self, Failure> {
        Ok(match work {
            Work::Read { range, tree } => Self::Read {
                range: *range,
                tree: *tree,
            },
            Work::Run {
                program,
                cwd,
                env,
                stdin,
                timeout,
            } => {
                let (line, argv) = match program {
                    Program::Shell(line) => (Some(text(line)?), None),
                    Program::Argv(words) => (
                        None,
                        Some(words.iter().map(text).collect::<Result<_, _>>()?),
                    ),
                };
                let variable =
                    |(name, value): &(String, OsString)| Ok((name.clone(), text(value)?));
                Self::Run {
                    line,
                    argv,
                    cwd: cwd.as_ref().map(path_text).transpose()?,
                    env: env.iter().map(variable).collect::<Result<_, Failure>>()?,
                    stdin: stdin.clone(),
                    timeout_ms: timeout.map(milliseconds),
                }
            }
        })
    }

    pub(super) fn work(self) -> Result<Work, Failure> {
        Ok(match self {
            Self::Read { range, tree } => Work::Read { range, tree },
            Self::Run {
                line,
                argv,
                cwd,
                env,
                stdin,
                timeout_ms,
            } => Work::Run {
                program: match (line, argv) {
                    (Some(line), None) => Program::Shell(line.into()),
                    (None, Some(argv)) => Program::Argv(argv.into_iter().map(Into::into).collect()),
                    _ => return Err(Failure::invalid("a visit runs a line or words")),
                },
                cwd: cwd.map(RemotePath::parse).transpose()?,
                env: env
                    .into_iter()
                    .map(|(name, value)| (name, value.into()))
                    .collect(),
                stdin,
                timeout: timeout_ms.map(Duration::from_millis),
            },
        })
    }
}

fn text(text: &OsString) -> Result<String, Failure> {
    text.to_str().map(str::to_owned).ok_or_else(no_text)
}

pub(super) fn path_text(path: &RemotePath) -> Result<String, Failure> {
    path.to_str().map(str::to_owned).ok_or_else(no_text)
}

/// Whatever a client sends is JSON, and so is text.
fn no_text() -> Failure {
    Failure::invalid("what is not UTF-8 cannot be asked of another replica")
}

pub(super) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// What came of a visit.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SentVisited<'a> {
    state: State,
    what: SentWhat<'a>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SentWhat<'a> {
    Ran(SentRun<'a>),
    /// With the hash of the whole file, in hex, if that is known.
    Read(SentRead<'a>, Option<String>),
    Failed {
        outcome: Cow<'a, str>,
        code: Cow<'a, str>,
        phase: Option<Cow<'a, str>>,
        message: Cow<'a, str>,
        hint: Option<Cow<'a, str>>,
    },
}

impl<'a> SentVisited<'a> {
    pub(super) fn of(visited: &'a Visited) -> Self {
        let what = match &visited.what {
            Ok(What::Ran(report)) => SentWhat::Ran(SentRun::of(report)),
            Ok(What::Read(report, sum)) => {
                SentWhat::Read(SentRead::of(report), sum.as_ref().map(hex))
            }
            Ok(What::Failed { failure, .. }) | Err(failure) => SentWhat::Failed {
                outcome: Cow::Borrowed(failure.outcome),
                code: Cow::Borrowed(failure.code),
                phase: failure.phase.map(Cow::Borrowed),
                message: Cow::Borrowed(&failure.message),
                hint: failure.hint.as_deref().map(Cow::Borrowed),
            },
        };
        Self {
            state: visited.state,
            what,
        }
    }

    /// What came of it, as if it had been done here; nothing where something of it cannot be.
    pub(super) fn visited(
        self,
        place: &Place,
        hold: Arc<Hold>,
    ) -> Option<(State, Result<What, Failure>)> {
        let host = &place.host;
        let what = match self.what {
            SentWhat::Ran(report) => Ok(What::Ran(report.report(host, hold)?)),
            SentWhat::Read(report, sum) => {
                let path = place.path.clone().unwrap_or_else(RemotePath::home);
                let sum = sum.as_deref().and_then(crate::access::keys::parse_hex);
                Ok(What::Read(report.report(host, &path, hold)?, sum))
            }
            SentWhat::Failed {
                outcome,
                code,
                phase,
                message,
                hint,
            } => Err(Failure {
                outcome: known(&Failure::OUTCOMES, &outcome).unwrap_or("failed"),
                code: known(&Failure::CODES, &code).unwrap_or("failed"),
                host: Some(host.to_string()),
                phase: phase.and_then(|phase| known(&Phase::ALL.map(Phase::label), &phase)),
                message: message.into_owned(),
                hint: hint.map(Cow::into_owned),
            }),
        };
        Some((self.state, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleet::{Budget, Captured, Deadline, Execution, Outcome};

    async fn hold() -> Arc<Hold> {
        let budget = Budget::new(1 << 20);
        let held = budget.reserve(1, Deadline::within(Duration::from_secs(1)));
        Arc::new(held.await.unwrap())
    }

    fn place() -> Place {
        Place {
            host: HostName::parse("web-01").unwrap(),
            path: None,
        }
    }

    async fn sent(visited: &Visited) -> (State, Result<What, Failure>) {
        let text = serde_json::to_string(&SentVisited::of(visited)).unwrap();
        let sent: SentVisited<'static> = serde_json::from_str(&text).unwrap();
        sent.visited(&place(), hold().await).unwrap()
    }

    #[tokio::test]
    async fn a_report_arrives_as_it_was_sent() {
        for outcome in [
            Outcome::Exited { code: 3 },
            Outcome::Signaled {
                name: "KILL".into(),
            },
            Outcome::TimedOut {
                stopped: fleet::Stopped::Verified,
            },
            Outcome::Cancelled {
                stopped: fleet::Stopped::Unverified,
            },
            Outcome::ConnectionLost {
                may_still_run: true,
            },
        ] {
            let execution = Execution {
                host: place().host,
                outcome,
                stdout: Captured {
                    bytes: b"a\0\"b".to_vec(),
                    total: 9,
                    rest: Some([7; 32]),
                },
                stderr: Captured {
                    bytes: vec![0xff, b'x'],
                    total: 2,
                    rest: None,
                },
                duration: Duration::from_millis(1234),
                hold: hold().await,
            };
            let visited = Visited {
                state: State::Failed,
                took: Duration::ZERO,
                what: Ok(What::Ran(crate::ops::RunReport::new(execution))),
            };
            let (state, what) = sent(&visited).await;
            assert_eq!(state, State::Failed);
            let (before, after) = (visited.what.unwrap(), what.unwrap());
            let normalize = crate::ops::Normalize::default();
            assert_eq!(before.key(state, normalize), after.key(state, normalize));
            let (What::Ran(before), What::Ran(after)) = (before, after) else {
                panic!("reports of commands");
            };
            let json = |report| serde_json::to_value(report).unwrap();
            assert_eq!(json(&before), json(&after));
            assert_eq!(before.to_string(), after.to_string());
        }
    }

    #[tokio::test]
    async fn a_failure_keeps_what_programs_go_by() {
        let failure = Failure {
            outcome: "unreachable",
            code: "host_key_changed",
            host: Some("web-01".into()),
            phase: Some("host_key"),
            message: "the key is another".into(),
            hint: Some("look".into()),
        };
        let visited = Visited::refused(failure.clone());
        let (state, what) = sent(&visited).await;
        assert_eq!((state, what.unwrap_err()), (State::Refused, failure));
    }

    #[test]
    fn work_arrives_as_it_was_asked_for() {
        let works = [
            Work::Read {
                range: Range::LastLines(7),
                tree: Some(2),
            },
            Work::Run {
                program: Program::Argv(vec!["du".into(), "-sh".into()]),
                cwd: Some(RemotePath::parse("~/a b").unwrap()),
                env: vec![("A".into(), "b c".into())],
                stdin: Some("in\0".into()),
                timeout: Some(Duration::from_millis(1500)),
            },
        ];
        for work in works {
            let text = serde_json::to_string(&SentWork::of(&work).unwrap()).unwrap();
            let sent: SentWork = serde_json::from_str(&text).unwrap();
            assert_eq!(format!("{:?}", sent.work().unwrap()), format!("{work:?}"));
        }
    }

    /// A code that is missing here would arrive as `failed`.
    #[test]
    fn every_code_of_the_fleet_is_known() {
        for source in [
            include_str!("../../../actors/src/error.rs"),
            include_str!("../../../actors/src/error/dial.rs"),
            include_str!("../../../actors/src/error/file.rs"),
        ] {
            let (_, code) = source.split_once("pub fn code(").unwrap();
            let (code, _) = code.split_once("\n    }\n").unwrap();
            for found in code.split('"').skip(1).step_by(2) {
                assert!(Failure::CODES.contains(&found), "{found}");
            }
        }
    }
}
