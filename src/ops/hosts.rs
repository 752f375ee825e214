//! Which hosts there are, how they are reached, and whether they answer.

use super::{Failure, Ops};
use crate::access::{HostScope, Principal};
use fleet::HostStatus;
use serde::Serialize;
use std::fmt;

/// Which hosts to list.
#[derive(Debug, Clone, Default)]
pub struct HostsRequest {
    /// Only hosts whose name matches one of these globs, separated by commas.
    pub filter: Option<String>,
    /// Whether to find out who is online.
    pub probe: bool,
}

/// The list.
#[derive(Debug, Serialize)]
pub struct HostsReport {
    /// The hosts, by name.
    pub hosts: Vec<HostLine>,
}

/// One host of the list.
#[derive(Debug, Serialize)]
pub struct HostLine {
    /// Its name.
    pub name: String,
    /// Whether it takes connections; absent when that was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online: Option<bool>,
    /// The state of its connection: `idle`, `connecting`, `connected` or `backoff`.
    pub connection: &'static str,
    /// The login name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The name or address connected to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The port connected to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The host gone through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jump: Option<String>,
    /// Its tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Ops {
    /// Lists the hosts the principal may know.
    ///
    /// # Errors
    /// A filter that is no list of globs.
    pub async fn hosts(
        &self,
        principal: &Principal,
        request: HostsRequest,
    ) -> Result<HostsReport, Failure> {
        let mut names = self.visible_hosts(principal);
        if let Some(filter) = request
            .filter
            .as_deref()
            .map(str::trim)
            .filter(|f| !f.is_empty())
        {
            let globs = filter.split(',').map(str::trim);
            let scope = HostScope::matching(globs)
                .map_err(|error| Failure::invalid(format!("`filter`: {error}")))?;
            names.retain(|name| scope.contains(name.as_str()));
        }
        let hosts = self.fleet.status(&names, request.probe).await?;
        Ok(HostsReport {
            hosts: hosts.into_iter().map(line).collect(),
        })
    }
}

fn line(status: HostStatus) -> HostLine {
    let (settings, problem) = match status.settings {
        Ok(settings) => (Some(settings), None),
        Err(problem) => (None, Some(problem)),
    };
    HostLine {
        name: status.name.to_string(),
        online: status.online,
        connection: status.state,
        user: settings.as_ref().map(|s| s.user.clone()),
        hostname: settings.as_ref().map(|s| s.hostname.clone()),
        port: settings.as_ref().map(|s| s.port),
        jump: settings
            .as_ref()
            .and_then(|s| s.jump.as_ref())
            .map(|j| j.settings.name.to_string()),
        tags: status.tags,
        problem,
    }
}

impl fmt::Display for HostsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.hosts.is_empty() {
            return f.write_str("No SSH hosts configured.");
        }
        f.write_str("Available hosts:")?;
        for host in &self.hosts {
            write!(f, "\n  {host}")?;
        }
        Ok(())
    }
}

impl fmt::Display for HostLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(problem) = &self.problem {
            return write!(f, "[!] {} (unusable): {problem}", self.name);
        }
        let (mark, word) = match self.online {
            Some(true) => ("✓", "online"),
            Some(false) => ("✗", "offline"),
            None => ("·", self.connection),
        };
        write!(f, "[{mark}] {} ({word})", self.name)?;
        if let (Some(user), Some(hostname), Some(port)) = (&self.user, &self.hostname, self.port) {
            write!(f, " -> {user}@{hostname}:{port}")?;
        }
        if let Some(jump) = &self.jump {
            write!(f, " via {jump}")?;
        }
        Ok(())
    }
}
