"""How a network's layers are connected, found by watching one pass through it, which leaves no trace."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np import random
from micrograd_np.core.events import Events
from micrograd_np.core.modes import mode
from micrograd_np.core.vertex import Vertex
from micrograd_np.engine.grad_mode import no_grad

from .formula import constant, formula
from .structure import kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Block", "folded", "guessed", "watched"]

_WHOLE = {"MultiheadAttention"}  # modules that are one block although they hold others


@dataclass(eq=False)
class Block:
    """A layer, or an op outside the layers: where its inputs come from, and what it gave."""

    title: str
    module: Any = None
    path: str = ""
    sources: dict[Block, None] = field(default_factory=dict)
    result: Any = None  # an array, unless nothing has run
    calls: int = 1
    around: str = ""  # the path of the module it is in


class _Flow(Events):
    """Watches a pass: the blocks in order, and which of them made each tensor."""

    def __init__(self, model: Any) -> None:
        self.paths = {id(m): path for path, m in model.named_modules()}
        self.parameters = {id(p) for p in (*model.parameters(), *model.buffers())}
        self.blocks: list[Block] = []
        self.stack: list[Any] = []
        self.open: Block | None = None
        self.makers: dict[int, Block] = {}
        self.passed: set[Block] = set()
        self.alive: list[Any] = []  # what died would leave its id to another

    def entered(self, module: Any) -> None:
        self.stack.append(module)
        if self.open is None and _is_block(module):
            path = self.paths.get(id(module), "")
            same = next((b for b in self.blocks if b.module is module), None)
            if same is None:
                self.open = Block(kind_of(module), module, path, around=path.rpartition(".")[0])
                self.blocks.append(self.open)
            else:
                self.open, same.calls = same, same.calls + 1

    def left(self, module: Any) -> None:
        self.stack.pop()
        if self.open is not None and self.open.module is module:
            self.open = None

    def applied(self, op: Any, inputs: tuple[Any, ...], static: Mapping[str, Any], result: Any) -> None:
        if not isinstance(result, Vertex):
            return
        self.alive.append((result, inputs))
        block = self.open
        sources: dict[Block, None] = {}
        for x in inputs:
            source = self.makers.get(id(x))
            if source is not None:
                sources[source] = None
                if source is not block and source not in self.passed:
                    self.passed.add(source)
                    source.result = x.data  # what is passed on, where a layer makes several things
        if block is None and not sources and not any(id(x) in self.parameters for x in inputs):
            return  # something on the way to a constant
        if block is None and op.view and len(sources) == 1:
            self.makers[id(result)] = next(iter(sources))
            return
        if block is None:
            around = self.paths.get(id(self.stack[-1]), "") if self.stack else ""
            block = Block(formula(op, [self.name(x) for x in inputs], static), around=around)
            self.blocks.append(block)
        block.sources.update((s, None) for s in sources if s is not block)
        block.result = result.data
        self.makers[id(result)] = block

    def name(self, x: Any) -> str:
        if not isinstance(x, Vertex):
            return constant(x)
        return "·" if id(x) in self.makers or not x.name else x.name

    def rebound(self, target: Any, before: Any, z: Any) -> None:
        if id(z) in self.makers:
            self.makers[id(target)] = self.makers[id(z)]


def _is_block(module: Any) -> bool:
    return type(module).__name__ in _WHOLE or not any(True for _ in module.children())


def watched(model: Any, x: Any) -> tuple[list[Block], Any]:
    """The blocks of one pass of `x` through `model`, inputs first, and its result."""
    from micrograd_np.nn.summary import _input, _tensors, _untouched

    floating = next((p.dtype for p in model.parameters() if p.dtype.kind == "f"), None)
    given = [_input(part, floating) for part in (x if isinstance(x, tuple) else (x,))]
    flow = _Flow(model)
    for part in given:
        block = Block(part.name or "input", result=part.data)
        flow.blocks.append(block)
        flow.makers[id(part)] = block
    before = mode.events
    with _untouched(model), no_grad():
        mode.set(events=flow)
        try:
            result = model(*given)
        finally:
            mode.set(events=before)
    for t in reversed(_tensors(result)):  # of several that a layer makes, the first is what it gives
        maker = flow.makers.get(id(t))
        if maker is not None and maker not in flow.passed:
            maker.result = t.data
    return flow.blocks, result


def guessed(model: Any) -> list[Block]:
    """The blocks without an input: from a pass of zeros where its shape can be guessed, else as they are defined."""
    leaves = [(path, m) for path, m in model.named_modules() if _is_block(m)]
    first = leaves[0][1] if leaves else None
    if isinstance(getattr(first, "in_features", None), int):
        state = random.generator().bit_generator.state
        try:
            blocks, _ = watched(model, np.zeros((1, first.in_features)))  # type: ignore[union-attr]
        except Exception:  # noqa: BLE001 - the guess was wrong
            random.generator().bit_generator.state = state
        else:
            return blocks
    blocks = [Block("input")]
    for path, module in leaves:
        blocks.append(Block(kind_of(module), module, path, {blocks[-1]: None}))
    return blocks


def folded(blocks: list[Block]) -> tuple[list[Block], dict[str, tuple[int, list[Block]]]]:
    """The blocks without those modules that do the same as the one before; and how often the others stand for it."""
    groups: dict[str, list[Block]] = {}
    for block in blocks:
        parts = block.around.split(".")
        digit = next((i for i, part in enumerate(parts) if part.isdigit()), None)
        if digit is not None:
            groups.setdefault(".".join(parts[: digit + 1]), []).append(block)
    frames: dict[str, tuple[int, list[Block]]] = {}
    twins: dict[Block, Block] = {}
    alike: dict[tuple[Any, ...], str] = {}
    for path, members in groups.items():
        place = {block: i for i, block in enumerate(members)}
        signature = tuple((b.title, b.path[len(path) :], tuple(place.get(s, -1) for s in b.sources)) for b in members)
        first = alike.setdefault((path.rpartition(".")[0], *signature), path)
        if first == path:
            frames[path] = (1, members)
        else:
            times, model = frames[first]
            frames[first] = (times + 1, model)
            twins.update(zip(members, model, strict=True))
    left = [block for block in blocks if block not in twins]
    for block in left:
        block.sources = dict.fromkeys(twins.get(s, s) for s in block.sources)
    return left, {path: frame for path, frame in frames.items() if frame[0] > 1}
