"""`summary`: what a model is made of, and what one pass through it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from math import prod
from typing import Any

import numpy as np

from micrograd_np import random
from micrograd_np.core.events import Events
from micrograd_np.core.messages import insist
from micrograd_np.core.modes import mode
from micrograd_np.core.terminal import shown
from micrograd_np.core.writes import owner_of, writes
from micrograd_np.engine.grad_mode import enable_grad
from micrograd_np.engine.tensor import Tensor

from .module import Module

# multiplications, each with an addition, from the result and the inputs; what is not here has none worth counting
_PRODUCTS: dict[str, Callable[..., int]] = {
    "matmul": lambda z, x, y: z.size * x.shape[-1],
    "linear": lambda z, x, weight, bias: z.size * x.shape[-1],
    "convolve": lambda z, x, weight: z.size * prod(weight.shape[1:]),
    "convolve_back": lambda z, y, weight: y.size * prod(weight.shape[1:]),
    "rnn": lambda z, x, h, weight: prod(x.shape[:2]) * weight.size,
    "lstm_memory": lambda z, x, h, c, w_ih, w_hh, bias: prod(x.shape[:2]) * (w_ih.size + w_hh.size),
    "gru_memory": lambda z, x, h, w_ih, w_hh, bias, bias_hn: prod(x.shape[:2]) * (w_ih.size + w_hh.size),
}


@dataclass
class Row:
    """One module: what it holds itself, and what it does itself, apart from the modules in it."""

    name: str
    kind: str
    depth: int
    parameters: int = 0
    shapes: list[tuple[int, ...]] = field(default_factory=list)  # of the results, of the latest call
    multiply_adds: int = 0
    kept: int = 0  # bytes
    calls: int = 0

    def cells(self) -> tuple[str, ...]:
        """The row as text."""
        title = "  " * self.depth + (f"{self.name}: {self.kind}" if self.name else self.kind)
        unused = "not called" if self.parameters else "–"  # a mere list of modules never is
        shape = ", ".join(map(str, self.shapes)) if self.calls else unused
        times = f" ×{self.calls}" if self.calls > 1 else ""
        return (
            title + times,
            shape,
            *(f"{n:,}" if n else "–" for n in (self.parameters, self.multiply_adds)),
            _bytes(self.kept),
        )


class Summary:
    """A table that prints itself, in a terminal and in a notebook; its numbers are attributes.

    `rows`, one for each module, and the totals `parameters`, `trainable`, `multiply_adds` and `kept` (bytes).
    """

    heading = ("layer", "output shape", "parameters", "multiply-adds", "kept for backward")

    def __init__(self, rows: list[Row], parameters: int, trainable: int) -> None:
        self.rows, self.parameters, self.trainable = rows, parameters, trainable
        self.multiply_adds = sum(row.multiply_adds for row in rows)
        self.kept = sum(row.kept for row in rows)

    def _table(self) -> list[tuple[str, ...]]:
        total = ("total", "", f"{self.parameters:,}", f"{self.multiply_adds:,}", _bytes(self.kept))
        return [self.heading, *(row.cells() for row in self.rows), total]

    def __repr__(self) -> str:
        table = self._table()
        widths = [max(len(cells[i]) for cells in table) for i in range(len(self.heading))]
        lines = [
            "  ".join(
                text.ljust(w) if i < 2 else text.rjust(w) for i, (text, w) in enumerate(zip(cells, widths, strict=True))
            ).rstrip()
            for cells in table
        ]
        rule = "─" * max(map(len, lines))
        frozen = self.parameters - self.trainable
        note = [f"{frozen:,} of the parameters are frozen"] if frozen else []
        return shown("\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], *note]))

    def _repr_html_(self) -> str:
        def line(cells: tuple[str, ...], tag: str) -> str:
            sides = ("left", "left", "right", "right", "right")
            return "<tr>" + "".join(
                f'<{tag} style="text-align: {side}; white-space: pre">{escape(text)}</{tag}>'
                for text, side in zip(cells, sides, strict=True)
            ) + "</tr>"  # fmt: skip

        head, *body, total = self._table()
        return f"<table>{line(head, 'th')}{''.join(line(cells, 'td') for cells in body)}{line(total, 'th')}</table>"


class _Counter(Events):
    """Watches one pass, and charges what happens to the module it happens in."""

    def __init__(self, model: Module, inputs: tuple[Any, ...]) -> None:
        names = list(model.named_modules())
        self.rows = {id(m): Row(name.rpartition(".")[2], type(m).__name__, _depth(names, name)) for name, m in names}
        self.stack: list[Row] = []
        given = [x for x in inputs if isinstance(x, Tensor)]
        self.seen = {id(owner_of(x.data)) for x in (*model.parameters(), *model.buffers(), *given)}
        self.alive: list[Any] = []  # an array that died would leave its id to another
        for _, m in names:
            self.rows[id(m)].parameters = sum(p.size for p in m.parameters(recurse=False))

    def enter(self, module: Module, args: Any) -> None:
        row = self.rows[id(module)]
        row.calls += 1
        self.stack.append(row)

    def leave(self, module: Module, args: Any, result: Any) -> None:
        row = self.stack.pop()
        row.shapes = [x.shape for x in _tensors(result)]

    def applied(self, op: Any, inputs: tuple[Any, ...], static: Any, result: Any) -> None:
        if not self.stack:
            return
        row = self.stack[-1]
        if op.name in _PRODUCTS:
            row.multiply_adds += _PRODUCTS[op.name](result, *inputs)
        if isinstance(result, Tensor) and result.requires_grad:
            for x in (*inputs, result):
                array = owner_of(x.data if isinstance(x, Tensor) else x)
                if isinstance(array, np.ndarray) and id(array) not in self.seen:
                    self.seen.add(id(array))
                    self.alive.append(array)
                    row.kept += array.nbytes


def summary(model: Module, *inputs: Any) -> Summary:
    """A table of the layers of `model`, from one forward pass of `inputs` through it, which leaves no trace.

    For each: the shape of its result, its parameters, its multiplications (each with an addition), and the bytes that
    the graph keeps until backward, beyond the parameters and the input; a module's own, without those of the modules in
    it. An input is an array or a Tensor; floating arrays are taken in the dtype of the parameters. TypeError for a
    tuple of integers, which could be a shape.

    >>> from micrograd_np import nn
    >>> summary(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1)), np.zeros((32, 4)))
    layer        output shape  parameters  multiply-adds  kept for backward
    ───────────────────────────────────────────────────────────────────────
    Sequential   (32, 1)                –              –                  –
      0: Linear  (32, 8)               40          1,024             2.0 kB
      1: ReLU    (32, 8)                –              –             2.0 kB
      2: Linear  (32, 1)                9            256              256 B
    ───────────────────────────────────────────────────────────────────────
    total                              49          1,280             4.4 kB
    """
    insist("summary", "model", model, isinstance(model, Module), "a Module")
    floating = next((p.dtype for p in model.parameters() if p.dtype.kind == "f"), None)
    given = tuple(_input(x, floating) for x in inputs)
    counter = _Counter(model, given)
    handles = []
    for module in model.modules():
        handles += [module.register_forward_pre_hook(counter.enter), module.register_forward_hook(counter.leave)]
    with _untouched(model), enable_grad():
        before = mode.events
        mode.set(events=counter)
        try:
            model(*given)
        finally:
            mode.set(events=before)
            for handle in handles:
                handle.remove()
    sizes = [(p.size, p.requires_grad) for p in model.parameters()]
    return Summary(list(counter.rows.values()), sum(n for n, _ in sizes), sum(n for n, trained in sizes if trained))


@contextmanager
def _untouched(model: Module) -> Iterator[None]:
    """Buffers and the generator as they were, afterwards."""
    buffers = [(b, b.data.copy()) for b in model.buffers()]
    attributes = [(module, dict(vars(module))) for module in model.modules()]  # a buffer may be set anew
    state = random.generator().bit_generator.state
    try:
        yield
    finally:
        random.generator().bit_generator.state = state
        for module, before in attributes:
            vars(module).clear()
            vars(module).update(before)
        for b, values in buffers:
            b.data[...] = values
            writes.note(b.data)


def _input(x: Any, floating: Any) -> Tensor:
    if isinstance(x, Tensor):
        return x
    if type(x) is tuple and all(isinstance(n, int) for n in x):
        message = f"summary: {x} may be a shape or values. For a shape, pass np.zeros({x}); for values, np.array({x})."
        raise TypeError(message)
    array = np.asarray(x)
    return Tensor(array.astype(floating) if array.dtype.kind == "f" and floating is not None else array)


def _depth(names: list[tuple[str, Module]], name: str) -> int:
    """How many of the modules this one is in."""
    return sum(name.startswith(f"{other}.") or (not other and bool(name)) for other, _ in names)


def _tensors(tree: Any) -> list[Tensor]:
    if isinstance(tree, Tensor):
        return [tree]
    parts = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, (tuple, list)) else ()
    return [x for part in parts for x in _tensors(part)]


def _bytes(n: int) -> str:
    if not n:
        return "–"
    if n < 1000:
        return f"{n} B"
    for unit in ("kB", "MB", "GB"):
        n /= 1000  # type: ignore[assignment]
        if n < 1000 or unit == "GB":
            break
    return f"{n:.1f} {unit}"
