//! The course of a load test: connect, load, look, judge.

mod mix;
mod report;
mod server_side;

use std::io::{Error, Result};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use futures_util::future::join_all;
use serde_json::json;

use self::mix::{Draw, Mix, furnish};
use self::report::{Book, Look, Report};
use self::server_side::ServerSide;
use crate::kit::daemon::Daemon;
use crate::kit::mcp::Client;
use crate::kit::real::fleet::Fleet;
use crate::kit::real::sshd::Sshd;
use crate::kit::usage::Usage;

/// What is asked for.
#[derive(Debug, Parser)]
#[command(about = "Holds many callers against many hosts, and reports how that went")]
struct Args {
    /// Hosts, an `sshd` each.
    #[arg(long, default_value_t = 100)]
    hosts: usize,
    /// Callers, a connection each; whoever has an answer makes the next call.
    #[arg(long, default_value_t = 64)]
    callers: usize,
    /// How long.
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// How often which call is made.
    #[arg(long, default_value = "read=70,list=15,run=10,broadcast=5")]
    mix: Mix,
    /// Hosts of a broadcast.
    #[arg(long, default_value_t = 10)]
    width: usize,
    /// Milliseconds between an answer and the next call of the same caller, as people and agents
    /// take them; 0 loads the machine to its limit.
    #[arg(long, default_value_t = 0.0)]
    think_ms: f64,
    /// A variable of Scout that is not at its default: `NAME=VALUE`.
    #[arg(long = "env", value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Fail when more than 1 in 100 waits for a host longer than this many milliseconds.
    #[arg(long)]
    max_lock_wait_p99_ms: Option<f64>,
    /// Fail when a smaller share of the calls finds its connection made.
    #[arg(long)]
    min_hit_rate: Option<f64>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

pub(crate) fn main() -> ExitCode {
    let args = Args::parse();
    // One thread: a second one would take the servers' processor.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let report = runtime.block_on(run(&args)).unwrap();
    print!("{report}");
    let missed = report.missed(args.max_lock_wait_p99_ms, args.min_hit_rate);
    for reason in &missed {
        println!("FAILED: {reason}");
    }
    match missed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

async fn run(args: &Args) -> Result<Report> {
    let fleet = Fleet::start(args.hosts).await;
    let shelf = furnish(fleet.dir())?;
    let env: Option<Vec<_>> = args.env.iter().map(|pair| pair.split_once('=')).collect();
    let env = env.ok_or_else(|| Error::other("--env takes NAME=VALUE"))?;
    let begin = Instant::now();
    let scout = Daemon::scout(&fleet, &env).await?;
    let hosts = fleet.names();
    let pids = [scout.pid()];
    let sshds: Vec<_> = fleet.sshds().iter().map(Sshd::pid).collect();
    // A look takes a while; the callers go on meanwhile.
    let look = async |when| {
        let (pids, sshds) = (pids, sshds.clone());
        let looking = move || Look {
            when,
            at: begin.elapsed(),
            scout: Usage::of_trees(&pids),
            hosts: Usage::of_trees(&sshds),
            callers: Usage::of(std::process::id().cast_signed()),
        };
        tokio::task::spawn_blocking(looking).await.unwrap()
    };
    let mut looks = vec![look("started").await];
    let started = scout.metrics().await?;
    connect(&scout, args.hosts, &shelf).await?;
    let connected = scout.metrics().await?;
    looks.push(look("connected").await);

    let mut clients = Vec::new();
    for _ in 0..args.callers {
        clients.push(Client::open(scout.address()).await?);
    }
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(args.seconds);
    let callers = clients.into_iter().zip(1..).map(|(client, seed)| {
        let draw = Draw {
            state: seed,
            mix: &args.mix,
            hosts: &hosts,
            shelf: &shelf,
            width: args.width.min(hosts.len()),
        };
        call(
            client,
            draw,
            end,
            Duration::from_secs_f64(args.think_ms / 1000.0),
        )
    });
    let watch = async {
        let third = Duration::from_secs_f64(args.seconds / 3.0);
        let mut seen = Vec::new();
        for when in ["after a third", "after two thirds"] {
            tokio::time::sleep(third).await;
            seen.push(look(when).await);
        }
        seen
    };
    let (books, seen) = tokio::join!(join_all(callers), watch);
    let took = start.elapsed();
    looks.extend(seen);
    looks.push(look("at the end").await);
    let after = scout.metrics().await?;
    Ok(Report {
        hosts: args.hosts,
        callers: args.callers,
        think_ms: args.think_ms,
        took,
        book: Book::join(books),
        looks,
        pool: ServerSide::between(&started, &after),
        waits: ServerSide::between(&connected, &after),
    })
}

/// Connects to every host: one caller reads a file on all of them.
async fn connect(scout: &Daemon, hosts: usize, shelf: &Path) -> Result<()> {
    let mut client = Client::open(scout.address()).await?;
    let arguments = json!({"hosts": "all", "path": shelf.join("note-00.txt")});
    let all = format!("{hosts}/{hosts} hosts succeeded");
    let read = client.tool("broadcast", &arguments, &all);
    client.call(&read).await
}

/// One caller, until the time is up.
async fn call(mut client: Client, mut draw: Draw<'_>, end: Instant, think: Duration) -> Book {
    let mut book = Book::default();
    while Instant::now() < end {
        let job = draw.job();
        let call = client.tool(job.tool, &job.arguments, &job.expected);
        let start = Instant::now();
        let answer = client.call(&call).await;
        book.note(job.op, start.elapsed(), answer.err());
        if !think.is_zero() {
            tokio::time::sleep(think).await;
        }
    }
    book
}
