//! `scout check --live URL`: sends a running server what it must refuse, and looks whether it does.
//!
//! What is promised is read from this machine's configuration, so it is to be run with the one the
//! server has. What it does not promise, or what needs a key that was not given, is said to be
//! unproven; it is never counted as kept.

use super::CheckArgs;
use super::claims::Claims;
use super::probe::{FOREIGN, Probe, Target};
use super::row::{Row, Table, Verdict};
use crate::access::keys;
use crate::cli::{EXIT_USAGE, SOFTWARE, fail, out};
use crate::config::{Config, RateLimit};
use serde_json::json;
use std::process::ExitCode;
use std::time::Instant;

const NO_KEY: &str = "needs a valid key: `--key-env VAR`";

/// The most requests that are sent to meet a rate limit.
const MAX_REQUESTS: u64 = 20_000;

pub(super) async fn run(args: &CheckArgs, url: &str, config: &Config) -> ExitCode {
    let target = match Target::parse(url) {
        Ok(target) => target,
        Err(error) => return fail(EXIT_USAGE, &error),
    };
    let key = match args.key_env.as_deref().map(std::env::var).transpose() {
        Ok(key) => key,
        Err(error) => return fail(EXIT_USAGE, &error),
    };
    // A key that nobody has: it exists only here, and only now.
    let wrong = match keys::generate("check") {
        Ok(wrong) => wrong.secret,
        Err(error) => return fail(SOFTWARE, &error),
    };
    let live = Live {
        target,
        claims: Claims::of(config),
        key: key.as_deref(),
        wrong: &wrong,
    };
    let rows = live.prove(args.rate_limit).await;
    let broken = rows.iter().filter(|row| row.verdict == Verdict::Broken);
    let (broken, unproven) = (
        broken.count(),
        rows.iter()
            .filter(|row| row.verdict == Verdict::Unproven)
            .count(),
    );
    let report = if args.json {
        let all = json!({"url": url, "checks": rows, "broken": broken, "unproven": unproven});
        format!("{all:#}\n")
    } else {
        format!("{}\n{}\n", Table(&rows), conclusion(broken, unproven))
    };
    let code = match broken {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    };
    out::data(report.as_bytes(), code, ExitCode::FAILURE)
}

fn conclusion(broken: usize, unproven: usize) -> String {
    let rest = match unproven {
        0 => String::new(),
        n => format!("; {n} could not be proven"),
    };
    match broken {
        0 => format!("nothing is broken{rest}"),
        n => format!("{n} broken{rest}"),
    }
}

/// One server, and what is known of it.
struct Live<'a> {
    target: Target,
    claims: Claims,
    key: Option<&'a str>,
    wrong: &'a str,
}

