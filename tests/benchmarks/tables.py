"""Which workloads and contenders each table of races shows, and beside whom."""

from __future__ import annotations

from dataclasses import dataclass

from .workloads import ALL, LENET, LSTM, MLPS, TRANSFORMER, Workload


@dataclass(frozen=True)
class Table:
    """A table of races. ``quick`` workloads are the ones shown by ``--quick``."""

    title: str
    workloads: tuple[Workload, ...]
    contenders: tuple[str, ...]
    reference: str
    quick: tuple[Workload, ...]
    first_steps: bool = False  # print the time to the first step, too


EAGER = Table(
    "One training step, eager",
    MLPS,
    ("numpy_plain", "numpy_preallocated", "ours_eager", "torch_eager", "mygrad", "autograd"),
    "numpy_plain",
    MLPS[:2],
)
LAYERS = Table(
    "One training step of each kind of network, eager",
    (LENET, LSTM, TRANSFORMER, MLPS[1].with_adam(), MLPS[2].with_adam()),
    ("torch_eager", "ours_eager", "jax_jit", "numpy_plain"),
    "torch_eager",
    (LENET, LSTM, TRANSFORMER),
)
COMPILE = Table(
    "One step, compiled",
    ALL,
    (
        *("numpy_plain", "numpy_preallocated", "numpy_flat", "numpy_dots"),
        *("ours_eager", "ours_compiled", "ours_fast", "ours_c"),
        *("torch_eager", "torch_compile", "jax_jit", "mygrad", "autograd"),
    ),
    "numpy_plain",
    MLPS[:2],
    first_steps=True,
)
TABLES = {"eager": EAGER, "layers": LAYERS, "compile": COMPILE}
