"""The overview: is Scout well, and if not, which part of it."""

from .frame import dashboard
from .parts import (
    ORANGE, RED, heatmap, quantile, ratio, row, series, stat, steps, table, target,
)

# Ends that are nobody's answer: what a caller did wrong and what a command returned are not among them.
FAULTS = 'outcome=~"timed_out|connection_lost|unreachable|failed|internal"'
CALLS = "scout_tool_calls_total"
MATRIX = [
    {
        "id": "groupingToMatrix",
        "options": {"columnField": "outcome", "rowField": "tool", "valueField": "Value"},
    }
]


def glance():
    faults = ratio(f"(rate({CALLS}{{{FAULTS}}}[R]))", f"(rate({CALLS}[R]))")
    hits = ratio(
        '(rate(scout_pool_requests_total{result="hit"}[R]))', "(rate(scout_pool_requests_total[R]))"
    )
    return [
        row("At a glance"),
        stat(
            "Instances up",
            "Processes of Scout that answered the last scrape. Normal: as many as you run. Fewer: look at the"
            " process and its log, then at the network between it and Prometheus.",
            "short", [target("sum(up)")], "instance-is-down", size=(3, 4),
        ),
        stat(
            "Calls",
            "Tool calls that ended, per second. There is no bad value; a sudden zero in a busy fleet means that"
            " clients do not get here: look at refusals on the Safety dashboard.",
            "reqps", [target(f"sum(rate({CALLS}[R]))")], size=(3, 4),
        ),
        stat(
            "Faults",
            "Share of calls that ended without the answer that was asked for: timed out, connection lost,"
            " unreachable, failed, internal. Normal: below 1 %. More: the panel Faults by tool says where, the"
            " Hosts dashboard says whether it is one host.",
            "percentunit", [target(faults)], "calls-fail",
            steps((ORANGE, 0.05), (RED, 0.2)), (3, 4), max=1,
        ),
        stat(
            "Duration p95",
            "95 of 100 calls took at most this. Normal: milliseconds for a read on a warm connection, for a command"
            " as long as it runs. Rising without a change of use: look at Lock wait and at Connect phases.",
            "s", [target(quantile(0.95, "scout_tool_call_duration_seconds"))], "calls-are-slow", size=(3, 4),
        ),
        stat(
            "Pool hit rate",
            "Share of calls that found a connection made or being made. Normal: above 90 % in steady use; 0 while"
            " there are no calls. Low for long: the pool is smaller than the set of hosts in use, or"
            " ssh.idle_timeout is shorter than the pauses between calls.",
            "percentunit", [target(hits)], "pool-hit-rate-is-low", size=(3, 4), max=1,
        ),
        stat(
            "Hosts in trouble",
            "Hosts in backoff or quarantine: the last attempt to connect failed, or their actor crashed again and"
            " again. Normal: as many as are switched off. More: see Connects by outcome on the Hosts dashboard.",
            "short", [target('sum(scout_hosts{state=~"backoff|quarantined"})')], "hosts-are-unreachable",
            steps((ORANGE, 1)), (3, 4),
        ),
        stat(
            "In flight of limit",
            "Requests being answered, of limits.max_concurrent_requests, where it is highest. Normal: below 50 %."
            " At 100 % further requests get `busy`: raise the limit, or add a replica.",
            "percentunit", [target("max(scout_requests_in_flight / scout_requests_limit)")],
            "requests-reach-the-limit", steps((ORANGE, 0.7), (RED, 0.9)), (3, 4), max=1,
        ),
        table(
            "Versions",
            "Which build runs, and how many of it. Normal: one line; two while you roll out. Two for long: a"
            " rollout stands still.",
            "short", [target("sum by (version, revision) (scout_build_info)", table=True)],
            [{"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": {"Value": "instances"}}}],
            size=(3, 4),
        ),
    ]


