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
    #[serde(skip)]
    filtered: bool,
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
        let filter = request.filter.as_deref().map(str::trim);
        let filter = filter.filter(|filter| !filter.is_empty());
        if let Some(filter) = filter {
            let scope = scope(filter)?;
            names.retain(|name| scope.contains(name.as_str()));
        }
        let hosts = self.fleet.status(&names, request.probe).await?;
        Ok(HostsReport {
            hosts: hosts
                .into_iter()
                .map(|host| self.line(principal, host))
                .collect(),
            filtered: filter.is_some(),
        })
    }

    /// A jump host that the principal may not see is not named.
    fn line(&self, principal: &Principal, status: HostStatus) -> HostLine {
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
                .map(|j| j.settings.name.as_str())
                .filter(|jump| self.visible.to(principal, jump))
                .map(str::to_owned),
            tags: status.tags,
            problem,
        }
    }
}

/// The hosts a filter names: globs, separated by commas that stand outside of braces.
fn scope(filter: &str) -> Result<HostScope, Failure> {
    let invalid = |why: String| Failure::invalid(format!("`filter`: {why}"));
    let mut depth = 0_usize;
    let globs = filter.split(|c| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    let globs: Vec<&str> = globs.map(str::trim).collect();
    for glob in &globs {
        if glob.starts_with(['!', '@']) {
            return Err(invalid(format!(
                "`{glob}` is no glob; exclusions and tags are not supported"
            )));
        }
        let class = glob
            .split_once('[')
            .and_then(|(_, rest)| rest.split_once(']'));
        // `[01-18]` reads like a range of numbers, and would be a set of single characters.
        if class.is_some_and(|(class, _)| class.len() > 3 && class.contains('-')) {
            return Err(invalid(format!(
                "`{glob}`: a class like `[1-9]` is one character; ranges are not supported"
            )));
        }
    }
    HostScope::matching(globs).map_err(|error| invalid(error.to_string()))
}

impl fmt::Display for HostsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.hosts.is_empty(), self.filtered) {
            (true, true) => return f.write_str("No host matches the filter."),
            (true, false) => return f.write_str("No SSH hosts configured."),
            (false, _) => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_list_of_globs_and_nothing_that_only_looks_like_one() {
        let all = scope("web-{1,2}, db*").unwrap();
        assert!(all.contains("web-2") && all.contains("db7") && !all.contains("web-3"));
        assert!(scope("web-[1-9]").unwrap().contains("web-4"));
        for wrong in ["web-[01-18]", "web*,!web-1", "@db", "a b"] {
            assert_eq!(scope(wrong).err().unwrap().code, "invalid", "{wrong}");
        }
    }
}
