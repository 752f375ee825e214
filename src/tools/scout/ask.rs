//! What one call of `scout` asks for: its many parameters as exactly one operation, or the reason why
//! they are none. Pure.
//!
//! The server Scout replaces took the first of several operations and dropped the others without a
//! word; here two that exclude each other are an error. What it took for absent still is: `null`, and
//! empty texts and lists, which clients send for parameters they do not use.

use super::Args;
use crate::ops::{DEFAULT_DEPTH, Failure};
use fleet::Target;

/// One operation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// The list of hosts.
    Hosts,
    /// What is at a place, a directory as a tree to this depth.
    Read { at: Target, tree: Option<usize> },
    /// A command line in a directory.
    Run { at: Target, query: String },
    /// Files by name below a directory.
    Find {
        at: Target,
        name: String,
        depth: Option<usize>,
    },
    /// Two places compared.
    Diff { at: Target, other: Target },
    /// A place compared with a text.
    DiffContent { at: Target, content: String },
    /// The same in many places: a command line, or a look at what is there.
    Broadcast {
        targets: Vec<String>,
        query: Option<String>,
        tree: Option<usize>,
    },
    /// A file or directory between this machine and a host.
    Beam { at: Target, local: String },
    /// A file or directory between two hosts.
    Relay { from: Target, to: Target },
}

impl TryFrom<Args> for Ask {
    type Error = Failure;

