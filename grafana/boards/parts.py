"""What the dashboards are made of: queries, panels, and the frame around them.

The JSON is Grafana's classic model (schemaVersion 41, Grafana 11.6 and later). Whatever is the same for
every panel stands here once, so that a board says only what its panels show.
"""

import re

SCHEMA_VERSION = 41
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
# Where the runbook is read. A constant of each dashboard; `grafana/build --runbook URL` sets another.
RUNBOOK = "https://example.com/scout/docs/runbook.md"
# Every series of Scout and of its process is asked for by job and instance.
MATCHERS = 'job=~"$job",instance=~"$instance"'
_METRIC = re.compile(r"\b((?:scout|process)_\w+|up)\b(?:\{([^}]*)\})?")

GREEN, ORANGE, RED = "green", "orange", "red"


def expr(text):
    """PromQL with the matchers of the dashboard put into every selector; `[R]` is the rate interval."""

    def matched(found):
        own = found.group(2)
        return f"{found.group(1)}{{{MATCHERS}{',' + own if own else ''}}}"

    return _METRIC.sub(matched, text).replace("[R]", "[$__rate_interval]")


def target(text, legend="", table=False, heatmap=False):
    """One query. A table asks for one moment, everything else for the range that is shown."""
    form = "table" if table else "heatmap" if heatmap else "time_series"
    return {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": expr(text),
        "format": form,
        "instant": table,
        "legendFormat": legend or "__auto",
        "range": not table,
    }


def quantile(q, metric, by="", where=""):
    """A quantile of a histogram, over all instances that are shown."""
    labels = f"le, {by}" if by else "le"
    selector = f"{metric}_bucket{{{where}}}" if where else f"{metric}_bucket"
    return f"histogram_quantile({q}, sum by ({labels}) (rate({selector}[R])))"


def ratio(part, whole):
    """A share of a rate; 0 while there is nothing to have a share of."""
    return f"sum{part} / clamp_min(sum{whole}, 1e-9)"


def steps(*pairs):
    """Thresholds: green, then each colour from its value on."""
    first = [{"color": GREEN, "value": None}]
    return {"mode": "absolute", "steps": first + [{"color": c, "value": v} for c, v in pairs]}


def _panel(kind, title, text, unit, targets, runbook, size, defaults, options):
    width, height = size
    for letter, one in zip("ABCDEFGH", targets):
        one["refId"] = letter
    panel = {
        "datasource": DATASOURCE,
        "description": text,
        "fieldConfig": {"defaults": {"unit": unit, **defaults}, "overrides": []},
        "gridPos": {"w": width, "h": height},
        "options": options,
        "targets": targets,
        "title": title,
        "type": kind,
    }
    if runbook:
        panel["links"] = [
            {"title": "Runbook", "url": f"${{runbook}}#{runbook}", "targetBlank": True}
        ]
    return panel


def stat(title, text, unit, targets, runbook=None, thresholds=None, size=(4, 4), **defaults):
    """One number, with its recent course behind it."""
    options = {
        "colorMode": "value",
        "graphMode": "area",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": "auto",
    }
    defaults = {"thresholds": thresholds or steps(), **defaults}
    return _panel("stat", title, text, unit, targets, runbook, size, defaults, options)


def series(title, text, unit, targets, runbook=None, size=(8, 8), stacked=False, **defaults):
    """Lines over time; `stacked` for parts of a whole."""
    custom = {
        "drawStyle": "line",
        "fillOpacity": 30 if stacked else 8,
        "lineWidth": 1,
        "showPoints": "never",
        "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
    }
    options = {
        "legend": {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom"},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    defaults = {"custom": custom, "min": 0, **defaults}
    return _panel("timeseries", title, text, unit, targets, runbook, size, defaults, options)


def bars(title, text, unit, targets, runbook=None, thresholds=None, size=(8, 8)):
    """One bar for each series, at its last value."""
    options = {
        "displayMode": "gradient",
        "orientation": "horizontal",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showUnfilled": True,
    }
    defaults = {"min": 0, "thresholds": thresholds or steps()}
    return _panel("bargauge", title, text, unit, targets, runbook, size, defaults, options)


def table(title, text, unit, targets, transformations, runbook=None, size=(12, 8)):
    """A table of one moment."""
    defaults = {"custom": {"align": "auto", "cellOptions": {"type": "auto"}}}
    options = {"cellHeight": "sm", "footer": {"show": False}, "showHeader": True}
    panel = _panel("table", title, text, unit, targets, runbook, size, defaults, options)
    panel["transformations"] = transformations
    return panel


def heatmap(title, text, unit, text_query, runbook=None, size=(12, 8)):
    """The buckets of a histogram over time: how many fell into each."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "color": {"mode": "scheme", "scheme": "Oranges", "scale": "exponential", "exponent": 0.5},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "tooltip": {"mode": "single", "yHistogram": False},
        "yAxis": {"axisPlacement": "left", "unit": unit},
    }
    targets = [target(text_query, "{{le}}", heatmap=True)]
    return _panel("heatmap", title, text, unit, targets, runbook, size, {}, options)


def note(title, text, size=(24, 3)):
    """A text that stands beside the panels."""
    width, height = size
    return {
        "description": title,
        "gridPos": {"w": width, "h": height},
        "options": {"content": text, "mode": "markdown"},
        "title": title,
        "type": "text",
    }


def row(title):
    """A heading; the panels behind it belong to it."""
    return {"collapsed": False, "gridPos": {"w": 24, "h": 1}, "panels": [], "title": title, "type": "row"}
