"""`summary`: the layers of a model, and what one forward pass costs in each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from inspect import signature
from math import prod
from typing import Any

import numpy as np

from micrograd_np.core.events import Events
from micrograd_np.core.messages import count_of, explain_keywords, require_type
from micrograd_np.core.terminal import shown
from micrograd_np.core.trees import instances
from micrograd_np.core.writes import owner_of
from micrograd_np.debug.observed import as_inputs, observed
from micrograd_np.engine.tensor import Tensor

from .module import Module

# multiplications, each with an addition, by the result and the inputs; the other primitives have hardly any
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
    """One module: what it holds and does itself, without the modules inside it."""

    name: str
    kind: str
    depth: int
    parameters: int
    shapes: list[tuple[int, ...]] = field(default_factory=list)  # of the results of the latest call
    multiply_adds: int = 0
    kept: int = 0  # bytes
    calls: int = 0

    def cells(self) -> tuple[str, ...]:
        """The row as text."""
        title = "  " * self.depth + f"{self.name}: " * bool(self.name) + self.kind
        times = f" ×{self.calls}" if self.calls > 1 else ""
        unused = "not called" if self.parameters else "–"  # a module that only holds others is never called
        shapes = ", ".join(map(str, self.shapes)) if self.calls else unused
        counts = [f"{n:,}" if n else "–" for n in (self.parameters, self.multiply_adds)]
        return title + times, shapes, *counts, _bytes(self.kept)


class Summary:
    """A table that prints itself, in a terminal and in a notebook; its numbers are attributes.

    `rows`, one for each module, and the totals `parameters`, `trainable`, `multiply_adds` and `kept` (bytes).
    """

    heading = ("layer", "output shape", "parameters", "multiply-adds", "held for backward")

    def __init__(self, rows: list[Row], parameters: int, trainable: int) -> None:
        self.rows, self.parameters, self.trainable = rows, parameters, trainable
        self.multiply_adds = sum(row.multiply_adds for row in rows)
        self.kept = sum(row.kept for row in rows)

    def _table(self) -> list[tuple[str, ...]]:
        total = ("total", "", f"{self.parameters:,}", f"{self.multiply_adds:,}", _bytes(self.kept))
        return [self.heading, *(row.cells() for row in self.rows), total]

    def __repr__(self) -> str:
        table = self._table()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        aligned = [[f"{text:{side}{w}}" for text, side, w in zip(row, "<<>>>", widths, strict=True)] for row in table]
        heading, *body, total = ["  ".join(row).rstrip() for row in aligned]
        rule = "─" * max(map(len, (heading, *body, total)))
        frozen = self.parameters - self.trainable
        note = [f"{frozen:,} of the parameters are frozen"] if frozen else []
        return shown("\n".join([heading, rule, *body, rule, total, *note]))

    def _repr_html_(self) -> str:
        def line(cells: tuple[str, ...], tag: str) -> str:
            sides = ("left", "left", "right", "right", "right")
            styled = [
                f'<{tag} style="text-align: {side}; white-space: pre">{escape(text)}</{tag}>'
                for text, side in zip(cells, sides, strict=True)
            ]
            return f"<tr>{''.join(styled)}</tr>"

        heading, *body, total = self._table()
        return f"<table>{line(heading, 'th')}{''.join(line(row, 'td') for row in body)}{line(total, 'th')}</table>"


class _Counter(Events):
    """Charges the cost of one forward pass to the modules in which it arises."""

    def __init__(self, model: Module, inputs: Sequence[Tensor]) -> None:
        self.rows: dict[int, Row] = {}
        paths: list[str] = []
        for path, m in model.named_modules():
            depth = sum(not outer or path.startswith(f"{outer}.") for outer in paths)
            parameters = sum(p.size for p in m.parameters(recurse=False))
            self.rows[id(m)] = Row(path.rpartition(".")[2], type(m).__name__, depth, parameters)
            paths.append(path)
        self.stack: list[Row] = []
        self.seen = {id(owner_of(x.data)) for x in (*model.parameters(), *model.buffers(), *inputs)}
        self.alive: list[Any] = []  # the arrays counted, so that their ids are not used again

    def enter(self, module: Module, args: Any) -> None:
        row = self.rows[id(module)]
        row.calls += 1
        self.stack.append(row)

    def leave(self, module: Module, args: Any, result: Any) -> None:
        row = self.stack.pop()
        row.shapes = [x.shape for x in instances(result, Tensor)]

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


@explain_keywords
def summary(model: Module, *inputs: Any) -> Summary:
    """A table of the layers of `model`, from one forward pass of `inputs`; it leaves the model as it was.

    For each: the shape of its result, its parameters, its multiplications (each with an addition), and the bytes that
    the graph holds for backward, beyond the parameters and the input; without those of the modules inside it. An input
    is an array or a Tensor; a floating array is cast to the dtype of the parameters. TypeError for a tuple of integers,
    which may be meant as a shape, and for inputs that the model does not take.

    >>> from micrograd_np import nn
    >>> summary(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1)), np.zeros((32, 4)))
    layer        output shape  parameters  multiply-adds  held for backward
    ───────────────────────────────────────────────────────────────────────
    Sequential   (32, 1)                –              –                  –
      0: Linear  (32, 8)               40          1,024             2.0 kB
      1: ReLU    (32, 8)                –              –             2.0 kB
      2: Linear  (32, 1)                9            256              256 B
    ───────────────────────────────────────────────────────────────────────
    total                              49          1,280             4.4 kB
    """
    require_type("summary", "model", model, isinstance(model, Module), "a Module")
    tensors = as_inputs("summary", model, inputs)
    try:
        signature(model.forward).bind(*tensors)
    except TypeError as error:
        names, inputs_passed = ", ".join(signature(model.forward).parameters), count_of(len(tensors), "input")
        raise TypeError(
            f"summary: {type(model).__name__} takes ({names}); found {inputs_passed}. Call summary(model, {names})."
        ) from error
    counter = _Counter(model, tensors)
    handles = []
    for module in model.modules():
        handles += [module.register_forward_pre_hook(counter.enter), module.register_forward_hook(counter.leave)]
    with observed(model, counter):
        try:
            model(*tensors)
        finally:
            for handle in handles:
                handle.remove()
    sizes = [(p.size, p.requires_grad) for p in model.parameters()]
    return Summary(list(counter.rows.values()), sum(n for n, _ in sizes), sum(n for n, trained in sizes if trained))


def _bytes(n: float) -> str:
    if n < 1000:
        return f"{n} B" if n else "–"
    for unit in ("kB", "MB"):
        n /= 1000
        if n < 1000:
            return f"{n:.1f} {unit}"
    return f"{n / 1000:.1f} GB"
