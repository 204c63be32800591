"""``python -m tests.benchmarks.passes``: what each pass of the compiler gains, by leaving it out.

For each workload the passes without which a step takes longer: the ratio of processor times with the pass left out and
with all of them, best of a few alternating rounds on one thread, and the lines that its program then has more.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import time
from functools import partial

import numpy as np

import micrograd_np as mg
from micrograd_np.compiler import passes

from .contenders import ours_eager
from .workloads import named

WORKLOADS = (
    "2-16-16-1@100", "2-16-16-1@100+adam", "50x32@32+adam", "lenet-28x28@64", "elementwise-1M@1", "64-128-10@1:infer",
    "50x32@1:infer",
)  # fmt: skip
ROUNDS, GAIN = 15, 1.02


def builders():
    """By name: what builds a step, given `compile`."""
    found = {name: partial(ours_eager.build, named(name)) for name in WORKLOADS}

    def build(compile):
        compiled, x = compile(lambda x: mg.clip(x * 2, -0.5, 0.5)), np.random.default_rng(0).standard_normal((64, 128))

        def step():
            with mg.no_grad():
                return compiled(x)

        return step

    found["a clip"] = build
    return found


def built(build, left_out=None):
    """A step that is compiled without one pass, and the number of lines of its program."""
    kept, programs = passes.PASSES, []
    passes.PASSES = tuple(one for i, one in enumerate(kept) if i != left_out)
    try:
        step = build(compile=lambda f: programs.append(mg.compile(f)) or programs[-1])
        for _ in range(3):
            step()
    finally:
        passes.PASSES = kept
    body = programs[0].source.partition("    def step(")[2].splitlines()
    return step, sum(not row.strip().startswith("#") for row in body)


def ratio(step, other):
    """How many times longer `other` takes."""
    start = time.process_time()
    step()
    count = max(1, int(0.03 / max(time.process_time() - start, 1e-5)))
    best = [float("inf")] * 2
    for _ in range(ROUNDS):
        for k, run in enumerate((step, other)):
            start = time.process_time()
            for _ in range(count):
                run()
            best[k] = min(best[k], time.process_time() - start)
    return best[1] / best[0]


def main():
    """Prints the table."""
    for name, build in builders().items():
        step, lines = built(build)
        gains = []
        for i, one in enumerate(passes.PASSES):
            if one.mode != "fast":
                other, more = built(build, i)
                gain = ratio(step, other)
                if gain > GAIN or more > lines:
                    gains.append(f"{one.name} {gain:.2f} ({more - lines:+d} lines)")
        print(f"{name}: {', '.join(gains)}", flush=True)


if __name__ == "__main__":
    main()
