"""The connections of a network's layers, from one watched pass through it, which changes nothing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate, count
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core.events import Events
from micrograd_np.core.modes import mode
from micrograd_np.core.vertex import Vertex
from micrograd_np.engine.grad_mode import no_grad

from .repeats import Repeats
from .structure import WHOLE, kind_of
from .text import constant, formula

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

__all__ = ["Block", "folded", "guessed", "watched"]

_WORTH = 3  # blocks that a frame around a repeat must save
_COLUMNS = 8  # layers of units with numbers that are drawn singly, though they repeat


@dataclass(eq=False)
class Block:
    """One call of a layer, or an op outside the layers: its sources and its result."""

    title: str
    module: Any = None
    scope: tuple[tuple[int, str], ...] = ()
    """The calls of modules that it is in, outermost first, a layer's own the last: a number and the module's path."""
    sources: dict[Block, None] = field(default_factory=dict)
    result: Any = None  # an array, unless nothing has run
    calls: int = 1  # in a loop
    starts: frozenset[Block] = frozenset()  # sources of the first of these calls only
    frames: tuple[tuple[Any, str], ...] = ()  # around what repeats, outermost first: a key, and a heading

    @property
    def name(self) -> str:
        """Where the layer is in the model, what it is, and how often it is called; of an op its formula."""
        path = self.scope[-1][1] if self.module is not None else ""
        return f"{path}  {self.title}".strip() + (f"   × {self.calls}" if self.calls > 1 else "")

    @property
    def holds(self) -> bool:
        """Whether the layer has parameters."""
        return self.module is not None and any(True for _ in self.module.parameters())

    @property
    def recurrent(self) -> bool:
        """Whether the layer has weights from its own state to its next."""
        return hasattr(self.module, "weight_hh_l0") or hasattr(self.module, "weight_hh")

    @property
    def linear(self) -> bool:
        """Whether the layer is a matrix of weights between units."""
        m = self.module
        return hasattr(m, "in_features") and hasattr(m, "out_features") and m.weight.data.ndim == 2


class _Flow(Events):
    """Watches a pass: the blocks in order, and which of them made each tensor."""

    def __init__(self, model: Any, inputs: Sequence[Any]) -> None:
        self.paths = {id(m): path for path, m in model.named_modules()}
        self.parameters = {id(p) for p in (*model.parameters(), *model.buffers())}
        self.blocks = [Block(x.name or "input", result=x.data) for x in inputs]
        self.makers = {id(x): block for x, block in zip(inputs, self.blocks, strict=True)}
        self.scope: tuple[tuple[int, str], ...] = ()
        self.moments = count()
        self.open: Block | None = None  # the layer that is being called
        self.passed: set[Block] = set()
        self.alive: list[Any] = []  # an object that dies leaves its id to another

    def entered(self, module: Any) -> None:
        self.scope += ((next(self.moments), self.paths.get(id(module), "")),)
        if self.open is None and _is_layer(module):
            self.open = Block(kind_of(module), module, self.scope)
            self.blocks.append(self.open)

    def left(self, module: Any) -> None:
        if self.open is not None and self.open.scope == self.scope:
            self.open = None
        self.scope = self.scope[:-1]

    def applied(self, op: Any, inputs: tuple[Any, ...], static: Mapping[str, Any], result: Any) -> None:
        if not isinstance(result, Vertex):
            return
        self.alive.append((result, inputs))
        sources: dict[Block, Any] = {}
        for x in inputs:
            if id(x) in self.makers:
                sources.setdefault(self.makers[id(x)], x)
        for source, x in sources.items():
            if source is not self.open and source not in self.passed:
                self.passed.add(source)
                source.result = x.data  # the one of several results that is used
        block = self.open
        if block is None:
            if not sources and not any(id(x) in self.parameters for x in inputs):
                return  # it computes a constant
            if op.view and len(sources) == 1:
                self.makers[id(result)] = next(iter(sources))
                return
            block = Block(formula(op, [self.name(x) for x in inputs], static), scope=self.scope)
            self.blocks.append(block)
        block.sources.update((source, None) for source in sources if source is not block)
        block.result = result.data
        self.makers[id(result)] = block

    def name(self, x: Any) -> str:
        if not isinstance(x, Vertex):
            return constant(x)
        return "·" if id(x) in self.makers or not x.name else x.name

    def rebound(self, target: Any, before: Any, z: Any) -> None:
        if id(z) in self.makers:
            self.makers[id(target)] = self.makers[id(z)]


def _is_layer(module: Any) -> bool:
    return type(module).__name__ in WHOLE or not any(True for _ in module.children())


def watched(model: Any, x: Any) -> tuple[list[Block], Any]:
    """The blocks of one pass of `x` through `model`, inputs first, without layers that do nothing; and its result."""
    from micrograd_np.nn.summary import _input, _tensors, _untouched

    floating = next((p.dtype for p in model.parameters() if p.dtype.kind == "f"), None)
    inputs = [_input(part, floating) for part in (x if isinstance(x, tuple) else (x,))]
    flow = _Flow(model, inputs)
    before = mode.events
    with _untouched(model), no_grad():
        mode.set(events=flow)
        try:
            result = model(*inputs)
        finally:
            mode.set(events=before)
    for t in reversed(_tensors(result)):  # of several that a layer makes, the first is its result
        maker = flow.makers.get(id(t))
        if maker is not None and maker not in flow.passed:
            maker.result = t.data
    return [block for block in flow.blocks if block.result is not None], result


def guessed(model: Any) -> list[Block]:
    """The blocks without an input: from a pass of zeros where its shape can be guessed, else as they are defined."""
    leaves = [(path, m) for path, m in model.named_modules() if _is_layer(m)]
    with suppress(Exception):  # the guess is wrong, or the first layer has no width
        return watched(model, np.zeros((1, leaves[0][1].in_features)))[0]
    blocks = [Block("input")]
    for path, module in leaves:
        around = tuple((0, part) for part in accumulate(path.split("."), "{}.{}".format))
        blocks.append(Block(kind_of(module), module, around, {blocks[-1]: None}))
    return blocks


def folded(blocks: list[Block], *, numbers: bool) -> list[Block]:
    """The blocks as they are drawn: what repeats is there once, in a frame that says how often.

    A recurrent layer that is called in a loop is one block, and so are the layers that are called beside it. Where
    units are drawn with `numbers`, which differ from call to call, a frame needs more than 8 columns of them, and
    behind it stand those that the last call gives.
    """
    repeats = _Folds(blocks, numbers=numbers)
    repeats.search(blocks)
    drawn = [
        x
        for block in blocks
        if block not in repeats.twins or repeats.twins[block] in repeats.behind
        for x in (repeats.twins.get(block, block),)
    ]
    for block in drawn:
        block.sources = dict.fromkeys(s for s in map(repeats.twin, block.sources) if s is not block)
    return drawn


class _Folds(Repeats[Block]):
    def __init__(self, blocks: Sequence[Block], *, numbers: bool) -> None:
        super().__init__(blocks)
        self.numbers = numbers
        self.behind: set[Block] = set()  # what stands for the last block of several runs

    def scope(self, item: Block) -> Sequence[tuple[int, str]]:
        return item.scope

    def sources(self, item: Block) -> Iterable[Block]:
        return item.sources

    def does(self, item: Block) -> Any:
        return item.title, np.shape(item.result)

    def fold(self, runs: Sequence[Sequence[Block]], inside: AbstractSet[Block], depth: int) -> bool:
        first, *others = runs
        tied = all(a.module is b.module for run in others for a, b in zip(first, run, strict=True))
        if not any(block.module for block in first) or not self.alike(runs, inside, tied=tied):
            return False
        loop = tied and any(block.recurrent for block in first)
        units = [b for b in first if b.linear and np.ndim(b.result) <= 2]
        few = len(others) * len(first) < _WORTH or (self.numbers and 0 < len(units) * len(runs) <= _COLUMNS)
        if not loop and (few or (not tied and any(len(b.scope) == depth + 1 for b in units))):
            return False
        last, chained = runs[-1][-1], any(source in first for block in others[0] for source in block.sources)
        for run in others:
            self.twins.update(zip(run, first, strict=True))
        for block, *calls in zip(*runs, strict=True):
            if loop:
                later = {self.twin(source): None for call in calls for source in call.sources}
                block.starts = frozenset(source for source in map(self.twin, block.sources) if source not in later)
                block.sources |= later
                block.result, block.calls = calls[-1].result, block.calls * len(runs)
            else:
                block.frames += (((first[0], depth), self.heading(runs, depth)),)
        read = units or any(user.linear for user in self.users.get(last, ()))  # by units, in which numbers stand
        if self.numbers and chained and not loop and read and np.ndim(last.result) <= 2:
            around = first[-1].frames[:-1]
            self.twins[last] = Block(
                f"after all {len(runs)}", sources={first[-1]: None}, result=last.result, frames=around
            )
            self.behind.add(self.twins[last])
        return True
