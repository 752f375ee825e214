//! Which hosts there are, how they are reached, and whether they answer.

use super::{Failure, Ops, Printable};
use crate::access::Principal;
use fleet::HostStatus;
use fleet::inventory::fold;
use serde::Serialize;
use std::fmt;

/// Which hosts to list.
#[derive(Debug, Clone, Default)]
pub struct HostsRequest {
    /// Only the hosts that this expression selects.
    pub filter: Option<String>,
    /// Whether to find out who is online.
    pub probe: bool,
}

/// The list.
#[derive(Debug, Serialize)]
pub struct HostsReport {
    /// The hosts, by name.
    pub hosts: Vec<HostLine>,
    /// How many a filter selected; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected: Option<usize>,
    /// The hosts a filter selected as a short expression that selects the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folded: Option<String>,
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
    /// A filter that cannot be followed or selects no host.
    pub async fn hosts(
        &self,
        principal: &Principal,
        request: HostsRequest,
    ) -> Result<HostsReport, Failure> {
        let filter = request.filter.as_deref();
        let filter = filter.filter(|filter| !filter.trim().is_empty());
        let names = match filter {
            Some(filter) => self.select(principal, filter)?,
            None => self.visible_hosts(principal),
        };
        let hosts = self.fleet.status(&names, request.probe).await?;
        Ok(HostsReport {
            hosts: hosts
                .into_iter()
                .map(|host| self.line(principal, host))
                .collect(),
            selected: filter.map(|_| names.len()),
            folded: filter.map(|_| fold(&names)),
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

impl fmt::Display for HostsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.hosts.is_empty() {
            return f.write_str("No SSH hosts configured.");
        }
        f.write_str("Available hosts:")?;
        for host in &self.hosts {
            write!(f, "\n  {host}")?;
        }
        if let (Some(selected), Some(folded)) = (self.selected, &self.folded) {
            let hosts = if selected == 1 { "host" } else { "hosts" };
            write!(f, "\n{selected} {hosts}: {folded}")?;
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
        for tag in &self.tags {
            write!(f, " @{}", Printable(tag))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, tags: &[&str]) -> HostLine {
        HostLine {
            name: name.into(),
            online: Some(true),
            connection: "idle",
            user: Some("ann".into()),
            hostname: Some("10.0.0.1".into()),
            port: Some(22),
            jump: None,
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            problem: None,
        }
    }

    #[test]
    fn a_list_without_a_filter_is_lines_and_no_more() {
        let report = HostsReport {
            hosts: vec![line("db1", &["db", "eu\u{1b}"]), line("web", &[])],
            selected: None,
            folded: None,
        };
        assert_eq!(
            report.to_string(),
            "Available hosts:\n  [✓] db1 (online) -> ann@10.0.0.1:22 @db @eu\\u{1b}\n  [✓] web (online) -> ann@10.0.0.1:22"
        );
    }

    #[test]
    fn what_a_filter_selects_is_summed_up() {
        let mut report = HostsReport {
            hosts: vec![line("n1", &[]), line("n2", &[])],
            selected: Some(2),
            folded: Some("n[1-2]".into()),
        };
        assert!(report.to_string().ends_with(":22\n2 hosts: n[1-2]"));
        report.selected = Some(1);
        assert!(report.to_string().contains("\n1 host: "));
    }
}