def tools():
    faults = (
        f"sum by (tool) (rate({CALLS}{{{FAULTS}}}[R])) / clamp_min(sum by (tool) (rate({CALLS}[R])), 1e-9)"
    )
    return [
        row("Tools: rate, errors, duration"),
        series(
            "Calls by tool",
            "Tool calls that ended, per second. Normal: what your agents do. A tool that jumps is an agent in a"
            " loop: the log names the principal.",
            "reqps", [target(f"sum by (tool) (rate({CALLS}[R]))", "{{tool}}")], stacked=True,
        ),
        series(
            "Faults by tool",
            "Share of each tool's calls that timed out, lost their connection, found the host unreachable, failed or"
            " hit a defect. Normal: near 0. One tool: see its outcomes below. All tools: see the hosts.",
            "percentunit", [target(faults, "{{tool}}")], "calls-fail", max=1,
        ),
        series(
            "Duration by tool, p95",
            "95 of 100 calls of each tool took at most this. Normal: read, find and hosts well below a second;"
            " run and broadcast as long as their commands. All of them rising together points at the machine or at"
            " the network, one of them at its hosts.",
            "s", [target(quantile(0.95, "scout_tool_call_duration_seconds", "tool"), "{{tool}}")],
            "calls-are-slow",
        ),
        table(
            "Outcomes",
            "How the calls of the time shown ended, by tool. Normal: ok, and some exited (a command that returned"
            " another code than 0), invalid and refused (the caller's). Look into a column that is large for one tool only.",
            "short",
            [target(f"sum by (tool, outcome) (round(increase({CALLS}[$__range])))", table=True)],
            MATRIX, "calls-fail",
        ),
        heatmap(
            "Durations of all calls",
            "How many calls took how long. Normal: one band, or one for reads and one for commands. A second band"
            " that appears higher up is a group of slow hosts.",
            "s", "sum by (le) (increase(scout_tool_call_duration_seconds_bucket[R]))", "calls-are-slow",
        ),
        series(
            "Requests by method",
            "HTTP requests by JSON-RPC method, per second; `-` is what never became one. Normal: tools/call leads.",
            "reqps", [target("sum by (method) (rate(scout_rpc_requests_total[R]))", "{{method}}")], stacked=True,
        ),
        series(
            "Requests by status",
            "HTTP requests by status, per second. Normal: 200 and 202. 401 and 403 are keys, 429 the rate limit, 503"
            " `busy` or draining, 499 a client that left: see the Safety dashboard.",
            "reqps", [target("sum by (status) (rate(scout_rpc_requests_total[R]))", "{{status}}")], stacked=True,
        ),
        series(
            "Resource reads",
            "Reads of resources by outcome, per second. Normal: `ok`. `unreachable` is the host, `invalid` the address"
            " that was asked for.",
            "reqps", [target("sum by (outcome) (rate(scout_resource_reads_total[R]))", "{{outcome}}")], stacked=True,
        ),
    ]


