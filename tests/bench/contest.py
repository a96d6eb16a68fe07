"""How a row is measured: round by round, each contestant in turn, so that load hits all alike."""

import dataclasses
import sys
import time
from collections.abc import Callable

from lab import Lab
from model import Samples, Scale


def say(text):
    print(text, file=sys.stderr, flush=True)


@dataclasses.dataclass(frozen=True)
class Contestant:
    tool: str
    work: Callable[[], dict]  # one round; metric -> value
    point: int = 0
    rounds: int = 1000        # no more than that: for what takes long and has no goal
    # Of a time-out: the metric that it is a lower bound of.
    metric: str = "s"


@dataclasses.dataclass(frozen=True)
class Contest:
    """What a row is given to measure itself."""

    row: str
    lab: Lab
    scale: Scale
    samples: Samples
    hopeless: set = dataclasses.field(default_factory=set)

    def alternate(self, contestants):
        rounds = self.scale["ROUNDS"]
        for number in range(rounds):
            say(f"  {self.row}: round {number + 1} of {rounds}")
            for contestant in contestants:
                if number < contestant.rounds:
                    self.one(contestant)

    def one(self, contestant):
        """A time-out is a result. After one there is no second try."""
        key = (self.row, contestant.point, contestant.tool)
        if key in self.hopeless:
            return
        begin = time.perf_counter()
        try:
            self.samples.add(*key, contestant.work())
        except TimeoutError as reason:
            self.hopeless.add(key)
            waited = time.perf_counter() - begin
            reason = f"{reason} after {waited:.0f} s"
            say(f"  {self.row}: {contestant.tool}: {reason}")
            # In the unit of its metric, which is milliseconds for edits.
            waited *= 1000 if contestant.metric == "ms" else 1
            self.samples.gave_up(*key, contestant.metric, waited, reason)
