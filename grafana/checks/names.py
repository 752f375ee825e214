"""The names there are: metrics from docs/metrics.md, anchors from docs/runbook.md."""

import re
from dataclasses import dataclass

_ROW = re.compile(r"^\|\s*`((?:scout|process)_\w+)`\s*\|\s*(\w+)\s*\|([^|]*)\|")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$")
_PARTS = ("_bucket", "_sum", "_count")
# What Prometheus makes itself.
OF_PROMETHEUS = {"up", "ALERTS", "scrape_duration_seconds", "scrape_samples_scraped"}
# Labels that Prometheus adds, and the one of every bucket.
LABELS = {"job", "instance", "le"}


@dataclass
class Metric:
    """`labels` are names to the values there are; none where they cannot be told."""

    kind: str
    labels: dict


def metrics(text):
    """Name to metric, from the table of docs/metrics.md: name, type, labels (each with its values)."""
    found = {}
    for line in text.splitlines():
        if row := _ROW.match(line):
            labels = [re.findall(r"`([^`]*)`", one) for one in row.group(3).split(";")]
            labels = {one[0]: set(one[1:]) for one in labels if one}
            found[row.group(1)] = Metric(row.group(2), labels)
    return found


def base(name, known):
    """The name that docs/metrics.md has for it: parts of a histogram stand under one name."""
    for ending in _PARTS:
        bare = name.removesuffix(ending)
        if bare != name and bare in known and known[bare].kind == "histogram":
            return bare
    return name


def strangers(selector, known):
    """Labels and values of a selector that its metric does not have."""
    metric = known.get(base(selector.name, known))
    if not metric:
        return
    for label, operator, value in selector.matchers:
        if label in LABELS:
            continue
        if label not in metric.labels:
            yield f"{selector.name} has no label {label}"
        elif metric.labels[label] and "$" not in value:
            asked = value.split("|") if "~" in operator else [value]
            # Other patterns than alternatives are for Prometheus to read.
            plain = [one for one in asked if re.fullmatch(r"[\w/-]+", one)]
            for one in plain:
                if one not in metric.labels[label]:
                    yield f"{selector.name} has no {label}=\"{one}\""
    for call in selector.calls:
        for label in call.labels:
            if label not in LABELS and label not in metric.labels:
                yield f"{selector.name} has no label {label} to be summed by"


def kind_of(name, known):
    """counter, gauge, histogram (its bare name), part (of a histogram), or None where there is none."""
    if name in OF_PROMETHEUS:
        return "gauge"
    if name in known:
        return known[name].kind
    return "part" if base(name, known) != name else None


def anchors(text):
    """The anchors of a Markdown file's headings, as forges make them, and those it sets itself."""
    found, fenced = set(re.findall(r'<a (?:id|name)="([^"]+)"', text)), False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced and (heading := _HEADING.match(line)):
            plain = re.sub(r"[^\w\- ]", "", heading.group(1).lower())
            found.add(plain.strip().replace(" ", "-"))
    return found
