"""Races: the contenders of a workload, each in a process of its own, timed in turns so that noise hits all alike."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Self

from .environment import child_environment

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Result:
    """What a contender did on a workload: seconds per step of each round, or the problem that kept it from running."""

    first: float = float("nan")  # seconds from the first call to its result: tracing and compiling included
    rounds: list[float] = field(default_factory=list)
    problem: str = ""

    @property
    def best(self) -> float:
        """Seconds per step of the best round."""
        return min(self.rounds)

    @property
    def median(self) -> float:
        """Seconds per step of the median round."""
        return median(self.rounds)


class Worker:
    """A process that measures; ``ask`` it. A context manager: the process ends with the block."""

    def __init__(self, contender: str, threads: int, length: float) -> None:
        """``length``: seconds that a round should last."""
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  __exit__ closes it; a pipe would fill up and block
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.worker", contender, str(threads), str(length)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            cwd=ROOT,
            env=child_environment(threads),
        )
        self.greeting = self._reply()

    def ask(self, **request: Any) -> dict[str, Any]:
        """The reply to one request; a process that died replies with its last words as ``problem``."""
        if "problem" in self.greeting:
            return self.greeting
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return {"problem": "ended"}
        return self._reply()

    def _reply(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        code = self.process.wait()
        self.errors.seek(0)
        words = self.errors.read().strip().splitlines()
        return {"problem": words[-1][:200] if words else f"ended with code {code}"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def race(contenders: Sequence[str], workload: str, threads: int, rounds: int, length: float) -> dict[str, Result]:
    """Each contender's result on one workload, every process fresh."""
    with ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(name, threads, length)) for name in contenders}
        return take_turns(workers, workload, rounds)


def take_turns(workers: dict[str, Worker], workload: str, rounds: int) -> dict[str, Result]:
    """Builds one after the other, then rounds in turns; each round begins with another contender."""
    results = {}
    for name, worker in workers.items():
        reply = worker.ask(build=workload)
        results[name] = Result(reply.get("first", float("nan")), problem=reply.get("problem", ""))
    running = [name for name, result in results.items() if not result.problem]
    for turn in range(rounds):
        for name in _rotated(running, turn):
            reply = workers[name].ask(round=workload)
            if "seconds" in reply:
                results[name].rounds.append(reply["seconds"])
            else:
                results[name].problem = reply["problem"]
    for worker in workers.values():
        worker.ask(drop=workload)
    return results


def _rotated(names: Sequence[str], turn: int) -> Iterable[str]:
    start = turn % len(names) if names else 0
    return [*names[start:], *names[:start]]


def description(threads: int) -> dict[str, Any]:
    """Processor, NumPy's matrix kernels and versions, as a worker with that many threads sees them."""
    with Worker("numpy_plain", threads, 0.0) as worker:
        return worker.ask(describe=True)
