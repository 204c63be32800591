"""The connections of a network's layers, from one watched pass through it, which changes nothing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate, chain, count, groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core.events import Events
from micrograd_np.core.modes import mode
from micrograd_np.core.vertex import Vertex
from micrograd_np.engine.grad_mode import no_grad

from .formula import constant, formula
from .structure import WHOLE, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Block", "folded", "guessed", "watched"]

_WORTH = 3  # blocks that a frame around a repeat must save


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


def folded(blocks: list[Block]) -> list[Block]:
    """The blocks as they are drawn: what repeats is there once, in a frame that says how often.

    What repeats are calls one after the other that do the same: each with what the one before made, or all with the
    same. A recurrent layer that is called in a loop is one block, and so are the layers that are called beside it.
    """
    repeats = _Repeats(blocks)
    drawn = repeats.drawn(blocks, 0)
    for block in drawn:
        block.sources = dict.fromkeys(s for s in map(repeats.twin, block.sources) if s is not block)
    return drawn


class _Repeats:
    def __init__(self, blocks: Sequence[Block]) -> None:
        self.twins: dict[Block, Block] = {}  # the block that is drawn instead
        self.users: dict[Block, set[Block]] = {block: set() for block in blocks}
        for block in blocks:
            for source in block.sources:
                self.users[source].add(block)

    def twin(self, block: Block) -> Block:
        """The block that is drawn for this one."""
        while block in self.twins:
            block = self.twins[block]
        return block

    def drawn(self, blocks: Sequence[Block], depth: int) -> list[Block]:
        """The blocks that are drawn for the `blocks` of one call, whose parts are the calls at `depth` and ops."""
        parts = [list(part) for _, part in groupby(blocks, lambda b: b.scope[depth] if depth < len(b.scope) else b)]
        kinds = [[_kind(block, depth) for block in part] for part in parts]
        drawn: list[Block] = []
        i = 0
        while i < len(parts):
            period, times = _period(kinds, i)
            runs = [list(chain(*parts[k : k + period])) for k in range(i, i + period * times, period)]
            if times == 1 or not self.fold(runs, depth):
                period = times = 1
            for part in parts[i : i + period]:
                drawn += self.drawn(part, depth + 1) if any(len(b.scope) > depth + 1 for b in part) else part
            i += period * times
        return drawn

    def fold(self, runs: Sequence[Sequence[Block]], depth: int) -> bool:
        """Let the first of `runs` stand for all of them, if they do the same; return whether they do."""
        first, *others = runs
        tied = all(a.module is b.module for run in others for a, b in zip(first, run, strict=True))
        if not any(block.module for block in first) or not self.alike(runs, tied=tied):
            return False
        loop = tied and any(block.recurrent for block in first)
        units = [b for b in first if b.linear and len(b.scope) == depth + 1 and np.ndim(b.result) <= 2]
        if not loop and (len(others) * len(first) < _WORTH or (units and not tied)):
            return False
        for run in others:
            self.twins.update(zip(run, first, strict=True))
        paths = [*dict.fromkeys(block.scope[depth][1] for block in first if depth < len(block.scope))]
        heading = f"{' … '.join(paths[:: max(len(paths) - 1, 1)])}   × {len(runs)}"
        for block, *calls in zip(*runs, strict=True):
            if loop:
                later = {self.twin(source): None for call in calls for source in call.sources}
                block.starts = frozenset(source for source in map(self.twin, block.sources) if source not in later)
                block.sources, block.result, block.calls = (
                    block.sources | later,
                    calls[-1].result,
                    block.calls * len(runs),
                )
            else:
                block.frames += (((first[0], depth), heading),)
        return True

    def alike(self, runs: Sequence[Sequence[Block]], *, tied: bool) -> bool:
        """Whether each run takes what the one before made, or all the same.

        What uses one of them from outside must use the last as well, and of a chain only the last, unless it is `tied`.
        """
        place = {block: (k, j) for k, run in enumerate(runs) for j, block in enumerate(run)}

        def links(k: int, block: Block) -> set[Any]:
            """Where its inputs come from: outside, or how many runs before, and which block of it."""
            sources = map(self.twin, block.sources)
            return {(k - place[s][0], place[s][1]) if s in place else s for s in sources}

        first, second, *rest = ([links(k, block) for block in run] for k, run in enumerate(runs))
        lasting = [{x for x in sources if isinstance(x, Block) or not x[0]} for sources in second]
        chained = lasting != second
        for sources, kept in zip(first, lasting, strict=True) if chained else ():
            sources -= {x for x in sources - kept if isinstance(x, Block)}  # in place of an earlier run's result
        return (
            first == lasting
            and all(sources == second for sources in rest)
            and all(
                self.users[a] - place.keys() <= (set() if chained and not tied else self.users[b])
                for run in runs[:-1]
                for a, b in zip(run, runs[-1], strict=True)
            )
        )


def _kind(block: Block, depth: int) -> Any:
    """What a block does, and where in the call at `depth`."""
    return block.title, np.shape(block.result), [path.rpartition(".")[2] for _, path in block.scope[depth + 1 :]]


def _period(kinds: Sequence[Any], i: int) -> tuple[int, int]:
    """How many of `kinds` repeat from `i` on, and how often; the choice that covers the most."""
    best = (1, 1)
    for period in range(1, (len(kinds) - i) // 2 + 1):
        times = 1
        while kinds[i + times * period : i + (times + 1) * period] == kinds[i : i + period]:
            times += 1
        if times > 1 and period * times > best[0] * best[1]:
            best = period, times
    return best
