"""The rules for one dashboard. Most are those of Grafana's dashboard-linter; the others are our own: a
description says what is normal, units fit what is shown, names and anchors exist."""

import re

from . import names, promql

SCHEMAS = {41, 42}
UNITS = {"short", "percentunit", "s", "bytes", "reqps", "ops"}
WIDTH = 24
RANGES = {"$__rate_interval", "$__range"}
RATES = {"rate", "increase", "irate"}
MATCHERS = {("job", "=~", "$job"), ("instance", "=~", "$instance")}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
QUIET = {"row", "text"}


def check(board, known, anchors):
    """Everything that is wrong with it, a line each. Without a runbook (None) no anchor can be looked up."""
    found = list(_frame(board)) + list(_places(board["panels"]))
    titles = set()
    for panel in board["panels"]:
        here = f"panel `{panel.get('title') or panel.get('id')}`"
        if panel.get("title") in titles:
            found.append(f"{here}: another panel has this title")
        titles.add(panel.get("title"))
        found += [f"{here}: {what}" for what in _panel(panel, known)]
    found += list(_references(board, anchors))
    return found


def _frame(board):
    for key in ("uid", "title", "description", "tags", "panels"):
        if not board.get(key):
            yield f"there is no {key}"
    if board.get("schemaVersion") not in SCHEMAS:
        yield f"schemaVersion is {board.get('schemaVersion')}, not one of {sorted(SCHEMAS)}"
    variables = {v["name"]: v for v in board["templating"]["list"]}
    kinds = {"datasource": "datasource", "job": "query", "instance": "query", "runbook": "constant"}
    for name, kind in kinds.items():
        if variables.get(name, {}).get("type") != kind:
            yield f"there is no variable `{name}` of type {kind}"
    for name, variable in variables.items():
        if variable["type"] == "query":
            if variable.get("datasource") != SOURCE:
                yield f"variable `{name}` does not ask ${{datasource}}"
            if not (variable.get("multi") and variable.get("includeAll")):
                yield f"variable `{name}` cannot mean several, or all"
        if not variable.get("label"):
            yield f"variable `{name}` has no label"


def _places(panels):
    taken, ids = {}, set()
    for panel in panels:
        title, spot = panel.get("title"), panel["gridPos"]
        if panel.get("id") in ids or not panel.get("id"):
            yield f"panel `{title}`: its id is missing or taken"
        ids.add(panel.get("id"))
        if spot["x"] < 0 or spot["x"] + spot["w"] > WIDTH or spot["w"] < 1 or spot["h"] < 1:
            yield f"panel `{title}`: it is wider than the page"
        cells = [(x, y) for x in range(spot["x"], spot["x"] + spot["w"])
                 for y in range(spot["y"], spot["y"] + spot["h"])]
        for other in sorted({taken[cell] for cell in cells if cell in taken}):
            yield f"panel `{title}`: it lies over `{other}`"
        taken.update({cell: title for cell in cells})


def _panel(panel, known):
    if not (panel.get("title") or "").strip():
        yield "it has no title"
    if panel["type"] == "row":
        return
    if panel["type"] == "text":
        if not panel["options"].get("content", "").strip():
            yield "it has no text"
        return
    text = panel.get("description") or ""
    if "Normal" not in text and "no bad value" not in text:
        yield "its description does not say what is normal"
    if panel.get("datasource") != SOURCE:
        yield "its data source is not ${datasource}"
    unit = panel["fieldConfig"]["defaults"].get("unit")
    if unit not in UNITS:
        yield f"its unit is {unit}, not one of {sorted(UNITS)}"
    if not panel.get("targets"):
        yield "it asks for nothing"
    marks = [target.get("refId") for target in panel.get("targets", [])]
    if len(set(marks)) != len(marks) or None in marks:
        yield "its queries have no refId of their own"
    for target in panel.get("targets", []):
        if target.get("datasource") != SOURCE:
            yield f"query {target.get('refId')}: its data source is not ${{datasource}}"
        for what in _query(target.get("expr", ""), unit, known):
            yield f"query {target.get('refId')}: {what}"


def _query(text, unit, known):
    try:
        found = promql.selectors(text)
    except promql.Broken as broken:
        yield str(broken)
        return
    if not found:
        yield "it selects no series"
    for one in found:
        yield from selected(one, known)
        if not MATCHERS <= set(one.matchers):
            yield f"{one.name} is not matched by job=~\"$job\" and instance=~\"$instance\""
        if one.range and one.range not in RANGES:
            yield f"{one.name} is asked for over [{one.range}], not one of {sorted(RANGES)}"
    fitting = _fitting(text, found)
    if fitting and unit not in fitting:
        yield f"the unit {unit} does not fit, {' or '.join(sorted(fitting))} would"


def selected(one, known):
    """What is wrong with one selector, wherever it stands: in a panel or in a rule."""
    kind = names.kind_of(one.name, known)
    calls = [call.name for call in one.calls]
    if kind is None:
        yield f"there is no metric {one.name} in docs/metrics.md"
    elif kind == "histogram":
        yield f"{one.name} is a histogram: ask for its _bucket, _sum or _count"
    elif one.within in RATES and kind not in ("counter", "part"):
        yield f"{one.within}() of {one.name}, which is no counter"
    elif kind in ("counter", "part") and one.within not in RATES:
        yield f"{one.name} counts from the start of the process: ask for its rate() or increase()"
    yield from names.strangers(one, known)
    if one.name.endswith("_bucket"):
        sums = [call for call in one.calls if call.name == "sum"]
        if not any("le" in call.labels for call in sums):
            yield f"{one.name} is not summed by (le)"
    elif "histogram_quantile" in calls:
        yield f"histogram_quantile() of {one.name}, which has no buckets"


def _fitting(text, found):
    """The units that fit, or none where any may."""
    if "histogram_quantile" in text:
        return {"s"}
    if "/" in text:
        return {"percentunit"}
    if found and all(one.within in ("rate", "irate") for one in found):
        return {"short"} if found[0].name.startswith("process_cpu") else {"reqps", "ops"}
    if found and all(one.name.endswith("_bytes") for one in found):
        return {"bytes"}
    if found and all(one.name.endswith("_seconds") for one in found):
        return {"s"}
    return set()


def _references(board, anchors):
    """Variables and anchors that are used somewhere in it exist."""
    variables = {v["name"] for v in board["templating"]["list"]} | {"__rate_interval", "__range"}
    for path, text in _texts(board):
        for name in re.findall(r"\$\{?(\w+)\}?", text):
            if name not in variables and name != "__all":
                yield f"{path}: there is no variable ${name}"
    links = [("dashboard", link) for link in board.get("links", [])]
    if not any(link.get("url") == "${runbook}" for _, link in links):
        yield "there is no link to the runbook"
    for panel in board["panels"]:
        links += [(f"panel `{panel.get('title')}`", link) for link in panel.get("links", [])]
    for where, link in links:
        if link.get("type") == "dashboards":
            continue
        base, _, anchor = link.get("url", "").partition("#")
        if base != "${runbook}":
            yield f"{where}: its link goes to {link.get('url')}, which is not the runbook"
        elif anchor and anchors is not None and anchor not in anchors:
            yield f"{where}: docs/runbook.md has no #{anchor}"


def _texts(value, path=""):
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{number}]")
