"""What one forward and backward pass holds, against PyTorch: peak resident memory above that after a small pass."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
from typing import Any

import numpy as np

from .environment import child_environment, limit_processors
from .measure import ROOT

RUNS = 5
CASES = ("40 additions", "10 Linear(512) + ReLU @4096", "4 transformer layers 32×128", "3 convolutions 64×3×32×32")


def resident_peak() -> int:
    """The most bytes that this process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def peak(case: str, library: str) -> int:
    """Bytes that one pass adds to the peak, after a small pass has loaded what is loaded late."""
    ours = library == "ours"
    if ours:
        import micrograd_np as lib
        from micrograd_np import nn

        lib.set_default_dtype("float32")
    else:
        import torch as lib
        from torch import nn

    def tensor(*shape: int) -> Any:
        values = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        return lib.Tensor(values) if ours else lib.from_numpy(values)

    def run(*, small: bool) -> None:
        if case == CASES[0]:
            x = y = tensor(100 if small else 5_000_000)
            x.requires_grad_()
            for _ in range(40):
                y = y + 1.0
            y.sum().backward()
            return
        if case == CASES[1]:
            layers = [part for _ in range(10) for part in (nn.Linear(512, 512), nn.ReLU())]
            net, x = nn.Sequential(*layers), tensor(8 if small else 4096, 512)
        elif case == CASES[2]:
            layer = nn.TransformerEncoderLayer(128, 4, dim_feedforward=512, dropout=0.0, batch_first=True)
            net, x = nn.TransformerEncoder(layer, 4), tensor(2 if small else 32, 128, 128)
        else:
            layers = []
            for a, b in ((3, 32), (32, 32), (32, 32)):
                layers += [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU()]
            net, x = nn.Sequential(*layers), tensor(2 if small else 64, 3, 32, 32)
        (net(x) ** 2).mean().backward()

    run(small=True)
    before = resident_peak()
    run(small=False)
    return resident_peak() - before


def alone(case: str, library: str) -> int:
    """The same, in a fresh process."""
    call = [sys.executable, "-m", f"{__package__}.held", case, library]
    done = subprocess.run(call, capture_output=True, text=True, cwd=ROOT, env=child_environment(1), check=True)
    return int(json.loads(done.stdout.splitlines()[-1]))


def ratios(runs: int = RUNS) -> list[list[str]]:
    """A row for each case: median peaks of both libraries, and their ratio."""
    rows = [["peak of one pass, above that of a small one", "ours", "PyTorch", "ratio"]]
    for case in CASES:
        ours, theirs = (statistics.median(alone(case, library) for _ in range(runs)) for library in ("ours", "torch"))
        rows.append([case, f"{ours / 2**20:.0f} MiB", f"{theirs / 2**20:.0f} MiB", f"{ours / theirs:.2f}"])
    return rows


if __name__ == "__main__":
    limit_processors(1)
    print(json.dumps(peak(*sys.argv[1:])))
