"""The layers of a network that work step by step along a sequence, so that a picture can show each step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .flow import Block

__all__ = ["Steps", "unrolled"]

_STEPWISE = {"Embedding", "Linear", "LayerNorm", "RMSNorm"}  # so do all that hold nothing and keep the shape


class Steps(NamedTuple):
    """`size` steps, which a recurrent layer reads from `source` along an `axis`; -1 for those of a cell in a loop."""

    size: int
    axis: int
    source: Block | None = None

    def feeds(self, block: Block, user: Block) -> bool:
        """Whether `block` makes for each step what `user` reads at that step."""
        if self.axis < 0:
            return block.calls == self.size or (not block.sources and np.shape(block.result)[:1] == (self.size,))
        reads = self.source is block or not user.recurrent
        return reads and np.shape(block.result)[self.axis :][:1] == (self.size,)

    def keeps(self, block: Block, user: Block) -> bool:
        """Whether `user` makes something of each step that `block` makes."""
        if self.axis < 0:
            return user.calls == self.size
        return np.shape(user.result)[:-1] == np.shape(block.result)[:-1]


def unrolled(blocks: list[Block]) -> dict[Block, Steps]:
    """The recurrent layers, and those before and after them that work on each of their steps by itself."""
    steps: dict[Block, Steps] = {}
    for block in (block for block in blocks if block.recurrent):
        m, shapes = block.module, {source: np.shape(source.result) for source in block.sources}
        steps[block] = Steps(block.calls, -1)
        if hasattr(m, "weight_hh_l0") and shapes and block.calls == 1:
            states = m.num_layers * (1 + m.bidirectional)  # an initial state has them along its first axis
            source = min(shapes, key=lambda s: (shapes[s][-1] != m.input_size, shapes[s][0] == states))
            axis = int(m.batch_first and len(shapes[source]) == 3)
            steps[block] = Steps(shapes[source][axis], axis, source)
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
