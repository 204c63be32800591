"""Numbers that may change from call to call: learning rates, corrections, decays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from micrograd_np.core.events import QUIET
from micrograd_np.core.modes import mode

from ..program import UpdateGroup
from .cells import Ref


class RuntimeScalar:
    """A number that is another one each call, such as a learning rate: an operand, never an argument of Python."""

    def __init__(self, name: str, number: float, group: UpdateGroup) -> None:
        self.name, self.number, self.group = name, number, group
        self.refs: dict[Any, Ref] = {}

    data = property(lambda self: self.number)

    def __bool__(self) -> bool:
        truth = self.group.truths[self.name] = bool(self.number)
        return truth

    @staticmethod
    def __primitive__(op: Any, inputs: tuple[Any, ...], static: Mapping[str, Any]) -> Any:
        events = mode.events
        mode.set(events=QUIET)
        try:
            z = op(*(x.number if isinstance(x, RuntimeScalar) else x for x in inputs), **static)
        finally:
            mode.set(events=events)
        events.applied(op, inputs, static, z)
        return z
