"""The names there are: metrics from docs/metrics.md, anchors from docs/runbook.md."""

import re

_ROW = re.compile(r"^\|\s*`((?:scout|process)_\w+)")
_KIND = re.compile(r"\b(counter|gauge|histogram)\b", re.IGNORECASE)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$")
_PARTS = ("_bucket", "_sum", "_count")
# What Prometheus makes itself.
OF_PROMETHEUS = {"up", "ALERTS", "scrape_duration_seconds", "scrape_samples_scraped"}


def metrics(text):
    """Name to kind, from the table of docs/metrics.md."""
    found = {}
    for line in text.splitlines():
        if row := _ROW.match(line):
            kind = _KIND.search(line[row.end():])
            found[row.group(1)] = kind.group(1).lower() if kind else "unknown"
    return found


def kind_of(name, known):
    """counter, gauge, histogram (its bare name), part (of a histogram), or None where there is none."""
    if name in OF_PROMETHEUS:
        return "gauge"
    if name in known:
        return known[name]
    for ending in _PARTS:
        if name.endswith(ending) and known.get(name.removesuffix(ending)) == "histogram":
            return "part"
    return None


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
