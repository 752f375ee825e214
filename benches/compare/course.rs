//! The course of a comparison: the same hosts for all, everybody in turn for each piece of work, and the
//! whole again in each round, with fresh servers and connections.

mod cell;
mod peer;
mod report;
mod script;
mod web;

use std::io::Result;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgAction, Parser};

use self::cell::{Cell, Op, Outcome, furnish};
use self::peer::Peer;
use self::report::{Entry, Figures, Server};
use crate::kit::real::fleet::Fleet;
use crate::kit::real::sshd::config::SshdConfig;

/// What is asked for.
#[derive(Debug, Parser)]
#[command(about = "Compares Scout with ssh, asyncssh and scout_mcp")]
pub(crate) struct Args {
    /// How often everything is measured.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds for each peer and piece of work.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Hosts of the largest broadcast, an `sshd` each.
    #[arg(long, default_value_t = 100)]
    hosts: usize,
    /// Whether `ssh` takes part.
    #[arg(long, default_value_t = true, action = ArgAction::Set)]
    pub(crate) ssh: bool,
    /// A Python that has asyncssh.
    #[arg(long)]
    pub(crate) asyncssh: Option<PathBuf>,
    /// A Python that has what scout_mcp needs.
    #[arg(long)]
    pub(crate) reference_python: Option<PathBuf>,
    /// The source of scout_mcp as it is shipped.
    #[arg(long)]
    pub(crate) shipped: Option<PathBuf>,
    /// The source of scout_mcp with its pool repaired.
    #[arg(long)]
    pub(crate) repaired: Option<PathBuf>,
    /// Where the figures go as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

pub(crate) fn main() {
    let args = Args::parse();
    // One thread: a second one would take the servers' processor.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let figures = runtime.block_on(run(&args)).unwrap();
    print!("{figures}");
    if let Some(file) = &args.json {
        std::fs::write(file, serde_json::to_vec_pretty(&figures).unwrap()).unwrap();
    }
}

async fn run(args: &Args) -> Result<Figures> {
    // Nobody but Scout keeps to the sessions that a host allows, so these hosts allow many; the last
    // one is as it is shipped.
    let patient = SshdConfig {
        max_sessions: 1000,
        ..SshdConfig::default()
    };
    let fleet = Fleet::builder().hosts_with(args.hosts, &patient).hosts(1);
    let fleet = fleet.start().await;
    let shelf = furnish(fleet.dir())?;
    let mut figures = Figures::default();
    for round in 0..args.rounds {
        let mut peers = Peer::all(args, &fleet).await?;
        for (name, cell) in cells(args, &fleet.names(), &shelf) {
            for peer in &mut peers {
                if let Some(outcome) = peer.measure(&cell).await? {
                    note(round, &name, peer, &outcome);
                    figures
                        .entries
                        .push(Entry::new(round, &name, peer.name, &outcome));
                }
            }
        }
        for peer in peers {
            if let Some((start, usage)) = peer.server() {
                figures.servers.push(Server::new(peer.name, start, usage));
            }
            peer.close().await;
        }
    }
    Ok(figures)
}

/// The work of one round, in order: the first call of all is a cold one, and so is the first broadcast.
fn cells(args: &Args, names: &[String], shelf: &Path) -> Vec<(String, Cell)> {
    let time = Duration::from_secs_f64(args.seconds);
    let (last, names) = names.split_last().unwrap();
    let cell = |op, callers, hosts: &[String], time| Cell {
        op,
        callers,
        hosts: hosts.to_vec(),
        shelf: shelf.to_owned(),
        time,
    };
    let once = Duration::ZERO;
    let mut cells = vec![(
        "first read, cold".to_owned(),
        cell(Op::Read, Some(1), names, once),
    )];
    for op in [Op::Read, Op::List, Op::Run] {
        for callers in [1, 8, 64] {
            let warm = cell(op, Some(callers), names, time);
            cells.push((warm.name(), warm));
        }
    }
    let large = cell(Op::Large, Some(1), names, time);
    cells.push((large.name(), large));
    for count in [10.min(names.len()), names.len()] {
        let hosts = &names[..count];
        cells.push((
            format!("read 1 KB on {count} hosts, the first time"),
            cell(Op::Read, None, hosts, once),
        ));
        for op in [Op::Read, Op::Run] {
            let warm = cell(op, None, hosts, time);
            cells.push((warm.name(), warm));
        }
    }
    let default = cell(Op::Read, Some(64), std::slice::from_ref(last), once);
    cells.push(("64 reads at once, MaxSessions 10".to_owned(), default));
    cells
}

fn note(round: usize, name: &str, peer: &Peer, outcome: &Outcome) {
    let (calls, errors) = (outcome.times.len(), outcome.errors);
    let rate = outcome.rate();
    eprintln!(
        "round {round}: {name}: {}: {calls} calls, {rate:.1}/s, {errors} errors",
        peer.name
    );
    if let Some(error) = &outcome.error {
        eprintln!("  {error}");
    }
}
