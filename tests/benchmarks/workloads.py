"""The workloads: what is trained, and at which size. No arrays here, so naming them costs no import.

Every choice that all contenders must share is made in this file: float32 or float64; a sigmoid after *every* layer of
an MLP, the last one included; mean squared error for MLPs and the transformer, cross entropy on ten classes for the
others; plain SGD, or Adam with PyTorch's defaults where the name says ``+adam``; no dropout.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatch

CLASSES = 10
HEADS = 4
ADAM = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8}


@dataclass(frozen=True)
class Workload:
    """A thing to time. ``sizes``: layer widths, (rows, columns), (features, hidden), (width, feedforward), or (n,)."""

    kind: str  # "mlp", "lenet", "lstm", "transformer" or "elementwise"
    sizes: tuple[int, ...]
    batch: int
    steps: int = 1  # length of a sequence; 1 where there is none
    lr: float = 0.1
    optimizer: str = "sgd"
    inference: bool = False  # only the forward pass, of one sample
    label: str = ""
    dtype: str = "float32"

    @property
    def name(self) -> str:
        """The spelling used on the command line and in the tables."""
        step = "@1:infer" if self.inference else f"@{self.batch}" + "+adam" * (self.optimizer == "adam")
        return self.label + step + f":{self.dtype}" * (self.dtype != "float32")

    def with_adam(self) -> Workload:
        """The same network, trained by Adam."""
        return replace(self, optimizer="adam", lr=ADAM["lr"])

    def infer(self) -> Workload:
        """The forward pass of one sample through the same network."""
        return replace(self, batch=1, inference=True)

    def in_float64(self) -> Workload:
        """The same with twice the digits."""
        return replace(self, dtype="float64")


def mlp(*sizes: int, batch: int, lr: float = 0.1, label: str = "") -> Workload:
    """A multi-layer perceptron with these widths, input first."""
    return Workload("mlp", sizes, batch, lr=lr, label=label or "-".join(map(str, sizes)))


def elementwise(n: int, label: str) -> Workload:
    """A loss of twelve elementwise lines over ``n`` values, and the step that improves those values."""
    return Workload("elementwise", (n,), batch=1, lr=0.05 * n, label=label)  # the mean divides each gradient by n


MLPS = (
    mlp(2, 16, 16, 1, batch=100),
    mlp(64, 128, 10, batch=64),
    mlp(784, 256, 128, 10, batch=128),
    mlp(1024, 1024, 1024, 10, batch=256),
    mlp(*[32] * 51, batch=32, label="50x32"),
)
LENET = Workload("lenet", (28, 28), batch=64, label="lenet-28x28")
LSTM = Workload("lstm", (64, 64), batch=32, steps=50, label="lstm-64x50")
TRANSFORMER = Workload("transformer", (64, 256), batch=32, steps=32, label="transformer-64x32")
ELEMENTWISE = (elementwise(1_000_000, "elementwise-1M"), elementwise(10_000_000, "elementwise-10M"))

ALL = (
    *MLPS,
    *(net.with_adam() for net in MLPS),
    LENET,
    LSTM,
    TRANSFORMER,
    *ELEMENTWISE,
    *(net.infer() for net in (*MLPS, LENET, LSTM, TRANSFORMER)),
)

# Small enough for the test that all contenders agree.
TINY = (
    MLPS[0],
    MLPS[0].with_adam(),
    MLPS[1],
    MLPS[4],
    mlp(5, 7, 3, batch=4),
    Workload("lenet", (28, 28), batch=3, label="lenet-tiny"),
    Workload("lstm", (5, 6), batch=4, steps=7, lr=0.5, label="lstm-tiny"),
    Workload("transformer", (8, 16), batch=3, steps=5, label="transformer-tiny"),
    elementwise(1_000, "elementwise-tiny"),
)


def named(name: str) -> Workload:
    """The workload called ``name``. Raises ValueError, listing all names, for one there is not."""
    for workload in (*ALL, *TINY, *map(Workload.in_float64, (*ALL, *TINY))):
        if workload.name == name:
            return workload
    raise ValueError(f"workload: there is no {name!r}; there are {', '.join(workload.name for workload in ALL)}")


def matching(workloads: tuple[Workload, ...], patterns: list[str]) -> tuple[Workload, ...]:
    """Those whose name contains, or as a shell pattern matches, one of ``patterns``; all of them for no pattern."""
    return tuple(w for w in workloads if not patterns or any(p in w.name or fnmatch(w.name, p) for p in patterns))
