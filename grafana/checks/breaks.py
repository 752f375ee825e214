"""Breaks a good dashboard in every way there is a rule for: a rule that finds nothing is no rule."""

import copy

from boards import overview, parts

from . import dashboard, rules


def _first(board, kind):
    return next(panel for panel in board["panels"] if panel["type"] == kind)


def _line(board):
    return _first(board, "timeseries")


def _query(board):
    return _line(board)["targets"][0]


def _ask(text):
    def ask(board):
        _query(board)["expr"] = text

    return ask


def _set(of, key, value):
    def change(board):
        of(board)[key] = value

    return change


def _whole(board):
    return board


def _twin(board):
    board["panels"].append(copy.deepcopy(_line(board)))


def _over(board):
    _line(board)["gridPos"]["y"] -= 1


def _without(name):
    def remove(board):
        board["templating"]["list"] = [v for v in board["templating"]["list"] if v["name"] != name]

    return remove


M = '{job=~"$job",instance=~"$instance"}'
# What is done, and a part of what must be said about it.
BREAKS = [
    (_set(_whole, "schemaVersion", 30), "schemaVersion"),
    (_set(_whole, "uid", ""), "no uid"),
    (_set(_whole, "links", []), "no link to the runbook"),
    (_without("job"), "no variable `job`"),
    (_without("runbook"), "no variable `runbook`"),
    (_without("datasource"), "no variable `datasource`"),
    (_twin, "its id is missing or taken"),
    (_over, "it lies over"),
    (_set(lambda b: _line(b)["gridPos"], "w", 30), "wider than the page"),
    (_set(_line, "title", ""), "no title"),
    (_set(_line, "description", ""), "does not say what is normal"),
    (_set(_line, "datasource", {"type": "prometheus", "uid": "prometheus"}), "data source"),
    (_set(lambda b: _line(b)["fieldConfig"]["defaults"], "unit", "furlongs"), "its unit is furlongs"),
    (_set(lambda b: _line(b)["fieldConfig"]["defaults"], "unit", "bytes"), "does not fit"),
    (_set(_line, "targets", []), "it asks for nothing"),
    (_set(_query, "refId", None), "no refId"),
    (_set(lambda b: _first(b, "row"), "title", ""), "no title"),
    (_set(lambda b: _line(b), "links", [{"url": "${runbook}#nowhere-at-all"}]), "has no #nowhere"),
    (_set(lambda b: _line(b), "links", [{"url": "https://a.example/"}]), "is not the runbook"),
    (_ask(f"sum(rate(scout_tool_cals_total{M}[$__rate_interval]))"), "no metric scout_tool_cals_total"),
    (_ask("sum(rate(scout_tool_calls_total[$__rate_interval]))"), "is not matched by job"),
    (_ask(f"sum(rate(scout_tool_calls_total{M}[5m]))"), "over [5m]"),
    (_ask(f"sum(scout_tool_calls_total{M})"), "ask for its rate"),
    (_ask(f"sum(rate(scout_pool_connections{M}[$__rate_interval]))"), "which is no counter"),
    (_ask(f"sum(scout_lock_wait_seconds{M})"), "is a histogram"),
    (_ask(f"histogram_quantile(0.9, sum(rate(scout_lock_wait_seconds_bucket{M}[$__rate_interval])))"), "by (le)"),
    (_ask(f"histogram_quantile(0.9, rate(scout_lock_wait_seconds_sum{M}[$__rate_interval]))"), "no buckets"),
    (_ask(f"sum(rate(scout_tool_calls_total{M}[$__rate_interval])"), "is missing"),
    (_ask("sum(rate(scout_tool_calls_total{job=~$job}[$__rate_interval]))"), "cannot be read"),
    (_ask(f'sum(scout_pool_connections{M[:-1]},host=~"$nobody"}})'), "no variable $nobody"),
    (_ask("1"), "selects no series"),
]
# Rules with one name too many each: none of Scout's, nothing recorded, and one that is out of balance.
RULES = [
    ("- alert: A\n  expr: rate(scout_tool_cals_total[5m]) > 1\n", "no metric scout_tool_cals_total"),
    ("- alert: A\n  expr: |\n    up == 0\n      or a:b:rate5m > 1\n  for: 5m\n", "no metric a:b:rate5m"),
    ("- record: a:b\n  expr: sum(up\n- alert: B\n  expr: a:b > 1\n", "is missing"),
]


def unnoticed(known, anchors):
    """The breaks that nothing was said about; and what is said about a dashboard that is whole."""
    found = [f"breaks: whole, yet: {what}" for what in _said(lambda board: None, known, anchors)]
    for number, (change, part) in enumerate(BREAKS, start=1):
        said = _said(change, known, anchors)
        if not any(part in line for line in said):
            found.append(f"breaks: number {number} goes unnoticed: nobody said `{part}`")
    for text, part in RULES:
        said = list(rules.check({"broken": text}, known))
        if len(said) != 1 or part not in said[0]:
            found.append(f"breaks: nobody said `{part}` of a rule, but {said}")
    return found


def _said(change, known, anchors):
    board = copy.deepcopy(overview.make(parts.RUNBOOK))
    change(board)
    return dashboard.check(board, known, anchors)
