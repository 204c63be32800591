"""The table of memory: long chains, long training, and what compiling saves. Each case runs in a process of its own.

Bytes are those ``tracemalloc`` sees, NumPy's arrays included, and resident memory as the system reports it. Times are
taken without ``tracemalloc``, which slows everything down.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from .contenders import contender
from .environment import child_environment, limit_processors
from .held import RUNS, ratios
from .measure import ROOT
from .table import heading, progress, render
from .workloads import LENET, MLPS, TRANSFORMER, named

CHAINS = (25_000, 50_000, 100_000)
STEPS = 10_000
NETS = (MLPS[1], MLPS[2], LENET, TRANSFORMER)


def resident() -> int:
    """Bytes of this process that lie in memory now; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def peak_of(function: Callable[[], Any]) -> int:
    """The largest number of bytes that were allocated, at once, while ``function`` ran, beyond those before it."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - before


def chain(length: int, library: str) -> dict[str, float]:
    """A chain of so many additions and products of a scalar, there and back: best seconds of three, peak bytes."""
    if library == "torch":
        import torch

        leaf: Callable[[], Any] = lambda: torch.tensor(1.0, requires_grad=True)
    else:
        import micrograd_np as mg

        leaf = lambda: mg.Tensor(1.0, requires_grad=True)

    def run() -> float:
        x = z = leaf()
        began = perf_counter()
        for i in range(length):
            z = z * 0.5 if i % 2 else z + x
        z.backward()
        return perf_counter() - began

    seconds = min(run() for _ in range(3))
    return {"seconds": seconds} if library == "torch" else {"seconds": seconds, "peak": peak_of(run)}


def train(steps: int, name: str) -> dict[str, float]:
    """So many steps without the garbage collector, a tenth more to warm up: bytes gained, objects in cycles."""
    build, _ = contender(name)
    step = build(MLPS[0])
    gc.collect()
    gc.disable()
    for _ in range(steps // 10):
        step()
    before = resident()
    for _ in range(steps):
        step()
    gained = resident() - before
    unreachable = gc.collect()
    tracemalloc.start()
    step()  # what a step leaves behind replaces what the step before it left; the second measurement sees no first
    held = tracemalloc.get_traced_memory()[0]
    for _ in range(steps // 10):
        step()
    return {"resident": gained, "traced": tracemalloc.get_traced_memory()[0] - held, "unreachable": unreachable}


def step_peak(workload: str, name: str) -> dict[str, float]:
    """The most bytes a step holds: with all it stands on (parameters, data, buffers), and beside those."""
    build, _ = contender(name)
    build(named(workload))()  # whatever is imported late is imported now
    built: list[Callable[[], Any]] = []

    def prepare() -> None:
        built.append(build(named(workload)))
        built[0]()

    return {"whole": peak_of(prepare), "step": peak_of(built[0])}


def drawing(length: int, most: int) -> dict[str, float]:
    """A graph of so many numbers drawn in at most `most` nodes: best seconds of three, and peak bytes by its own."""
    import micrograd_np as mg

    def graph() -> Any:
        x = z = mg.Tensor(1.0, requires_grad=True)
        for _ in range(length // 2):
            z = (z * x).tanh()
        return z

    def draw(z: Any) -> float:
        began = perf_counter()
        assert mg.draw(z, max_nodes=most).source
        return perf_counter() - began

    seconds = min(draw(z) for z in [graph()] * 3)
    return {"seconds": seconds, "ratio": peak_of(lambda: draw(graph())) / peak_of(graph)}


def alone(function: str, *arguments: object) -> dict[str, Any]:
    """The answer of one of the functions above, asked in a fresh process."""
    call = [sys.executable, "-m", f"{__package__}.memory", function, *map(str, arguments)]
    done = subprocess.run(call, capture_output=True, text=True, cwd=ROOT, env=child_environment(1), check=False)
    if done.returncode:
        return {"problem": (done.stderr.strip().splitlines() or ["failed"])[-1][:60]}
    return json.loads(done.stdout.splitlines()[-1])


def mebibytes(count: float) -> str:
    """Bytes as MiB, or as KiB where they are few."""
    return f"{count / 2**20:.1f} MiB" if abs(count) >= 2**20 else f"{count / 2**10:.1f} KiB"


def main(options: argparse.Namespace) -> None:
    """Prints the tables."""
    show: Callable[[Any], None] = lambda rows: print(render(rows, markdown=options.markdown), "\n")
    print(f"## Memory\n\n{heading(1)}")

    rows = [["chain, forward and backward", "time", "per node", "peak", "bytes per node"]]
    for library in ("ours", "torch"):
        for n in CHAINS[:1] if options.quick else CHAINS:
            progress(f"chain {n} {library}")
            rows.append([f"{library}, {n:,} nodes", *_chain_cells(alone("chain", n, library), n)])
    show(rows)

    progress("one pass against PyTorch")
    show(ratios(1 if options.quick else RUNS))

    rows = [["drawing a graph of numbers", "time", "peak, by the graph's"]]
    for n, most in ((10_000, 60), (10_000, 20_000), (100_000, 60)):
        progress(f"drawing {n} {most}")
        found = alone("drawing", n, most)
        cells = [f"{found['seconds']:.2f} s", f"{found['ratio']:.2f}×"] if "ratio" in found else [found["problem"], "–"]
        rows.append([f"{n:,} nodes, {'folded' if most < n else 'all'}", *cells])
    show(rows)

    steps = STEPS // 10 if options.quick else STEPS
    rows = [[f"{steps:,} steps without the collector", "resident", "traced", "objects in cycles"]]
    for name in ("ours_eager", "ours_compiled", "torch_eager"):
        progress(f"train {name}")
        found = alone("train", steps, name)
        problem = found.get("problem")
        cells = (
            [problem, "–", "–"]
            if problem
            else [mebibytes(found[k]) for k in ("resident", "traced")] + [str(found["unreachable"])]
        )
        rows.append([name, *cells])
    show(rows)

    names = ("ours_eager", "ours_compiled", "numpy_plain", "numpy_preallocated")
    rows = [["peak bytes of a step, with parameters, data and buffers · beside them", *names]]
    for workload in NETS[:1] if options.quick else NETS:
        cells = []
        for name in names:
            progress(f"peak {workload.name} {name}")
            found = alone("step_peak", workload.name, name)
            cells.append(found.get("problem") or f"{mebibytes(found['whole'])} · {mebibytes(found['step'])}")
        rows.append([workload.name, *cells])
    show(rows)


def _chain_cells(found: dict[str, Any], n: int) -> list[str]:
    if "problem" in found:
        return [found["problem"], "–", "–", "–"]
    seconds = found["seconds"]
    times = [f"{seconds:.3f} s", f"{seconds / n * 1e6:.2f} µs"]
    if "peak" not in found:  # PyTorch's graph lies where tracemalloc does not look
        return [*times, "–", "–"]
    return [*times, mebibytes(found["peak"]), f"{found['peak'] / n:.0f}"]


ASKED = {
    "chain": lambda n, library: chain(int(n), library),
    "train": lambda steps, name: train(int(steps), name),
    "step_peak": step_peak,
    "drawing": lambda n, most: drawing(int(n), int(most)),
}

if __name__ == "__main__":
    limit_processors(1)
    print(json.dumps(ASKED[sys.argv[1]](*sys.argv[2:])))
