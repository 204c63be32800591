"""Whether a repeated call reads the same memory as the first."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from micrograd_np.core.events import QUIET, Events, Relay
from micrograd_np.core.vertex import Vertex
from micrograd_np.core.writes import owner_of, writes


class Rereading(Relay):
    """Watches a repeated call: RuntimeError where a gradient would depend on memory that was written in between.

    A result without a gradient that is computed from written memory counts as written, too. So running means may
    change, as long as nothing that is differentiated reads them.
    """

    def __init__(self, moment: int, outer: Events) -> None:
        self.moment = moment
        self.changed = writes.later(moment)
        self.outer = outer
        self.holds, self.on_tensors = outer is not QUIET and outer.holds, outer.on_tensors

    def applied(self, op: Any, inputs: tuple[Any, ...], static: Any, result: Any) -> None:
        """Check the inputs of an op with a gradient."""
        if self._reads_changed(inputs) and not _is_view(_array(result), inputs):
            if isinstance(result, Vertex) and result.requires_grad:
                raise RuntimeError(
                    "backward: a function under checkpoint() is called again, and a tensor that it uses was changed in "
                    "place since it was first called. Change it after backward(), or change a copy."
                )
            self.changed.note(_array(result))
        super().applied(op, inputs, static, result)

    def written(self, op: Any, target: Any, inputs: tuple[Any, ...], static: Any) -> None:
        """The call itself writes, as it did the first time."""
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
    """Whether `array` shares the memory of one of `inputs`: then its readers are checked."""
    owner = owner_of(array)
    return any(owner is owner_of(_array(x)) for x in inputs)
