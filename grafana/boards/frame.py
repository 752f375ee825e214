"""Puts panels into a dashboard: places, numbers, variables and links."""

from . import parts

WIDTH = 24


def place(panels):
    """Gives every panel its place, from left to right and down, and its number."""
    x = y = tallest = 0
    for number, panel in enumerate(panels, start=1):
        spot = panel["gridPos"]
        if x + spot["w"] > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        spot["x"], spot["y"] = x, y
        x, tallest = x + spot["w"], max(tallest, spot["h"])
        panel["id"] = number
    return panels


def _query_variable(name, label, text, query, many=True):
    return {
        "allValue": ".+",
        "current": {"selected": True, "text": "All", "value": "$__all"},
        "datasource": parts.DATASOURCE,
        "definition": query,
        "description": text,
        "hide": 0,
        "includeAll": True,
        "label": label,
        "multi": many,
        "name": name,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "type": "query",
    }


def variables(runbook, host=False):
    """What a dashboard can be asked about, and where the runbook is."""
    source = {
        "current": {},
        "hide": 0,
        "includeAll": False,
        "label": "Data source",
        "multi": False,
        "name": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "regex": "",
        "type": "datasource",
    }
    of_job = 'scout_build_info{job=~"$job"}'
    of_instance = 'scout_host_connected{job=~"$job",instance=~"$instance"}'
    found = [
        source,
        _query_variable("job", "Job", "The scrape job of Scout.", "label_values(scout_build_info, job)"),
        _query_variable("instance", "Instance", "One process of Scout.", f"label_values({of_job}, instance)"),
    ]
    if host:
        text = "A host of the inventory; there are none unless metrics.per_host is on."
        found.append(_query_variable("host", "Host", text, f"label_values({of_instance}, host)"))
    constant = {
        "current": {"selected": True, "text": runbook, "value": runbook},
        "description": "Where the runbook is read; `grafana/build --runbook URL` sets another place.",
        "hide": 2,
        "label": "Runbook",
        "name": "runbook",
        "query": runbook,
        "skipUrlSync": True,
        "type": "constant",
    }
    return found + [constant]


def dashboard(uid, title, text, panels, runbook, host=False):
    """The whole of it."""
    return {
        "annotations": {"list": []},
        "description": text,
        "editable": True,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "links": [
            {
                "asDropdown": False,
                "icon": "external link",
                "includeVars": True,
                "keepTime": True,
                "tags": ["scout"],
                "targetBlank": False,
                "title": "Scout",
                "type": "dashboards",
            },
            {
                "icon": "doc",
                "targetBlank": True,
                "title": "Runbook",
                "tooltip": "What to do about each alert",
                "type": "link",
                "url": "${runbook}",
            },
        ],
        "panels": place(panels),
        "refresh": "30s",
        "schemaVersion": parts.SCHEMA_VERSION,
        "tags": ["scout"],
        "templating": {"list": variables(runbook, host)},
        "time": {"from": "now-1h", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "title": title,
        "uid": uid,
        "version": 1,
    }