impl Live<'_> {
    async fn prove(&self, rate_limit: bool) -> Vec<Row> {
        let health = self.target.health().await;
        let mut rows = vec![Row::status("GET /health", 200, &health)];
        if health.is_err() {
            return rows;
        }
        rows.push(self.foreign_host().await);
        rows.push(
            self.origin("a page of another site", "http://scout-check.invalid")
                .await,
        );
        rows.push(self.origin("a page without an origin", "null").await);
        rows.extend(self.keys().await);
        rows.push(
            self.too_large("a body that is announced too large", false)
                .await,
        );
        rows.push(
            self.too_large("a body that turns out too large", true)
                .await,
        );
        rows.push(self.rate(rate_limit).await);
        rows
    }

    async fn foreign_host(&self) -> Row {
        const WHAT: &str = "a foreign Host name";
        let got = self.target.probe(Probe {
            host: Some(FOREIGN),
            ..self.known()
        });
        let got = got.await;
        if !self.claims.host && got != Ok(403) {
            let why = "not on loopback and without `http.allowed_hosts` a server cannot know its own names";
            return Row::unproven(WHAT, 403, why);
        }
        Row::status(WHAT, 403, &got)
    }

    async fn origin(&self, what: &'static str, origin: &'static str) -> Row {
        let probe = Probe {
            origin: Some(origin),
            ..self.known()
        };
        Row::status(what, 403, &self.target.probe(probe).await)
    }

    async fn keys(&self) -> Vec<Row> {
        let (none, wrong, url) = ("no key", "a wrong key", "a key in the URL");
        let without = self.target.probe(Probe::default()).await;
        let with = |key| Probe {
            key: Some(key),
            ..Probe::default()
        };
        let query = format!("api_key={}", self.wrong);
        let in_url = Probe {
            query: Some(&query),
            ..Probe::default()
        };
        let in_url = Row::status(url, 401, &self.target.probe(in_url).await);
        let claimed = self.claims.keys || self.key.is_some();
        if !claimed && without == Ok(200) {
            let why = "no keys are configured: whoever reaches the port is served";
            return vec![
                Row::unproven(none, 401, why),
                Row::unproven(wrong, 401, why),
                in_url,
            ];
        }
        let mut rows = vec![
            Row::status(none, 401, &without),
            Row::status(wrong, 401, &self.target.probe(with(self.wrong)).await),
            in_url,
        ];
        rows.push(match self.key {
            Some(key) => Row::status(
                "the key that was given",
                200,
                &self.target.probe(with(key)).await,
            ),
            None => Row::unproven("a valid key", 200, NO_KEY),
        });
        rows
    }

    async fn too_large(&self, what: &'static str, chunked: bool) -> Row {
        let probe = Probe {
            size: self.claims.body + 1,
            chunked,
            ..self.known()
        };
        match self.target.probe(probe).await {
            // Who it is comes before how much it is.
            Ok(401) if self.key.is_none() => Row::unproven(what, 413, NO_KEY),
            got => {
                Row::status(what, 413, &got).with_note(format!("{} bytes", self.claims.body + 1))
            }
        }
    }

    async fn rate(&self, allowed: bool) -> Row {
        const WHAT: &str = "more requests than the rate";
        match self.claims.rate {
            None => Row::unproven(WHAT, 429, "no rate limit is configured"),
            Some(_) if !allowed => Row::unproven(
                WHAT,
                429,
                "uses up what this caller may send: `--rate-limit`",
            ),
            Some(rate) => self.exhaust(WHAT, rate).await,
        }
    }

    /// Sends pings until one is refused, or more have passed than the limit lets through.
    async fn exhaust(&self, what: &'static str, rate: RateLimit) -> Row {
        let began = Instant::now();
        for sent in 1..=MAX_REQUESTS {
            let (status, waits) = match self.target.ask(self.known()).await {
                Ok(response) => (response.status, response.header("retry-after").map(seconds)),
                Err(error) => return Row::status(what, 429, &Err(error.to_string())),
            };
            let let_through = fits(rate, began.elapsed().as_secs_f64());
            match status {
                429 if waits.flatten().is_some() => {
                    return Row {
                        verdict: Verdict::Kept,
                        note: Some(format!("request {sent}")),
                        ..Row::status(what, 429, &Ok(429))
                    };
                }
                429 => {
                    return Row {
                        verdict: Verdict::Broken,
                        note: Some("without a `Retry-After` in seconds".into()),
                        ..Row::status(what, 429, &Ok(429))
                    };
                }
                401 if self.key.is_none() => return Row::unproven(what, 429, NO_KEY),
                status if status != 200 || sent > let_through => {
                    return Row::status(what, 429, &Ok(status))
                        .with_note(format!("request {sent}"));
                }
                _ => {}
            }
        }
        Row::unproven(
            what,
            429,
            "the limit is too high to be met by one caller in turn",
        )
    }

    /// An ordinary request of this caller.
    fn known(&self) -> Probe<'_> {
        Probe {
            key: self.key,
            ..Probe::default()
        }
    }
}

fn seconds(value: &str) -> Option<u64> {
    value.parse().ok().filter(|seconds| *seconds > 0)
}

/// How many requests a bucket lets through in so many seconds, rounded up.
fn fits(rate: RateLimit, seconds: f64) -> u64 {
    let refilled = f64::from(rate.per_minute.get()) / 60.0 * seconds;
    u64::from(rate.burst.get()) + refilled.ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    #[test]
    fn a_bucket_lets_its_burst_through_and_what_comes_back() {
        let number = |n| NonZeroU32::new(n).unwrap();
        let rate = RateLimit {
            per_minute: number(60),
            burst: number(10),
        };
        assert_eq!(fits(rate, 0.0), 10);
        assert_eq!(fits(rate, 0.1), 11);
        assert_eq!(fits(rate, 3.0), 13);
    }

    #[test]
    fn what_was_not_proven_is_said() {
        assert_eq!(conclusion(0, 0), "nothing is broken");
        assert_eq!(conclusion(1, 2), "1 broken; 2 could not be proven");
    }
}
