"""The hosts: how they are reached, together and one by one."""

from .frame import dashboard
from .parts import (
    ORANGE, RED, bars, note, quantile, row, series, stat, steps, table, target,
)

TURN_ON = """The panels below show single hosts and stay empty unless Scout is told to name them:
`per_host = "failing"` (those with failures) or `"all"` under `[metrics]` in `scout.toml`, or
`SCOUT_METRICS_PER_HOST`. A host costs a few series; at most `per_host_limit` (2000) hosts are named. Host names then
stand in Prometheus: whoever reads it learns them."""


def together():
    return [
        row("All hosts"),
        bars(
            "Hosts by state",
            "All hosts of the inventory, now. Normal: idle and connected. `backoff` failed last and is left alone for a"
            " while, `quarantined` crashed Scout's actor repeatedly: the log has the defect.",
            "short", [target("sum by (state) (scout_hosts)", "{{state}}")], "hosts-are-unreachable",
        ),
        series(
            "Connects by outcome",
            "Attempts to connect, per second, by how they ended. Normal: ok. resolve is DNS, tcp the network or a host"
            " that is off, kex an SSH that does not agree, host_key a key that is not the known one, auth a key of"
            " Scout that the host does not take.",
            "ops", [target("sum by (outcome) (rate(scout_ssh_connects_total[R]))", "{{outcome}}")],
            "hosts-are-unreachable", stacked=True,
        ),
        series(
            "Connect phases, p95",
            "What each phase of making a connection took, for 95 of 100. Normal: tens of milliseconds in a data"
            " centre. resolve: DNS is slow. tcp: distance or loss. kex and auth: the host is busy.",
            "s", [target(quantile(0.95, "scout_ssh_connect_duration_seconds", "phase"), "{{phase}}")],
            "connecting-is-slow",
        ),
        series(
            "Round trip",
            "One exchange with a host, for half and for 95 of 100. Normal: the network's own. Far apart: few hosts are"
            " slow. Both rising: the network, or Scout's machine.",
            "s",
            [
                target(quantile(0.5, "scout_ssh_rtt_seconds"), "p50"),
                target(quantile(0.95, "scout_ssh_rtt_seconds"), "p95"),
            ],
            "connecting-is-slow",
        ),
        series(
            "Deadlines, p95",
            "How long Scout was ready to wait, chosen from what each host usually takes. Normal: near"
            " ssh.connection_timeout_min. At ssh.connection_timeout: hosts that vary much, or that are new.",
            "s", [target(quantile(0.95, "scout_ssh_deadline_seconds", "what"), "{{what}}")],
        ),
        series(
            "Lost connections",
            "Connections that ended without being asked to, per second. Normal: 0, and a burst when hosts restart."
            " Steady: a firewall that forgets idle connections; shorten ssh.keepalive.",
            "ops", [target("sum(rate(scout_ssh_connections_lost_total[R]))", "lost")], "connections-are-lost",
        ),
        series(
            "Evictions",
            "Connections closed to make room (capacity) or for being idle, per second. Normal: idle. capacity: more"
            " hosts are in use than ssh.max_pool_size.",
            "ops", [target("sum by (reason) (rate(scout_pool_evictions_total[R]))", "{{reason}}")], "pool-is-full",
        ),
        series(
            "Warmed",
            "Connections made before a call asked for them, per second: at the start, or because a host is used often."
            " Normal: a burst at the start. Steady `hot`: connections to busy hosts are lost again and again.",
            "ops", [target("sum by (reason) (rate(scout_pool_warmed_total[R]))", "{{reason}}")],
        ),
        series(
            "Queue wait by urgency, p95",
            "How long calls waited at their host, for 95 of 100. Normal: below a millisecond. Interactive calls go"
            " first; when they wait too, a host has more than it can do.",
            "s", [target(quantile(0.95, "scout_queue_wait_seconds", "urgency"), "{{urgency}}")],
            "calls-wait-for-their-host",
        ),
        series(
            "Calls at hosts",
            "Calls at work and calls that wait, on all hosts together. Normal: few wait. A queue that stays is one slow"
            " host: Calls by host shows which.",
            "short",
            [target("sum(scout_host_running)", "running"), target("sum(scout_host_queued)", "waiting")],
            "calls-wait-for-their-host",
        ),
        series(
            "Shells",
            "Shells on hosts: idle wait for a call, busy run one. Normal: two idle behind each command in use. None"
            " idle: limits.shell_idle is 0, or the hosts allow too few sessions (MaxSessions).",
            "short", [target("sum by (state) (scout_shells)", "{{state}}")],
        ),
        series(
            "Commands by shell",
            "Commands per second by the shell they ran in: started for them (fresh), before them (armed), or left by"
            " another (reused). Normal in steady use: armed and reused, which cost one exchange instead of two.",
            "ops", [target("sum by (kind) (rate(scout_shell_uses_total[R]))", "{{kind}}")],
        ),
    ]