def pool():
    hits = ratio(
        '(rate(scout_pool_requests_total{result="hit"}[R]))', "(rate(scout_pool_requests_total[R]))"
    )
    return [
        row("Hosts and connections"),
        series(
            "Hosts by state",
            "All hosts of the inventory. Normal: idle and connected. `backoff` waits after a failed attempt,"
            " `quarantined` after repeated crashes. A growing share of backoff: the network, or a jump host.",
            "short", [target("sum by (state) (scout_hosts)", "{{state}}")], "hosts-are-unreachable", stacked=True,
        ),
        series(
            "Connections of capacity",
            "SSH connections that are up, places in the pool (ssh.max_pool_size), and callers that wait for a place."
            " Normal: below capacity, nobody waits. Waiting for long: raise max_pool_size; each connection costs"
            " about a megabyte and a descriptor.",
            "short",
            [
                target("sum(scout_pool_connections)", "connections"),
                target("sum(scout_pool_capacity)", "capacity"),
                target("sum(scout_pool_waiting)", "waiting"),
            ],
            "pool-is-full",
        ),
        series(
            "Pool hit rate over time",
            "Share of calls that found a connection. Normal: above 90 % in steady use, 0 while there are no calls."
            " Low: see Evictions on the Hosts dashboard; `capacity` wants a larger pool, `idle` a longer idle_timeout.",
            "percentunit", [target(hits, "hit rate")], "pool-hit-rate-is-low", max=1,
        ),
        heatmap(
            "Lock wait",
            "Time from a call reaching its host to the start of its work, without connecting. Normal: under a"
            " millisecond. Seconds: more calls for a host than limits.host_running; spread them, or ask for less.",
            "s", "sum by (le) (increase(scout_lock_wait_seconds_bucket[R]))", "calls-wait-for-their-host",
        ),
        series(
            "Calls at hosts",
            "Calls at work and calls that wait, on all hosts together. Normal: few wait, and not for long. A queue that"
            " stays: one slow host, see Queue wait on the Hosts dashboard.",
            "short",
            [target("sum(scout_host_running)", "running"), target("sum(scout_host_queued)", "waiting")],
            "calls-wait-for-their-host", size=(12, 8),
        ),
        series(
            "Visits through the balancer",
            "Hosts of broadcasts that were asked of the replica that owns them, per second and by how that went."
            " Normal: `answered` alone; all 0 where there is one Scout, or balancer.url is not set. `not_sent` and"
            " `lost` are replicas that are down or died, `busy` those with too much to do, `refused` is a configuration"
            " that differs.",
            "reqps", [target("sum by (outcome) (rate(scout_balancer_calls_total[R]))", "{{outcome}}")],
            "visits-fail", size=(12, 8), stacked=True,
        ),
    ]


def resources():
    return [
        row("Limits and resources"),
        series(
            "Requests in flight",
            "Requests being answered, and the limit. Normal: far apart. Where they meet, further requests get `busy`.",
            "short",
            [
                target("sum(scout_requests_in_flight)", "in flight"),
                target("sum(scout_requests_limit)", "limit"),
            ],
            "requests-reach-the-limit",
        ),
        series(
            "Client connections",
            "Open connections from clients, and the limit (http.max_connections). Normal: about one for each client."
            " Many more: a client that does not reuse its connections, or one that opens them on purpose.",
            "short",
            [
                target("sum(scout_http_connections)", "open"),
                target("sum(scout_http_connections_limit)", "limit"),
            ],
            "client-connections-reach-the-limit",
        ),
        series(
            "File descriptors",
            "Open descriptors and the limit. Normal: one for each connection, and about twenty. Near the limit nothing"
            " new can be connected: raise LimitNOFILE or the ulimit of the container.",
            "short",
            [
                target("sum(process_open_fds)", "open"),
                target("sum(process_max_fds)", "limit"),
            ],
            "file-descriptors-run-out",
        ),
        series(
            "CPU",
            "Processor cores that Scout keeps busy. Normal: a fraction of one. At the number of cores, calls become"
            " slow everywhere: add a replica.",
            "short", [target("sum by (instance) (rate(process_cpu_seconds_total[R]))", "{{instance}}")], size=(6, 8),
        ),
        series(
            "Memory",
            "Resident memory. Normal: about a megabyte for each connection over a base of a few tens; output adds at"
            " most the output budget. Growth without end: note the version, restart, and report it.",
            "bytes", [target("sum by (instance) (process_resident_memory_bytes)", "{{instance}}")],
            "memory-grows", size=(6, 8),
        ),
        series(
            "Threads",
            "Threads of the process. Normal: constant but for those that read files of this machine.",
            "short", [target("sum by (instance) (process_threads)", "{{instance}}")], size=(6, 8),
        ),
        series(
            "Time since start",
            "How long each instance has been running. Normal: it grows. A line that falls to 0 is a restart: the log"
            " before it, or the container's exit code, says why.",
            "s", [target("time() - process_start_time_seconds", "{{instance}}")], "instance-restarts", size=(6, 8),
        ),
    ]


def make(runbook):
    return dashboard(
        "scout-overview", "Scout / Overview",
        "Calls, connections and resources of Scout. Each panel says what is normal and what to do.",
        glance() + tools() + pool() + resources(), runbook,
    )
