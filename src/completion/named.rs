//! What there is on a host by name: containers, compose projects, storage pools.

use super::{patience, suggest};
use crate::access::Principal;
use crate::mcp::Completion;
use crate::ops::{Failure, Ops};
use fleet::{Deadline, HostName};
use rmcp::model::CompletionInfo;

/// What a variable of a template stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Container,
    Project,
    Pool,
}

impl Named {
    /// By the name of the variable.
    pub(super) fn of(variable: &str) -> Option<Self> {
        match variable {
            "container" => Some(Self::Container),
            "project" => Some(Self::Project),
            "pool" => Some(Self::Pool),
            _ => None,
        }
    }

    pub(super) async fn complete(
        self,
        ops: &Ops,
        principal: &Principal,
        asked: &Completion,
    ) -> CompletionInfo {
        let chosen = asked.chosen.iter().find(|(name, _)| name == "host");
        let Some(host) = chosen.and_then(|(_, host)| HostName::parse(host).ok()) else {
            return CompletionInfo::default();
        };
        // A program that hangs is stopped, which takes its time too: nobody who types waits for that.
        let deadline = patience(asked);
        let list = self.list(ops, principal, &host, deadline);
        match tokio::time::timeout_at(deadline.instant(), list).await {
            Ok(Ok((mut names, all))) => {
                names.retain(|name| name.starts_with(&asked.value));
                suggest(names, all)
            }
            _ => CompletionInfo::default(),
        }
    }

    /// The names, and whether they are all.
    async fn list(
        self,
        ops: &Ops,
        principal: &Principal,
        host: &HostName,
        deadline: Deadline,
    ) -> Result<(Vec<String>, bool), Failure> {
        match self {
            Self::Container => {
                let found = ops.containers(principal, host, deadline).await?;
                let names = found.containers.into_iter().map(|container| container.name);
                Ok((names.collect(), !found.truncated))
            }
            Self::Project => {
                let found = ops.projects(principal, host, deadline).await?;
                let names = found.projects.into_iter().map(|project| project.name);
                Ok((names.collect(), true))
            }
            Self::Pool => Ok((ops.pool_names(principal, host, deadline).await?, true)),
        }
    }
}
