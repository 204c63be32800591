"""Where the gradients of a backward pass go: added to `grad` of the leaves, in memory that belongs to nobody else."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from micrograd_np.core.modes import mode, unusual
from micrograd_np.core.vertex import Vertex, grad_of, retains_grad, tensor_of
from micrograd_np.core.views import array_of_data
from micrograd_np.ops import state


class Accumulator:
    """Adds each gradient of one backward pass to the `grad` of its leaf."""

    __slots__ = ("owned",)

    def __init__(self, seed: Any) -> None:
        self.owned = {id(seed): seed, id(seed.base): seed.base}  # the memory that somebody holds already

    def __call__(self, leaf: Any, g: Any) -> None:
        """Add `g` to the gradient of `leaf`; the first one is copied if somebody else holds its memory."""
        if leaf._grad is not None:
            g = leaf._grad.data + g
        elif type(g) is np.ndarray:
            base = g if g.base is None else g.base
            if id(base) in self.owned or (base is not g and base.size != g.size) or not g.flags.writeable:
                g = base = g.copy(order="K")
            self.owned[id(base)] = base
        if type(g) is not np.ndarray:  # NumPy's arithmetic makes scalars of 0-d arrays
            array_of_data(leaf)
            g = np.asarray(g.data if isinstance(g, Vertex) else g)
        leaf._grad = tensor_of(g, None, leaf.result_type)


def accumulate_recorded(leaf: Any, g: Any) -> None:
    """Add the tensor `g` to the gradient of `leaf`; the first one is copied: rules may have recorded it."""
    leaf._grad = state.copy(g) if leaf._grad is None else leaf._grad + g


def deliver_to(targets: Mapping[Any, Vertex] | None, deliver: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """`deliver` for the tensors at whose sources (the keys) gradients arrive; for every leaf if `targets` is None.

    A tensor that retains its gradient has it already when it arrives.
    """
    if targets is None:
        return deliver
    retained = {x for x, t in targets.items() if x is not t and retains_grad(t)}
    return lambda x, g: None if x in retained else deliver(targets[x], g)


def clear_grad(t: Vertex, set_to_none: bool = True) -> None:
    """Forget the gradient of `t`, or fill it with zeros."""
    if set_to_none or grad_of(t) is None:
        t._grad = None
        if set_to_none and unusual:
            mode.events.cleared(t)
    elif not (unusual and mode.events.zeroed(t)):
        t._grad = tensor_of(np.zeros_like(t.data), None, t.result_type)
