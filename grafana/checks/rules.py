"""The rules files of Prometheus: what they ask for exists. Whether they are right is promtool's business."""

import re

from . import names, promql


def check(files, known):
    """Everything that is wrong with the files (name to text), a line each. Rules may ask for metrics, and for
    what rules record."""
    rules = [(name, *rule) for name, text in files.items() for rule in read(text)]
    recorded = {name for _, name, record, _ in rules if record}
    for file, name, _, text in rules:
        try:
            found = promql.selectors(text)
        except promql.Broken as broken:
            yield f"{file}: {name}: {broken}"
            continue
        for one in found:
            if one.name not in recorded and names.kind_of(one.name, known) is None:
                yield f"{file}: {name}: there is no metric {one.name} in docs/metrics.md"


def read(text):
    """Each rule of a rules file as (name, whether recorded, expression). Written as this project writes
    them: `record:` or `alert:` in front of `expr:`, which is on one line or a block."""
    found, name, recorded, lines = [], "", False, text.splitlines()
    for number, line in enumerate(lines):
        if rule := re.match(r"^\s*(?:- )?(record|alert):\s*(\S+)", line):
            recorded, name = rule.group(1) == "record", rule.group(2)
        elif head := re.match(r"^(\s*)(?:- )?expr:\s*(.*)$", line):
            indent, value = len(head.group(1)), head.group(2).strip()
            if re.fullmatch(r"[|>][+-]?", value):
                block = []
                for follower in lines[number + 1:]:
                    if follower.strip() and len(follower) - len(follower.lstrip()) <= indent:
                        break
                    block.append(re.sub(r"^\s*#.*", "", follower).strip())
                value = " ".join(block)
            found.append((name, recorded, value.strip("'") if value.startswith("'") else value))
    return found
