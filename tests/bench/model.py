"""What is measured, as values: rows, their samples, and the goals that they are held against.

Pure: it measures nothing, and knows no tool.
"""

import dataclasses
import os
import statistics
from collections.abc import Callable

# Name -> (full run, --quick). The environment overrides both.
SETTINGS = {
    "ROUNDS": (5, 1),
    "EDITS": (6, 2),             # in each round
    "LARGE": (100000, 10000),    # files in one directory
    "BUSY": (8000, 800),         # files made while the targets are busy
    "BURST": (10000, 2000),      # files in 200 directories
    "FANOUT": (50, 5),           # targets, at most
    "DIRECTORIES": (100000, 5000),
    "EVENTS": (200000, 20000),
    "IDLE": (300, 15),           # seconds
    "OUTAGE": (50000, 5000),     # files changed during the outage
    "GONE": (600, 15),           # seconds that it lasts
    "PATIENCE": (120, 40),       # seconds after which a tool has failed at a row
}


class Scale:
    def __init__(self, quick):
        self.quick = quick

    def __getitem__(self, name):
        return int(os.environ.get(name, SETTINGS[name][self.quick]))

    def values(self):
        return {name: self[name] for name in SETTINGS}


class Samples:
    """One value a round for each (row, point, tool, metric); a point is a size, or 0."""

    def __init__(self, rounds=None, limits=None):
        self.rounds, self.limits = rounds or {}, limits or {}

    def add(self, row, point, tool, metrics):
        for metric, value in metrics.items():
            self.rounds.setdefault((row, point, tool, metric), []).append(value)

    def gave_up(self, row, point, tool, metric, value, reason):
        """It would have been more than that."""
        self.add(row, point, tool, {metric: value})
        self.limits[(row, point, tool, metric)] = reason

    def points(self, row, tool, metric):
        return sorted(p for r, p, t, m in self.rounds if (r, t, m) == (row, tool, metric))

    def as_json(self):
        return [{"row": row, "point": point, "tool": tool, "metric": metric, "rounds": values}
                | ({"gave_up": self.limits[key]} if (key := (row, point, tool, metric))
                   in self.limits else {})
                for (row, point, tool, metric), values in self.rounds.items()]

    @classmethod
    def of_json(cls, records):
        def key(r):
            return r["row"], r["point"], r["tool"], r["metric"]
        return cls({key(r): r["rounds"] for r in records},
                   {key(r): r["gave_up"] for r in records if "gave_up" in r})


@dataclasses.dataclass(frozen=True)
class Of:
    """Which samples of the row are meant."""

    tool: str
    metric: str
    point: int = 0


@dataclasses.dataclass(frozen=True)
class Claim:
    """A line of the table: a figure of ours over a peer's, or alone, and how much it may be."""

    what: str
    ours: Of
    peer: Of | None = None
    goal: float | None = None
    unit: str = ""
    # For a goal that is not a plain number: how it reads.
    goal_text: str = ""


@dataclasses.dataclass(frozen=True)
class Curve:
    """A plot of one metric over the points of a row."""

    file: str
    title: str
    x: str
    y: str
    metric: str
    logarithmic: bool = True


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    what: str
    # Samples the row. One that has to leave its tools alone for long yields meanwhile.
    measure: Callable
    claims: tuple[Claim, ...]
    curves: tuple[Curve, ...] = ()


@dataclasses.dataclass(frozen=True)
class Line:
    """A claim as it turned out."""

    row: str
    what: str
    ours: str
    peer: str
    ratio: str
    goal: str
    verdict: str


def number(value):
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def as_ratio(value):
    """1/64 reads better than 0.0156."""
    return f"1/{1 / value:.0f}" if 0 < value < 0.15 else number(value)


def spread(values, text):
    median = text(statistics.median(values))
    return median if len(values) < 2 else f"{median} ({text(min(values))}..{text(max(values))})"


def judge(row, claim, samples, failures):
    def key(of):
        return row.name, of.point, of.tool, of.metric

    def figure(of):
        values = samples.rounds.get(key(of), [])
        least = ">= " if key(of) in samples.limits else ""
        return f"{least}{number(statistics.median(values))} {claim.unit}".strip() if values else "-"

    ours = samples.rounds.get(key(claim.ours), [])
    peer = samples.rounds.get(key(claim.peer), []) if claim.peer else [1] * len(ours)
    quotients = [a / b for a, b in zip(ours, peer) if b > 0]
    at_most = claim.peer and key(claim.peer) in samples.limits
    ratio = ("<= " if at_most else "") + spread(quotients, as_ratio) if quotients else "-"
    gave_up = next((reason for limit, reason in samples.limits.items()
                    if limit[:3] == key(claim.ours)[:3]), None)
    if not ours:
        verdict = f"not measured: {gave_up or failures.get(row.name, 'no samples')}"
    elif gave_up:
        verdict = f"missed: {gave_up}" if claim.goal is not None else gave_up
    elif claim.goal is None or not quotients:
        verdict = ""
    else:
        verdict = "reached" if statistics.median(quotients) <= claim.goal else "missed"
    if at_most:
        verdict = f"{verdict} ({claim.peer.tool}: {samples.limits[key(claim.peer)]})".strip()
    return Line(row.name, claim.what, figure(claim.ours),
                f"{claim.peer.tool} {figure(claim.peer)}" if claim.peer else "",
                ratio if claim.peer else spread(quotients, number) if quotients else "-",
                claim.goal_text or (f"<= {as_ratio(claim.goal)}" if claim.goal is not None else ""),
                verdict)
