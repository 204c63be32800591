"""The connections of a network's layers, from one watched pass through it, which changes nothing."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate, count
from typing import Any, NamedTuple

import numpy as np

from micrograd_np.core.events import Events
from micrograd_np.core.trees import instances
from micrograd_np.core.vertex import Vertex, source
from micrograd_np.debug.observed import as_inputs, observed
from micrograd_np.engine.tensor import Tensor

from .repeats import Repeats
from .structure import WHOLE, kind_of
from .text import constant, formula

_WORTH = 3  # blocks that a frame around a repeat must save
_STEPWISE = {"Embedding", "Linear", "LayerNorm", "RMSNorm"}  # so do all that hold nothing and keep the shape
_COLUMNS = 8  # layers of units with numbers that are drawn singly, though they repeat


@dataclass(eq=False)
class Block:
    """One call of a layer, or an op outside the layers: its sources and its result."""

    title: str
    module: Any = None
    scope: tuple[tuple[int, str], ...] = ()
    """The calls of modules that it is in, outermost first, a layer's own the last: a number and the module's path."""
    sources: "dict[Block, None]" = field(default_factory=dict)
    result: Any = None  # an array, unless nothing has run
    calls: int = 1  # in a loop
    starts: "frozenset[Block]" = frozenset()  # sources of the first of these calls only
    frames: tuple[tuple[Any, str], ...] = ()  # around what repeats, outermost first: a key, and a heading

    holds = property(lambda self: self.module and any(True for _ in self.module.parameters()), doc="If it has weights.")
    shape = property(lambda self: np.shape(self.result), doc="Of its result.")

    @property
    def linear(self) -> bool:
        """Whether it is a matrix of weights between units."""
        sizes = hasattr(self.module, "in_features") and hasattr(self.module, "out_features")
        return sizes and self.module.weight.data.ndim == 2

    @property
    def recurrent(self) -> bool:
        """Whether it has weights from its own state to its next."""
        return hasattr(self.module, "weight_hh_l0") or hasattr(self.module, "weight_hh")

    @property
    def name(self) -> str:
        """Where the layer is in the model, what it is, and how often it is called; of an op its formula."""
        path = self.scope[-1][1] if self.module is not None else ""
        return f"{path}  {self.title}".strip() + (f"   × {self.calls}" if self.calls > 1 else "")


class _Flow(Events):
    """Watches a pass: the blocks in order, and which of them made each tensor."""

    def __init__(self, model: Any, inputs: Sequence[Any]) -> None:
        self.paths = {id(m): path for path, m in model.named_modules()}
        self.parameters = {id(p) for p in (*model.parameters(), *model.buffers())}
        self.blocks = [Block(x.name or "input", result=x.data) for x in inputs]
        self.makers = {id(source(x)): block for x, block in zip(inputs, self.blocks, strict=True)}
        self.scope: tuple[tuple[int, str], ...] = ()
        self.moments = count()
        self.open: Block | None = None  # the layer that is being called
        self.passed: set[Block] = set()
        self.alive: list[Any] = []  # an object that dies leaves its id to another

    def entered(self, module: Any) -> None:
        self.scope += ((next(self.moments), self.paths.get(id(module), "")),)
        own = len(self.scope) == 1 and not type(module).__module__.startswith("micrograd_np.")  # of the user: all ops
        if self.open is None and _is_layer(module) and not own:
            self.open = Block(kind_of(module), module, self.scope)
            self.blocks.append(self.open)

    def left(self, module: Any) -> None:
        if self.open is not None and self.open.scope == self.scope:
            self.open = None
        self.scope = self.scope[:-1]

    def applied(self, op: Any, inputs: tuple[Any, ...], static: Mapping[str, Any], result: Any) -> None:
        if not isinstance(result, Vertex):
            return
        self.alive.append((result, source(result), inputs))
        sources: dict[Block, Any] = {}
        for x in inputs:
            if maker := self.maker(x):
                sources.setdefault(maker, x)
        for maker, x in sources.items():
            if maker is not self.open and maker not in self.passed:
                self.passed.add(maker)
                maker.result = x.data  # the one of several results that is used
        block = self.open
        if block is None:
            if not sources and not any(id(x) in self.parameters for x in inputs):
                return  # it computes a constant
            if op.view and len(sources) == 1:
                self.makers[id(source(result))] = next(iter(sources))
                return
            block = Block(formula(op, [self.name(x) for x in inputs], static), scope=self.scope)
            self.blocks.append(block)
        block.sources.update((maker, None) for maker in sources if maker is not block)
        block.result = result.data
        self.makers[id(source(result))] = block

    def written(self, op: Any, target: Any, inputs: tuple[Any, ...], static: Mapping[str, Any]) -> None:
        if id(target) not in self.parameters:  # else it is a statistic
            self.applied(op, inputs, static, target)

    def name(self, x: Any) -> str:
        if not isinstance(x, Vertex):
            return constant(x)
        return "…" if self.maker(x) or not x.name else x.name

    def maker(self, x: Any) -> Block | None:
        """What made the value that `x` is now; a write in place makes another."""
        return self.makers.get(id(source(x))) if isinstance(x, Vertex) else None


def _is_layer(module: Any) -> bool:
    return type(module).__name__ in WHOLE or not any(True for _ in module.children())


def watched(model: Any, x: Any) -> tuple[list[Block], Any]:
    """The blocks of one pass of `x` through `model`, inputs first, without layers that do nothing; and its result."""
    examples = as_inputs("draw_network", model, x if isinstance(x, tuple) else (x,))
    inputs = [Tensor(part.data.copy(), name=part.name) for part in examples]  # the model may write into them
    flow = _Flow(model, inputs)
    with observed(model, flow):
        result = model(*inputs)
    for t in reversed([*instances(result, Tensor)]):  # of several that a layer makes, the first is its result
        maker = flow.maker(t)
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
    behind: dict[Block, Block] = {}  # what stands for the last block of several runs

    def fold(repeats: Repeats[Block], runs: list[list[Block]], inside: AbstractSet[Block], depth: int) -> bool:
        first, *others = runs
        tied = all(a.module is b.module for run in others for a, b in zip(first, run, strict=True))
        if not any(block.module for block in first) or not repeats.alike(runs, inside, tied=tied):
            return False
        loop = tied and any(block.recurrent for block in first)
        units = [b for b in first if b.linear and len(b.shape) <= 2]
        few = len(others) * len(first) < _WORTH or (numbers and 0 < len(units) * len(runs) <= _COLUMNS)
        if not loop and (few or (not tied and any(len(b.scope) == depth + 1 for b in units))):
            return False
        last, chained = runs[-1][-1], any(source in first for block in others[0] for source in block.sources)
        read = units or any(user.linear for user in repeats.users[last])  # by units, in which numbers stand
        for run in others:
            repeats.twins.update(zip(run, first, strict=True))
        if numbers and chained and not loop and read and len(last.shape) <= 2:
            name, source = f"after all {len(runs)}", first[-1]
            behind[last] = Block(name, sources={source: None}, result=last.result, frames=source.frames)
            repeats.twins[last] = behind[last]
        for block, *calls in zip(*runs, strict=True):
            if loop:
                later = {repeats.twin(source): None for call in calls for source in call.sources}
                block.starts = frozenset(x for x in map(repeats.twin, block.sources) if x not in later)
                block.sources |= later
                block.result, block.calls = calls[-1].result, block.calls * len(runs)
            else:
                block.frames += (((first[0], depth), repeats.heading(runs, depth)),)
        return True

    does = lambda block: (block.title, block.shape)
    repeats = Repeats(blocks, lambda block: block.scope, lambda block: block.sources, does, fold)
    drawn = [behind.get(block, block) for block in blocks if block in behind or block not in repeats.twins]
    for block in drawn:
        block.sources = dict.fromkeys(s for s in map(repeats.twin, block.sources) if s is not block)
    return drawn


class TimeSteps(NamedTuple):
    """`size` steps, which a recurrent layer reads from `source` along an `axis`; -1 for those of a cell in a loop."""

    size: int
    axis: int
    source: Block | None = None

    def feeds(self, block: Block, user: Block) -> bool:
        """Whether `block` makes for each step what `user` reads at that step."""
        if self.axis < 0:
            return block.calls == self.size or (not block.sources and block.shape[:1] == (self.size,))
        reads = self.source is block or not user.recurrent
        return reads and block.shape[self.axis :][:1] == (self.size,)

    def keeps(self, block: Block, user: Block) -> bool:
        """Whether `user` makes something of each step that `block` makes."""
        if self.axis < 0:
            return user.calls == self.size
        return user.shape[:-1] == block.shape[:-1]


def unrolled(blocks: list[Block]) -> dict[Block, TimeSteps]:
    """The recurrent layers, and those before and after them that work on each of their steps by itself."""
    steps: dict[Block, TimeSteps] = {}
    for block in (block for block in blocks if block.recurrent):
        m, shapes = block.module, {source: source.shape for source in block.sources}
        steps[block] = TimeSteps(block.calls, -1)
        if hasattr(m, "weight_hh_l0") and shapes and block.calls == 1:
            states = m.num_layers * (1 + m.bidirectional)  # an initial state has them along its first axis
            source = min(shapes, key=lambda s: (shapes[s][-1] != m.input_size, shapes[s][0] == states))
            axis = int(m.batch_first and len(shapes[source]) == 3)
            steps[block] = TimeSteps(shapes[source][axis], axis, source)
    for user in reversed(blocks):
        for block in user.sources if user in steps else ():
            if _is_stepwise(block) and steps[user].feeds(block, user):
                steps.setdefault(block, steps[user]._replace(source=None))
    for block in filter(_is_stepwise, blocks):
        for source in block.sources:
            if source in steps and steps[source].keeps(source, block):
                steps.setdefault(block, steps[source]._replace(source=None))
    return steps


def _is_stepwise(block: Block) -> bool:
    return not block.holds or type(block.module).__name__ in _STEPWISE
