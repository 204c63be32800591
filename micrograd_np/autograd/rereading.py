"""Whether a call that is made again finds what it found at first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core.events import QUIET, Events, Relay
from micrograd_np.core.vertex import Vertex
from micrograd_np.core.writes import owner_of, writes

if TYPE_CHECKING:
    from collections.abc import Iterable


class Rereading(Relay):
    """Watches a call that is made again: RuntimeError where a gradient would come from what was written since.

    What is computed without a gradient from memory that was written counts as written, too, until it is used. So
    running means may move on, as long as nothing that is differentiated reads them.
    """

    def __init__(self, moment: int, outer: Events) -> None:
        self.moment = moment
        self.changed = writes.later(moment)
        self.outer = outer
        self.holds, self.on_tensors = outer is not QUIET and outer.holds, outer.on_tensors

    def applied(self, op: Any, inputs: tuple[Any, ...], static: Any, result: Any) -> None:
        """An op has been applied."""
        if self._reads_changed(inputs) and not _is_view(_array(result), inputs):
            if isinstance(result, Vertex) and result.requires_grad:
                raise RuntimeError(
                    "backward: a function under checkpoint() is called again, and a tensor that it uses was changed in "
                    "place since it was first called. Change it after backward(), or change a copy."
                )
            self.changed.note(_array(result))
        super().applied(op, inputs, static, result)

    def written(self, op: Any, target: Any, inputs: tuple[Any, ...], static: Any) -> None:
        """The call itself has written, which it did at first as well."""
        if self._reads_changed(inputs):
            self.changed.note(target.data)
        else:
            self.changed.forget(target.data)
        super().written(op, target, inputs, static)

    def _reads_changed(self, inputs: Iterable[Any]) -> bool:
        arrays = map(_array, inputs)
        return any(self.changed.since(a, self.moment) for a in arrays if isinstance(a, np.ndarray))


def _array(x: Any) -> Any:
    return x.data if isinstance(x, Vertex) else x


def _is_view(array: Any, inputs: Iterable[Any]) -> bool:
    """Whether `array` shows memory of one of `inputs`: then whoever reads it reads that."""
    owner = owner_of(array)
    return any(owner is owner_of(_array(x)) for x in inputs)
