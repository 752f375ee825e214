//! The operations, how often each is done, and the report.

use std::io::Result;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::{Value, json};

use crate::kit::delay::{Delay, Link, round_trip};
use crate::kit::mcp::Client;
use crate::kit::real::fleet::Fleet;
use crate::kit::real::server::TestServer;
use crate::kit::stats::{median, number, percentile, table, time};

/// What stands in the file that is read.
const CONTENT: &str = "a-word-that-only-this-file-has";
/// After which a fleet is taken to be at rest.
const SETTLE: Duration = Duration::from_secs(3);

#[derive(Debug, Parser)]
#[command(about = "Counts the round trips of what Scout does")]
struct Args {
    /// Round-trip time of the network, in milliseconds.
    #[arg(long, default_value_t = 50.0)]
    rtt_ms: f64,
    /// Megabits per second in each direction; without it, as many as come.
    #[arg(long)]
    mbit: Option<f64>,
    /// Hosts of the broadcasts, an `sshd` each.
    #[arg(long, default_value_t = 100)]
    hosts: usize,
    /// Samples of each operation on one host.
    #[arg(long, default_value_t = 20)]
    samples: usize,
    /// Samples of each broadcast.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// An operation and its samples, in seconds.
struct Row {
    name: String,
    samples: Vec<f64>,
    goal: Option<f64>,
}

/// A fleet behind a slow network.
struct Far {
    fleet: Fleet,
    _network: Vec<Delay>,
}

pub(crate) fn main() {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(report(&args)).unwrap();
}

async fn report(args: &Args) -> Result<()> {
    let link = Link {
        one_way: Duration::from_secs_f64(args.rtt_ms / 2000.0),
        rate: args.mbit.map(|mbit| mbit * 1e6 / 8.0),
    };
    let rtt = median(&round_trip(link, 40).await?);
    let far = far(args.hosts, link).await?;
    let mut rows = one_host(&far, args, rtt).await?;
    rows.extend(many_hosts(&far, args, rtt).await?);
    let rows: Vec<_> = rows.iter().map(|row| row.cells(rtt)).collect();
    println!(
        "round-trip time {} (asked for: {} ms), {} hosts, median of {} samples (broadcasts: {})\n",
        time(rtt),
        args.rtt_ms,
        args.hosts,
        args.samples,
        args.rounds
    );
    let head = ["operation", "round trips", "p90", "time", "goal", "met"];
    print!("{}", table(&head, &rows));
    Ok(())
}

/// The fleet, with a delay before each host.
async fn far(hosts: usize, link: Link) -> Result<Far> {
    let mut fleet = Fleet::start(hosts).await;
    let shelf = fleet.dir().join("shelf");
    std::fs::create_dir(&shelf)?;
    for index in 0..20 {
        std::fs::write(shelf.join(format!("note-{index:02}.txt")), CONTENT)?;
    }
    let mut network = Vec::new();
    for name in fleet.names() {
        let proxy = Delay::before(fleet.address(&name), link).await?;
        fleet.reroute(&name, proxy.address());
        network.push(proxy);
    }
    Ok(Far {
        fleet,
        _network: network,
    })
}

/// One caller, one host at a time.
async fn one_host(far: &Far, args: &Args, rtt: f64) -> Result<Vec<Row>> {
    let shelf = far.fleet.dir().join("shelf");
    let note = |index: usize| shelf.join(format!("note-{:02}.txt", index % 20));
    let names = far.fleet.names();
    let cold_hosts = args.samples.min(names.len());

    // Hosts that nobody talked to yet; the metrics say which part was the connection.
    let server = TestServer::start(&far.fleet).await;
    let mut client = Client::open(server.address()).await?;
    let mut cold = Vec::new();
    for name in names.iter().take(cold_hosts) {
        let arguments = json!({"host": name, "path": note(0)});
        cold.push(timed(&mut client, "read", &arguments, CONTENT).await?);
    }
    let metrics = server.metrics().await;
    let connect = metrics
        .value("scout_ssh_connect_duration_seconds_sum", &[])
        .unwrap_or_default();
    let connects = metrics
        .value("scout_ssh_connects_total", &[("outcome", "ok")])
        .unwrap_or_default();

    // What is started behind the first call has time to be ready.
    let settle = Duration::from_secs_f64(rtt * 8.0);
    tokio::time::sleep(settle).await;
    let name = &names[0];
    let mut rows = vec![
        Row::new(
            "connect and authenticate (without TCP's handshake)",
            vec![connect / connects],
            Some(6.6),
        ),
        Row::new("first read of a cold host", cold, None),
    ];
    let pause = Duration::from_secs_f64(rtt * 4.0);
    let run = json!({"host": name, "argv": ["wc", "-c", "note-00.txt"], "cwd": shelf});
    let list = json!({"host": name, "path": shelf});
    let again = json!({"host": name, "path": note(1)});
    let mut operation =
        async |what: &str,
               goal,
               rest: Duration,
               each: &dyn Fn(usize) -> (&'static str, Value, &'static str)| {
            let mut samples = Vec::new();
            for index in 0..args.samples {
                let (tool, arguments, expected) = each(index);
                samples.push(timed(&mut client, tool, &arguments, expected).await?);
                tokio::time::sleep(rest).await;
            }
            rows.push(Row::new(what, samples, goal));
            Result::Ok(())
        };
    let none = Duration::ZERO;
    let fresh = |index: usize| ("read", json!({"host": name, "path": note(index)}), CONTENT);
    operation("warm read, another file each time", Some(1.1), none, &fresh).await?;
    operation("warm read, the same file", Some(1.1), none, &|_| {
        ("read", again.clone(), CONTENT)
    })
    .await?;
    operation("warm list of 20 files", None, none, &|_| {
        ("read", list.clone(), "note-19")
    })
    .await?;
    operation("warm command", Some(1.15), pause, &|_| {
        ("run", run.clone(), "note-00")
    })
    .await?;
    operation(
        "warm command, one straight after the other",
        None,
        none,
        &|_| ("run", run.clone(), "note-00"),
    )
    .await?;
    Ok(rows)
}

/// All hosts at once.
async fn many_hosts(far: &Far, args: &Args, rtt: f64) -> Result<Vec<Row>> {
    let shelf = far.fleet.dir().join("shelf");
    let count = args.hosts;
    let all = format!("{count}/{count} hosts succeeded");
    let note = shelf.join("note-00.txt");
    let read = |width: Option<usize>| {
        let mut arguments = json!({"hosts": "all", "path": note});
        if let Some(width) = width {
            arguments["width"] = width.into();
        }
        arguments
    };
    let run =
        json!({"hosts": "all", "argv": ["wc", "-c", "note-00.txt"], "cwd": shelf, "width": count});
    let [
        mut cold,
        mut cold_wide,
        mut warm,
        mut warm_wide,
        mut command,
    ] = [const { Vec::new() }; 5];
    for _ in 0..args.rounds {
        for (width, cold) in [(None, &mut cold), (Some(count), &mut cold_wide)] {
            let server = TestServer::start(&far.fleet).await;
            let mut client = Client::open(server.address()).await?;
            cold.push(timed(&mut client, "broadcast", &read(width), &all).await?);
            if width.is_none() {
                continue;
            }
            // What was started behind the first calls of so many hosts takes its time.
            tokio::time::sleep(SETTLE).await;
            for _ in 0..3 {
                warm.push(timed(&mut client, "broadcast", &read(None), &all).await?);
                warm_wide.push(timed(&mut client, "broadcast", &read(width), &all).await?);
                command.push(timed(&mut client, "broadcast", &run, &all).await?);
                tokio::time::sleep(SETTLE / 3).await;
            }
        }
    }
    let wide = format!("width {count}");
    Ok(vec![
        Row::new(format!("read on {count} warm hosts"), warm, None),
        Row::new(
            format!("read on {count} warm hosts, {wide}"),
            warm_wide,
            Some(2.5),
        ),
        Row::new(
            format!("command on {count} warm hosts, {wide}"),
            command,
            None,
        ),
        Row::new(format!("read on {count} cold hosts"), cold, None),
        Row::new(
            format!("read on {count} cold hosts, {wide}"),
            cold_wide,
            Some(1.5 / rtt),
        ),
    ])
}

async fn timed(client: &mut Client, tool: &str, arguments: &Value, expected: &str) -> Result<f64> {
    let call = client.tool(tool, arguments, expected);
    let start = Instant::now();
    client.call(&call).await?;
    Ok(start.elapsed().as_secs_f64())
}

impl Row {
    fn new(name: impl Into<String>, samples: Vec<f64>, goal: Option<f64>) -> Self {
        Self {
            name: name.into(),
            samples,
            goal,
        }
    }

    fn cells(&self, rtt: f64) -> Vec<String> {
        let trips = median(&self.samples) / rtt;
        let met = self
            .goal
            .map(|goal| if trips <= goal { "yes" } else { "no" });
        vec![
            self.name.clone(),
            format!("{trips:.2}"),
            format!("{:.2}", percentile(&self.samples, 0.9) / rtt),
            time(median(&self.samples)),
            self.goal.map(number).unwrap_or_default(),
            met.unwrap_or_default().to_owned(),
        ]
    }
}
