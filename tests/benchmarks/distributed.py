"""``python -m tests.benchmarks distributed``: steps on several processes beside one, and sums of gradients.

Each row is a launch of its own, and all rows are launched in turns, so that noise hits all alike; shown is the best
round, and the median of the rounds. All in float32, with one BLAS thread a process unless a row says two, and each on
as many processors as it has threads.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from .environment import THREADS, child_environment
from .measure import ROOT
from .table import heading, render

WIDTHS, BATCH = (784, 512, 10), 2048
ENGINES = {
    "plain": (1, 1, "plain"),
    "plain, 2 BLAS threads": (1, 2, "plain"),
    "serial": (1, 1, "serial"),
    "mpi 1": (1, 1, "mpi"),
    "mpi 2": (2, 1, "mpi"),
    "mpi 2, fast": (2, 1, "mpi fast"),
    "mpi 4": (4, 1, "mpi"),
    "mpi 4, fast": (4, 1, "mpi fast"),
    "ray 2": (1, 1, "ray"),
}
SETTLE, COUNT = 3, 30  # steps before the clock runs, and under it


def launch(n: int, threads: int, *arguments: str) -> dict[str, float]:
    """What rank 0 of `n` processes prints."""
    environment = child_environment(threads)
    environment["PYTHONPATH"] = str(ROOT)
    program = [sys.executable, "-m", f"{__package__}.distributed", *arguments]
    if arguments[0] not in {"plain", "serial", "ray"}:
        program = [str(Path(sys.executable).parent / "mpiexec"), "-n", str(n), *program]
    done = subprocess.run(
        program, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, cwd=ROOT, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{program}\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main(options: argparse.Namespace) -> None:
    """Measures, and prints tables."""
    print(f"## Many processes\n\n{heading(1)}")
    engines = {k: v for k, v in ENGINES.items() if v[2] in {"plain", "serial"} or v[2] == "ray" or has_mpi()}
    if not has_ray():
        engines = {k: v for k, v in engines.items() if v[2] != "ray"}
    steps: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(options.rounds):
        for name, (n, threads, way) in engines.items():
            steps[name].append(launch(n, threads, *way.split(), "step", str(BATCH))["seconds"])
    rows = []
    for name, x in steps.items():
        ratios = [median(a / b for a, b in zip(steps[base], x, strict=True)) for base in list(engines)[:2]]
        rows.append([name, *(f"{t * 1e3:.1f} ms" for t in (min(x), median(x))), *(f"{r:.2f}×" for r in ratios)])
    shape = "-".join(map(str, WIDTHS))
    print(f"\nA compiled step of {shape} at batch {BATCH}, and its throughput beside the plain step (by rounds).\n")
    columns = ["step", "best", "median", "throughput", "to two BLAS threads"]
    print(render([columns, *rows], markdown=options.markdown))
    if not has_mpi():
        return
    print("\nWeak scaling: 512 samples a rank, on as many processors as this machine has.\n")
    weak = [
        (n, min(launch(n, 1, "mpi", "step", str(512 * n))["seconds"] for _ in range(options.rounds))) for n in (1, 2, 4)
    ]
    rows = [[str(n), f"{x * 1e3:.1f} ms", f"{weak[0][1] / x:.2f}"] for n, x in weak]
    print(render([["ranks", "time", "efficiency"], *rows], markdown=options.markdown))
    print("\nThe sum of a gradient of 1 MB over 2 ranks.\n")
    sums: dict[str, float] = {}
    for _ in range(options.rounds):
        for name, x in launch(2, 1, "mpi", "sum", str(1 << 18)).items():
            sums[name] = min(sums.get(name, x), x)
    rows = [[name, f"{x * 1e3:.3f} ms", f"{x / sums['Allgatherv']:.2f}×"] for name, x in sums.items()]
    print(render([["sum", "time", "to Allgatherv"], *rows], markdown=options.markdown))


def has_mpi() -> bool:
    """Whether there is a launcher beside this interpreter."""
    return shutil.which("mpiexec", path=str(Path(sys.executable).parent)) is not None


def has_ray() -> bool:
    """Whether Ray is installed."""
    from importlib.util import find_spec

    return find_spec("ray") is not None


def step_of(way: str, reduce: str) -> Any:
    """A training step by its kind; it takes a batch."""
    import micrograd_np as mg
    from micrograd_np import nn, optim

    mg.manual_seed(0)
    a, b, c = WIDTHS
    model = nn.Sequential(nn.Linear(a, b), nn.ReLU(), nn.Linear(b, c)).to("float32")
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss()

    def loss(model: Any, shard: Any) -> Any:
        return criterion(model(shard[0]), shard[1])

    if way != "plain":
        return mg.distributed.data_parallel(mg.compile(loss), model, optimizer, way, reduce=reduce, workers=2)

    @mg.compile
    def plain(batch: Any) -> Any:
        optimizer.zero_grad()
        value = loss(model, batch)
        value.backward()
        optimizer.step()
        return value

    return plain


def times(way: str, reduce: str, samples: int) -> dict[str, float]:
    """Seconds of the best step."""
    import numpy as np

    rng = np.random.default_rng(0)
    batch = rng.normal(size=(samples, WIDTHS[0])).astype("float32"), rng.integers(0, WIDTHS[-1], samples)
    step = step_of(way, reduce)
    best = float("inf")
    for number in range(SETTLE + COUNT):
        began = perf_counter()
        step(batch)
        if number >= SETTLE:
            best = min(best, perf_counter() - began)
    return {"seconds": best}


def sums(elements: int) -> dict[str, float]:
    """Seconds of the best sum of a vector, by each kind."""
    import numpy as np
    from mpi4py import MPI

    from micrograd_np.distributed.on_mpi import MPIEngine
    from micrograd_np.distributed.tree import Part, block

    comm = MPI.COMM_WORLD
    ways = {}
    vector, every = np.ones(elements, "float32"), np.empty((comm.size, elements), "float32")
    blocks = [block(rank, comm.size, 8) for rank in range(comm.size)]
    for name, fast in (("ordered", False), ("fast", True)):
        engine = MPIEngine(60.0, False, False, fast=fast)
        ways[name] = lambda engine=engine: engine._reduced([Part(*blocks[comm.rank], vector)], blocks, 8, "a sum")
    ways["Allgatherv"] = lambda: comm.Allgatherv(vector, every)
    best = dict.fromkeys(ways, float("inf"))
    for number in range(60):
        for name, way in ways.items():
            vector[:] = 1
            comm.Barrier()
            began = perf_counter()
            way()
            if number >= SETTLE:
                best[name] = min(best[name], perf_counter() - began)
    return best


def measured(way: str, *rest: str) -> None:
    """In a launched process: measure, and let rank 0 print."""
    reduce = "fast" if rest[0] == "fast" else "ordered"
    kind, number = rest[-2:]
    rank = int(os.environ.get("PMI_RANK") or os.environ.get("OMPI_COMM_WORLD_RANK") or 0)
    if way != "ray" and hasattr(os, "sched_setaffinity"):  # a processor for each thread
        threads, allowed = int(os.environ[THREADS[0]]), sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[(rank + n) % len(allowed)] for n in range(threads)})
    result = times(way, reduce, int(number)) if kind == "step" else sums(int(number))
    if rank == 0:
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    assert all(name in os.environ for name in THREADS)
    measured(*sys.argv[1:])
