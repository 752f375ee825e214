"""Takes a PromQL expression apart as far as the lint needs it: which series it selects, with which
matchers and range, and inside which functions. Prometheus itself parses every query in the tests."""

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<number>\d[\d.]*(?:e[+-]?\d+)?\w*)
      | (?P<braces>\{[^{}]*\})
      | (?P<range>\[[^\[\]]*\])
      | (?P<word>[a-zA-Z_:][\w:]*)
      | (?P<sign>==|!=|>=|<=|=~|!~|[-+*/%^()<>,@])""",
    re.VERBOSE,
)
_MATCHER = re.compile(r'\s*(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_AGGREGATES = set("sum min max avg count topk bottomk quantile stddev stdvar group count_values".split())
_GROUPING = set("by without on ignoring group_left group_right".split())
_WORDS = set("and or unless bool offset inf nan Inf NaN".split())


class Broken(Exception):
    """An expression that cannot be read."""


@dataclass
class Call:
    """A function or an aggregation around a selector; `labels` are those of `by`."""

    name: str
    labels: list = field(default_factory=list)


@dataclass
class Selector:
    """One series selector."""

    name: str
    matchers: list
    range: str
    calls: list

    @property
    def within(self):
        """The function that it is the argument of."""
        return self.calls[-1].name if self.calls else ""


def tokens(text):
    at, found = 0, []
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            raise Broken(f"cannot be read at `{text[at:at + 20]}`")
        if match.lastgroup != "space":
            found.append((match.lastgroup, match.group()))
        at = match.end()
    return found


def matchers(braces):
    inner, at, found = braces[1:-1].strip(), 0, []
    while at < len(inner):
        match = _MATCHER.match(inner, at)
        if not match:
            raise Broken(f"matchers `{braces}` cannot be read")
        found.append(match.groups())
        at = match.end()
    return found


def selectors(text):
    """Every selector of the expression, each with the calls around it, outermost first."""
    stream, found, stack = tokens(text), [], []
    at, call = 0, None
    while at < len(stream):
        kind, word = stream[at]
        after = stream[at + 1] if at + 1 < len(stream) else ("end", "")
        at += 1
        if word == "(":
            stack.append(call or Call(""))
            call = None
        elif word == ")":
            if not stack:
                raise Broken("one `)` too many")
            stack.pop()
            # `sum(..) by (le)` is the same as `sum by (le) (..)`, but written in one way only here.
            if after[1] in ("by", "without"):
                raise Broken(f"write `{after[1]} (..)` in front of what is aggregated")
        elif word in _GROUPING:
            labels = []
            if after[1] == "(":
                end = stream.index(("sign", ")"), at)
                labels = [w for k, w in stream[at:end] if k == "word"]
                at = end + 1
            if word == "by" and call:
                call.labels = labels
        elif kind == "word" and word in _WORDS:
            pass
        elif kind == "word" and (after[1] == "(" or word in _AGGREGATES):
            call = Call(word)
        elif kind == "word" or kind == "braces":
            if kind == "braces":
                raise Broken(f"`{word}` has no metric name")
            own, reach = [], ""
            if after[0] == "braces":
                own, at = matchers(after[1]), at + 1
            if at < len(stream) and stream[at][0] == "range":
                reach, at = stream[at][1][1:-1], at + 1
            found.append(Selector(word, own, reach, [c for c in stack if c.name]))
    if stack:
        raise Broken("one `)` is missing")
    return found
