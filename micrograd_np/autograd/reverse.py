"""Particular gradients by the backward walk: PyTorch's `autograd.grad`, and the base of the transforms."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from micrograd_np.core.messages import explain_keywords, require_type
from micrograd_np.core.modes import mode
from micrograd_np.core.vertex import Source, source
from micrograd_np.engine import backward as walk
from micrograd_np.engine.constant import as_constant
from micrograd_np.engine.grad_mode import set_grad_enabled
from micrograd_np.engine.tensor import Tensor


def gradients(
    outputs: Sequence[Tensor], seeds: Sequence[Any], inputs: Sequence[Tensor],
    *, retain: bool, create: bool, alone: bool = False,
) -> list[Tensor | None]:  # fmt: skip
    """The derivative of Σ ⟨seed, output⟩ by each of `inputs`, in one walk; None where nothing depends on it.

    With `create` the derivatives are themselves recorded. `alone` says that `inputs` are all leaves there are, so that
    the walk need not search for the way to them.
    """
    arrived: dict[Source, Any] = {}
    at = [source(x) for x in inputs]
    lifted = create or mode.events.on_tensors
    pairs = [(z, s) for z, s in zip(outputs, seeds, strict=True) if z.requires_grad]
    if pairs:
        convert = _tensor if lifted else array_of
        (root, seed), *more = [(z, convert(s)) for z, s in pairs]
        targets = None if alone else frozenset(at)
        with set_grad_enabled(create):
            walk.pull(root, seed, arrived.__setitem__, retain=retain, lifted=lifted, targets=targets, more=more)
    if lifted:
        return [arrived.get(x) for x in at]
    shared = {id(array_of(seed)) for seed in seeds}
    return [None if x not in arrived else Tensor(_own(arrived[x], shared)) for x in at]


def _tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else Tensor(x)


def array_of(x: Any) -> np.ndarray[Any, Any]:
    """The array in a Tensor; anything else as an array."""
    return x.data if isinstance(x, Tensor) else np.asarray(x)


def _own(g: Any, shared: set[int]) -> np.ndarray[Any, Any]:
    """`g` in memory of its own: rules may pass one array to two inputs, or pass a seed through."""
    g = np.asarray(g)
    if g.base is not None or id(g) in shared or not g.flags.writeable:
        g = g.copy()
    shared.add(id(g))
    return g


def or_zeros(gradients: Sequence[Tensor | None], tensors: Sequence[Tensor]) -> list[Tensor]:
    """`gradients`, with zeros of the shape of each of `tensors` in the place of None."""
    return [as_constant(np.zeros_like(x.data)) if g is None else g for g, x in zip(gradients, tensors, strict=True)]


def _one_each(grad_outputs: Any, n: int, *, alone: bool) -> list[Any]:
    """One gradient (or None) for each of `n` outputs; ValueError for another number of them."""
    if grad_outputs is None:
        return [None] * n
    bare = alone and not (isinstance(grad_outputs, (list, tuple)) and len(grad_outputs) == 1)
    gradients = [grad_outputs] if bare else list(grad_outputs)
    if len(gradients) != n:
        raise ValueError(f"autograd.grad: there are {n} outputs and {len(gradients)} grad_outputs; give one for each.")
    return gradients


@explain_keywords
def grad(
    outputs: Tensor | Sequence[Tensor], inputs: Tensor | Sequence[Tensor], grad_outputs: Any = None,
    retain_graph: bool | None = None, create_graph: bool = False,
    allow_unused: bool | None = None, materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:  # fmt: skip
    """The derivatives of `outputs` by each of `inputs`, as a tuple; no ``.grad`` changes.

    `inputs` may be leaves or intermediate results. `outputs` must be scalars, or `grad_outputs` holds, for each, the
    derivative of some scalar by it (None for a scalar's 1); several outputs are summed. The walk takes only the paths
    to `inputs`. It releases the graph unless `retain_graph` (by default as `create_graph`); with `create_graph` the
    results can be differentiated again. RuntimeError for an input on which nothing depends, unless `allow_unused`,
    which returns None for it, or `materialize_grads`, which returns zeros.

    >>> x = Tensor(3.0, requires_grad=True)
    >>> (g,) = grad(x ** 3, x, create_graph=True)
    >>> g.detach(), grad(g, x)
    (Tensor(27.), (Tensor(18.),))
    """
    ys = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    xs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    gs = _one_each(grad_outputs, len(ys), alone=isinstance(outputs, Tensor))
    for what, tensors in (("outputs", ys), ("inputs", xs)):
        for i, x in enumerate(tensors):
            require_type("autograd.grad", f"{what}[{i}]", x, isinstance(x, Tensor), "a Tensor")
            if not x.requires_grad:
                raise RuntimeError(
                    f"autograd.grad: {what}[{i}], {x._title()}, does not require a gradient. Make a leaf with "
                    f"requires_grad=True, and compute outside no_grad()."
                )
    seeds = [y._seed(g, "autograd.grad") for y, g in zip(ys, gs, strict=True)]
    seeds = [as_constant(seed) if g is None else seed for seed, g in zip(seeds, gs, strict=True)]
    retain = create_graph if retain_graph is None else retain_graph
    unused_allowed = materialize_grads if allow_unused is None else allow_unused
    derivatives = gradients(ys, seeds, xs, retain=retain, create=create_graph)
    for i, (x, g) in enumerate(zip(xs, derivatives, strict=True)):
        if g is None and not unused_allowed:
            raise RuntimeError(
                f"autograd.grad: no output depends on inputs[{i}], {x._title()}. Check that it, and not a copy, went "
                f"into the computation, or pass allow_unused=True to get None, materialize_grads=True to get zeros."
            )
    return tuple(or_zeros(derivatives, xs) if materialize_grads else derivatives)
