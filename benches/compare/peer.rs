//! Who is compared.

use std::io::Result;
use std::process::Command;
use std::time::Duration;

use super::Args;
use super::cell::{Cell, Op, Outcome};
use super::script::{Asyncssh, Ssh};
use super::web::Web;
use crate::kit::daemon::Daemon;
use crate::kit::real::fleet::Fleet;
use crate::kit::usage::Usage;

/// How the tables call Scout.
pub(crate) const SCOUT: &str = "Scout";

/// One of them, ready to work.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Web(Box<Web>),
    Ssh(Ssh),
    Run(Asyncssh),
    Sftp(Asyncssh),
}

impl Peer {
    /// All that the arguments name, freshly started. Nobody has a connection to a host yet.
    pub(crate) async fn all(args: &Args, fleet: &Fleet) -> Result<Vec<Self>> {
        // Of 64 callers of one host more have to wait than are let wait by default.
        let scout = Daemon::scout(fleet, &[]).await?;
        let mut all = vec![Self::web(SCOUT, scout).await?];
        if args.ssh {
            all.push(Self::new(
                "ssh, shared connection",
                Kind::Ssh(Ssh::new(fleet)?),
            ));
        }
        if let Some(python) = &args.asyncssh {
            let start = |how| Asyncssh::start(python, fleet, how);
            all.push(Self::new("asyncssh run", Kind::Run(start("run")?)));
            all.push(Self::new("asyncssh SFTP", Kind::Sftp(start("sftp")?)));
        }
        let references = [
            ("scout_mcp, pool repaired", &args.repaired, "repaired"),
            ("scout_mcp as shipped", &args.shipped, "shipped"),
        ];
        for (name, source, log) in references {
            if let (Some(source), Some(python)) = (source, &args.reference_python) {
                let mut command = Command::new(python);
                command.args(["-m", "scout_mcp"]);
                command
                    .env_clear()
                    .env("PYTHONPATH", source)
                    .env("SCOUT_LOG_LEVEL", "WARNING");
                all.push(Self::web(name, Daemon::start(command, fleet, log).await?).await?);
            }
        }
        Ok(all)
    }

    async fn web(name: &'static str, server: Daemon) -> Result<Self> {
        Ok(Self::new(
            name,
            Kind::Web(Box::new(Web::new(server).await?)),
        ))
    }

    fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind }
    }

    /// Does the work of a cell; `None` when it has no way of its own to do that.
    pub(crate) async fn measure(&mut self, cell: &Cell) -> Result<Option<Outcome>> {
        Ok(Some(match &mut self.kind {
            Kind::Web(web) => web.measure(cell).await?,
            Kind::Ssh(ssh) => ssh.measure(cell).await,
            // A command is a program on the host, for SFTP too.
            Kind::Sftp(_) if cell.op == Op::Run => return Ok(None),
            Kind::Run(asyncssh) | Kind::Sftp(asyncssh) => asyncssh.measure(cell).await?,
        }))
    }

    /// Of a server: how long its start took, and what it uses now.
    pub(crate) fn server(&self) -> Option<(Duration, Usage)> {
        let Kind::Web(web) = &self.kind else {
            return None;
        };
        let server = web.server();
        Some((server.start_time(), Usage::of(server.pid())))
    }

    /// Ends it, and its connections with it.
    pub(crate) async fn close(self) {
        match self.kind {
            Kind::Web(_) => {}
            Kind::Ssh(ssh) => ssh.close().await,
            Kind::Run(asyncssh) | Kind::Sftp(asyncssh) => asyncssh.close().await,
        }
    }
}