    fn try_from(args: Args) -> Result<Self, Failure> {
        let Args {
            target,
            query,
            tree,
            find,
            depth,
            diff,
            diff_content,
            targets,
            beam,
            beam_source,
            beam_target,
        } = args;
        let tree = tree.unwrap_or(false);
        let levels = tree.then_some(depth.unwrap_or(DEFAULT_DEPTH));
        let [query, find, diff, diff_content] = [query, find, diff, diff_content].map(given);
        let [target, beam, beam_source, beam_target] =
            [target, beam, beam_source, beam_target].map(given);
        let targets = targets.filter(|targets| !targets.is_empty());
        one_of(&[
            ("beam", beam.is_some()),
            ("beam_source", beam_source.is_some()),
            ("targets", targets.is_some()),
            // These two go with several targets.
            ("tree", tree && targets.is_none()),
            ("find", find.is_some()),
            ("diff", diff.is_some()),
            ("diff_content", diff_content.is_some()),
            ("query", query.is_some() && targets.is_none()),
        ])?;
        match (beam_source, beam_target, &target) {
            (None, None, _) => {}
            (Some(_), Some(_), Some(_)) => {
                return Err(Failure::invalid(
                    "`beam_source` and `beam_target` say where from and where to; `target` has no meaning beside them",
                ));
            }
            (Some(from), Some(to), None) => {
                return Ok(Self::Relay {
                    from: place("beam_source", &from)?,
                    to: place("beam_target", &to)?,
                });
            }
            _ => {
                return Err(Failure::invalid(
                    "`beam_source` and `beam_target` go together; for a local file use `target` and `beam`",
                ));
            }
        }
        if let Some(targets) = targets {
            if target.is_some() {
                return Err(Failure::invalid("give `target` or `targets`, not both"));
            }
            if tree && query.is_some() {
                return Err(one_call_for_each("tree", "query"));
            }
            return Ok(Self::Broadcast {
                targets,
                query,
                tree: levels,
            });
        }
        let target = target.ok_or_else(|| {
            Failure::invalid("`target` is missing: `hosts`, or a place such as `web1:/etc/hosts`")
        })?;
        if target.trim().eq_ignore_ascii_case("hosts") {
            let alone = !tree && query.or(find).or(diff).or(diff_content).or(beam).is_none();
            return match alone {
                true => Ok(Self::Hosts),
                false => Err(Failure::invalid("`hosts` takes no other parameter")),
            };
        }
        let at = place("target", &target)?;
        Ok(match (query, find, diff, diff_content, beam) {
            (Some(query), ..) => Self::Run { at, query },
            (_, Some(name), ..) => Self::Find { at, name, depth },
            (_, _, Some(other), ..) => Self::Diff {
                at,
                other: place("diff", &other)?,
            },
            (_, _, _, Some(content), _) => Self::DiffContent { at, content },
            (.., Some(local)) => Self::Beam { at, local },
            _ => Self::Read { at, tree: levels },
        })
    }
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn place(name: &str, text: &str) -> Result<Target, Failure> {
    Target::parse(text).map_err(|error| Failure::invalid(format!("`{name}`: {error}")))
}

/// Refuses two operations in one call.
fn one_of(operations: &[(&str, bool)]) -> Result<(), Failure> {
    let mut asked = operations.iter().filter(|(_, asked)| *asked);
    match (asked.next(), asked.next()) {
        (Some((first, _)), Some((second, _))) => Err(one_call_for_each(first, second)),
        _ => Ok(()),
    }
}

fn one_call_for_each(first: &str, second: &str) -> Failure {
    Failure::invalid(format!(
        "`{first}` and `{second}` are two operations: call once for each"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn ask(arguments: Value) -> Result<Ask, String> {
        let args: Args = serde_json::from_value(arguments).unwrap();
        Ask::try_from(args).map_err(|failure| failure.message)
    }

    fn at(text: &str) -> Target {
        Target::parse(text).unwrap()
    }

    #[test]
    fn what_clients_send_for_nothing_is_nothing() {
        let blank = json!({"target": "a:/x", "query": "", "find": null, "depth": 5, "diff": "",
            "diff_content": "", "targets": [], "beam": "", "beam_source": "", "beam_target": null,
            "tree": null});
        let read = Ask::Read {
            at: at("a:/x"),
            tree: None,
        };
        assert_eq!(ask(blank), Ok(read));
        assert_eq!(ask(json!({"target": " Hosts "})), Ok(Ask::Hosts));
    }

    #[test]
    fn every_operation_has_its_parameters() {
        let target = || at("a:/x");
        let text = || "t".to_owned();
        for (arguments, expected) in [
            (
                json!({"target": "a:/x", "tree": true}),
                Ask::Read {
                    at: target(),
                    tree: Some(3),
                },
            ),
            (
                json!({"target": "a:/x", "query": "t"}),
                Ask::Run {
                    at: target(),
                    query: text(),
                },
            ),
            (
                json!({"target": "a:/x", "find": "t", "depth": 2}),
                Ask::Find {
                    at: target(),
                    name: text(),
                    depth: Some(2),
                },
            ),
            (
                json!({"target": "a:/x", "diff": "b:/y"}),
                Ask::Diff {
                    at: target(),
                    other: at("b:/y"),
                },
            ),
            (
                json!({"target": "a:/x", "diff_content": "t"}),
                Ask::DiffContent {
                    at: target(),
                    content: text(),
                },
            ),
            (
                json!({"targets": ["a:/x"], "query": "t"}),
                Ask::Broadcast {
                    targets: vec!["a:/x".into()],
                    query: Some(text()),
                    tree: None,
                },
            ),
            (
                json!({"target": "a:/x", "beam": "t"}),
                Ask::Beam {
                    at: target(),
                    local: text(),
                },
            ),
            (
                json!({"beam_source": "a:/x", "beam_target": "b:/y"}),
                Ask::Relay {
                    from: target(),
                    to: at("b:/y"),
                },
            ),
        ] {
            assert_eq!(ask(arguments.clone()), Ok(expected), "{arguments}");
        }
    }

    #[test]
    fn two_operations_or_half_of_one_are_named() {
        for (arguments, named) in [
            (json!({}), "`target` is missing"),
            (json!({"target": "a"}), "no colon"),
            (json!({"target": "hosts", "tree": true}), "no other"),
            (
                json!({"target": "a:/x", "find": "t", "query": "t"}),
                "`find` and `query`",
            ),
            (
                json!({"target": "a:/x", "beam": "t", "beam_source": "a:/x"}),
                "`beam` and `beam_source`",
            ),
            (json!({"beam_source": "a:/x"}), "go together"),
            (json!({"beam_target": "a:/x"}), "go together"),
            (
                json!({"target": "a:/x", "targets": ["b:/y"]}),
                "`target` or `targets`",
            ),
            (
                json!({"targets": ["a:/x"], "find": "t"}),
                "`targets` and `find`",
            ),
            (
                json!({"target": "a:/x", "diff": "b"}),
                "`diff`: a target is",
            ),
        ] {
            let message = ask(arguments.clone()).unwrap_err();
            assert!(message.contains(named), "{arguments}: {message}");
        }
    }
}