def one_by_one():
    of = 'host=~"$host"'
    return [
        row("Host by host: $host"),
        note("How to see single hosts", TURN_ON),
        stat(
            "Connected",
            "Of the chosen hosts, how many are connected. Normal: those in use. None: nobody asked for them lately, or"
            " they are in backoff.",
            "short", [target(f"sum(scout_host_connected{{{of}}})")], "hosts-are-unreachable", size=(6, 5),
        ),
        stat(
            "Longest backoff",
            "Longest time that is left before one of the chosen hosts is tried again. Normal: 0. Call it earlier and"
            " the answer is `unreachable` at once, with the reason of the last attempt.",
            "s", [target(f"max(scout_host_backoff_seconds{{{of}}})")], "hosts-are-unreachable",
            steps((ORANGE, 1)), (6, 5),
        ),
        stat(
            "Failed connects",
            "Attempts to connect to the chosen hosts that failed in the time shown. Normal: 0. The reason is in"
            " Connects by outcome, and with the host's name in the log.",
            "short",
            [target(f'sum(round(increase(scout_host_connects_total{{outcome="failed",{of}}}[$__range])))')],
            "hosts-are-unreachable", steps((ORANGE, 1), (RED, 10)), (6, 5),
        ),
        stat(
            "Hosts not named",
            "Times that a host was not named because metrics.per_host_limit was reached, in the time shown. Normal: 0."
            " Otherwise raise the limit, or show the failing ones only.",
            "short", [target("sum(round(increase(scout_host_series_dropped_total[$__range])))")],
            thresholds=steps((ORANGE, 1)), size=(6, 5),
        ),
        series(
            "Calls by host",
            "Calls per second, the ten busiest of the chosen hosts. Normal: what your agents do. One host far above the"
            " others for no reason: an agent in a loop.",
            "reqps", [target(f"topk(10, sum by (host) (rate(scout_host_calls_total{{{of}}}[R])))", "{{host}}")],
        ),
        series(
            "Connects by host",
            "Attempts per second for each chosen host, by how they ended. Normal: few, and ok. failed again and again:"
            " the backoff grows to its limit, and each call is answered at once.",
            "ops",
            [target(f"sum by (host, outcome) (rate(scout_host_connects_total{{{of}}}[R]))", "{{host}} {{outcome}}")],
            "hosts-are-unreachable",
        ),
        series(
            "Backoff by host",
            "Time that is left before each chosen host is tried again. Normal: 0. A saw that gets higher is a host that"
            " stays away.",
            "s", [target(f"max by (host) (scout_host_backoff_seconds{{{of}}})", "{{host}}")], "hosts-are-unreachable",
        ),
        series(
            "Lost connections by host",
            "Connections that ended unasked, per second. Normal: 0. One host: it restarts, or kills sessions. All"
            " behind one firewall: shorten ssh.keepalive.",
            "ops",
            [target(f"sum by (host) (rate(scout_host_connections_lost_total{{{of}}}[R]))", "{{host}}")],
            "connections-are-lost",
        ),
        series(
            "Evictions by host",
            "Connections that Scout closed itself, per second. Normal: hosts in rare use. A host in steady use among"
            " them: the pool is too small.",
            "ops", [target(f"sum by (host) (rate(scout_host_evictions_total{{{of}}}[R]))", "{{host}}")],
            "pool-is-full",
        ),
        table(
            "Chosen hosts",
            "The chosen hosts now: 1 is connected, 0 is not. Normal: 1 for hosts in use. 0 for a host that is called: see"
            " Backoff by host.",
            "short", [target(f"max by (host) (scout_host_connected{{{of}}})", table=True)],
            [{"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": {"Value": "connected"}}}],
            size=(8, 8),
        ),
    ]


def make(runbook):
    return dashboard(
        "scout-hosts", "Scout / Hosts",
        "How the hosts are reached, together and one by one. Each panel says what is normal and what to do.",
        together() + one_by_one(), runbook, host=True,
    )
