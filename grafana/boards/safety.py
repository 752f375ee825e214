"""Safety: what was refused, what could not be proved, and how near the limits are."""

from .frame import dashboard
from .parts import (
    ORANGE, RED, bars, note, row, series, stat, steps, target,
)

NOT_HERE = """Scout asks nobody for approval and writes no audit log, so there are no panels for them. What it has:
**roles** (an observer reads, an operator has the shell), **keys** with a role and hosts of their own, **refusals** that
are counted here by reason, and **structured logs** (`log.format = "json"`) in which each call stands with its tool,
host, principal and outcome: a collector that keeps them is the record of who did what."""


def refusals():
    changed = 'sum(round(increase(scout_host_keys_refused_total{why=~"changed|revoked"}[$__range])))'
    return [
        note("Approvals and audit", NOT_HERE),
        row("Refusals"),
        stat(
            "Changed host keys",
            "Connections refused in the time shown because the host's key was changed or revoked. Normal: 0. More: the"
            " host was reinstalled, or somebody sits in between. Compare fingerprints by another way before you accept.",
            "short", [target(changed)], "a-host-key-changed", steps((RED, 1)), (4, 8),
        ),
        series(
            "Refusals by reason",
            "What was refused, per second: key and origin are who asks, rate, busy, body, connections and shutdown are"
            " limits, role, command, host and path are what was asked for. Normal: near 0, and the reasons of agents"
            " that try. key or origin rising: somebody who should not be here.",
            "reqps", [target("sum by (why) (rate(scout_refusals_total[R]))", "{{why}}")], "refusals", (12, 8),
            stacked=True,
        ),
        bars(
            "Refusals in the time shown",
            "The same, counted. Normal: what your agents try and may not. A long bar of role or command: give that key"
            " the role it needs, or tell the agent.",
            "short", [target("sum by (why) (round(increase(scout_refusals_total[$__range])))", "{{why}}")], "refusals",
        ),
        series(
            "Host keys refused",
            "Connections refused for the key of the host, per second. Normal: 0. unknown: add the host to known_hosts"
            " after you compared fingerprints. changed and revoked: see Changed host keys.",
            "ops", [target("sum by (why) (rate(scout_host_keys_refused_total[R]))", "{{why}}")], "a-host-key-changed",
        ),
        series(
            "Refused callers",
            "Requests without a valid key, and from a foreign Origin or Host, per second. Normal: 0. key: a client with"
            " an old key, or a guess. origin: a web page that tries to reach this port, or a proxy whose name is not"
            " in http.allowed_hosts.",
            "reqps",
            [target('sum by (why) (rate(scout_refusals_total{why=~"key|origin"}[R]))', "{{why}}")], "callers-are-refused",
        ),
        series(
            "Refused logins at hosts",
            "Attempts to connect that hosts refused, because they do not take Scout's key, per second. Normal: 0."
            " Otherwise: the account or authorized_keys of the host, or an agent without the key.",
            "ops", [target('sum(rate(scout_ssh_connects_total{outcome="auth"}[R]))', "auth")], "logins-are-refused",
        ),
        series(
            "Rate limit",
            "Requests refused by the rate limit, per second. Normal: 0. One client in a loop: the log names it. All"
            " clients: limits.rate_limit_per_minute is too low for your use.",
            "reqps", [target("sum(rate(scout_rate_limited_total[R]))", "refused")], "rate-limit",
        ),
        series(
            "Callers remembered",
            "Callers that the rate limit keeps count of. Normal: about as many as there are clients. Many more:"
            " connections from many addresses, which is worth a look at who they are.",
            "short", [target("sum(scout_rate_limit_buckets)", "callers")], "rate-limit",
        ),
        series(
            "Calls refused or invalid",
            "Tool calls per second that ended as refused or invalid, the ten most frequent. Normal: few; an agent learns from the answer."
            " Steady: a client whose idea of the tools is not ours.",
            "reqps",
            [
                target(
                    'topk(10, sum by (tool, outcome) (rate(scout_tool_calls_total{outcome=~"refused|invalid"}[R])))',
                    "{{tool}} {{outcome}}",
                )
            ],
            "refusals",
        ),
    ]


def doubts():
    used = "max(scout_output_budget_bytes / scout_output_budget_limit_bytes)"
    return [
        row("Doubts and limits"),
        stat(
            "Unverified stops",
            "Commands stopped in the time shown without proof that every process ended. Normal: 0. More: look on the"
            " host for what is left; the log has host and process.",
            "short", [target("sum(round(increase(scout_stops_unverified_total[$__range])))")], "stops-are-unverified",
            steps((ORANGE, 1)), (6, 6),
        ),
        stat(
            "Crashes",
            "Actors of hosts that ended by a defect in the time shown. Normal: 0. Each is a fault of Scout: the log has"
            " what is needed to report it. The host is served again at once, unless it happens repeatedly.",
            "short", [target("sum(round(increase(scout_host_crashes_total[$__range])))")], "host-actors-crash",
            steps((RED, 1)), (6, 6),
        ),
        stat(
            "Internal errors",
            "Tool calls that ended by a defect in the time shown. Normal: 0. The log has the call; please report it.",
            "short", [target('sum(round(increase(scout_tool_calls_total{outcome="internal"}[$__range])))')],
            "host-actors-crash", steps((RED, 1)), (6, 6),
        ),
        stat(
            "Draining",
            "Instances that have been told to end and finish what they have. Normal: 0, and 1 at a time during a"
            " rollout. For longer than limits.shutdown_grace: look at the process.",
            "short", [target("sum(scout_draining)")], "instance-drains", steps((ORANGE, 1)), (6, 6),
        ),
        series(
            "Output budget",
            "Memory that output and file contents hold, and the most they may (limits.output_budget). Normal: far"
            " apart. Where they meet, calls wait or are cut: ask for less at once, or raise the budget.",
            "bytes",
            [
                target("sum(scout_output_budget_bytes)", "used"),
                target("sum(scout_output_budget_limit_bytes)", "limit"),
            ],
            "output-budget-is-used-up", (12, 8),
        ),
        series(
            "Output budget used",
            "The same as a share, where it is highest. Normal: below 50 %.",
            "percentunit", [target(used, "used")], "output-budget-is-used-up", (12, 8), max=1,
        ),
    ]


def make(runbook):
    return dashboard(
        "scout-safety", "Scout / Safety",
        "What was refused, what could not be proved, and how near the limits are.",
        refusals() + doubts(), runbook,
    )
