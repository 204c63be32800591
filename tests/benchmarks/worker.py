"""The measured process. It builds what it is told to on its standard input, and answers in JSON, a line for a line.

``{"build": workload}`` makes the step, runs it once, warms it up and finds how many steps fill a round;
``{"round": workload}`` times one round; ``{"describe": true}`` says which kernels are loaded. A process that waits for
its turn uses no processor, so contenders can be timed in turns, each undisturbed by the thread pools of the others.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable
from time import perf_counter
from typing import Any

from .contenders import contender, installed, lacking
from .environment import describe, limit_processors

Step = Callable[[], Any]
WARM = 0.1  # seconds of steps before anything is counted
SETTLE = 0.1  # the part of a round that runs before its clock: caches and thread pools have slept meanwhile


class Bench:
    """One step under the clock."""

    def __init__(self, step: Step, finish: Callable[[Any], Any], length: float) -> None:
        """``length``: seconds that a round should last."""
        self.step, self.finish = step, finish
        self.first = self.time(1)
        self.second = self.time(1)
        began, best = perf_counter(), self.second
        while perf_counter() - began < WARM:
            best = min(best, self.time(max(1, min(1000, int(0.005 / best)))))
        self.count = max(1, round(length / best))

    def time(self, count: int) -> float:
        """Seconds per step over ``count`` steps, the last of which has really ended."""
        step, steps = self.step, range(count)
        began = perf_counter()
        for _ in steps:
            value = step()
        self.finish(value)
        return (perf_counter() - began) / count

    def round(self) -> float:
        """Seconds per step, of one round."""
        self.time(max(1, int(SETTLE * self.count)))
        return self.time(self.count)


def maker(name: str) -> Callable[[str], tuple[Step, Callable[[Any], Any]]]:
    """From a workload's name to its step and ``finish``. Names that start with ``op:`` come from the table of ops."""
    if name.startswith("op:"):
        from .libraries import build

        return lambda case: build(name.removeprefix("op:"), case)
    from .workloads import named

    build_step, finish = contender(name)
    return lambda workload: (build_step(named(workload)), finish)


def available(name: str) -> bool:
    """Whether the package behind this name is installed."""
    if name.startswith("op:"):
        from .libraries import installed as library_installed

        return library_installed(name.removeprefix("op:"))
    return installed(name)


def answer(request: dict[str, Any], make: Callable[[str], Any], benches: dict[str, Bench], length: float) -> Any:
    """What to say to one request."""
    if "describe" in request:
        return describe()
    if "build" in request:
        name = request["build"]
        benches[name] = bench = Bench(*make(name), length)
        return {"first": bench.first, "second": bench.second, "count": bench.count}
    if "drop" in request:
        return {"dropped": benches.pop(request["drop"], None) is not None}
    return {"seconds": benches[request["round"]].round()}


def main(name: str, threads: int, length: float) -> None:
    """Serves requests until the input ends."""
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints goes to stderr, not between the replies
    warnings.simplefilter("ignore")
    limit_processors(threads)
    if not available(name):
        print(json.dumps({"problem": "not installed"}), file=replies)
        return
    if "torch" in name:
        import torch

        torch.set_num_threads(threads)
    make, benches = maker(name), {}
    print(json.dumps({"ready": True}), file=replies)
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line), make, benches, length)
        except Exception as error:  # noqa: BLE001  a contender may fail in any way; the table says how and goes on
            reply = {"problem": lacking(error) or f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(reply), file=replies)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
