"""`torch.autograd.Function`: an operation with a forward and a backward of the user's own."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np.core.modes import mode
from micrograd_np.core.primitive import Primitive
from micrograd_np.core.vertex import Vertex
from micrograd_np.engine.grad_mode import no_grad

from .tensor import as_torch, wrapped


class Context:
    """What `forward` leaves for `backward`: tensors by `save_for_backward`, anything else as attributes."""

    needs_input_grad: tuple[bool, ...] = ()
    saved: tuple[Any, ...] = ()
    silent: frozenset[int] = frozenset()
    materialize = True

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep inputs, results, or other tensors (or None) for `backward`."""
        self.saved = tensors

    save_for_forward = save_for_backward

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `save_for_backward` kept."""
        return self.saved

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say which results have no gradient."""
        self.silent = frozenset(map(id, tensors))

    def mark_dirty(self, *tensors: Any) -> None:
        """Say which inputs `forward` has written to."""

    def set_materialize_grads(self, value: bool) -> None:
        """Say whether `backward` gets zeros, or None, for results without a gradient."""
        self.materialize = value


def _result(xp: Any, out: Any, *xs: Any, call: Any, which: int) -> Any:
    """Result number `which` of a user's function, which `call` has computed already."""
    return call.outputs[which]


class _Call:
    """One application of a `Function`: its context, inputs and results."""

    latest: tuple[Any, int, list[Any]] | None = None  # the gradient that was pulled last, of which output, and to what

    def __init__(self, function: Any, context: Context, args: tuple[Any, ...]) -> None:
        self.function, self.context, self.args = function, context, args
        self.outputs: list[Any] = []
        self.tensors = [i for i, x in enumerate(args) if isinstance(x, Vertex)]

    def __repr__(self) -> str:
        return self.function.__name__

    def gradients(self, which: int, g: Any, xs: tuple[Any, ...]) -> list[Any]:
        """The gradients of the tensors among the inputs, where `g` is that of output `which`, all others 0."""
        lifted = isinstance(g, Vertex)
        context = self.context
        kept = context.saved
        inputs = {id(self.args[i]): x for i, x in zip(self.tensors, xs, strict=True)}
        context.saved = tuple(as_torch(inputs.get(id(x), x)) if lifted else x for x in kept)
        grads = [
            as_torch(g) if i == which else wrapped(np.zeros_like(a)) if context.materialize else None
            for i, a in enumerate(self.outputs)
        ]
        try:
            results = self.function.backward(context, *grads)
        finally:
            context.saved = kept
        results = results if isinstance(results, tuple) else (results,)
        return [
            np.zeros_like(self.args[i].data) if results[i] is None else results[i] if lifted else results[i].data
            for i in self.tensors
        ]


def _rule(i: int, g: Any, z: Any, *xs: Any, call: Any, which: int) -> Any:
    """The gradient of input `i`; one `backward` serves all of them."""
    if call.latest is None or call.latest[0] is not g or call.latest[1] != which:
        call.latest = (g, which, call.gradients(which, g, xs))
    return call.latest[2][i]


_custom: Primitive[Any] = Primitive(_result, "{call}({xs})", domain=()).vjp(xs=_rule)
_custom.reads_all = True  # what a user's backward does


class Function:
    """Derive from this, write ``forward(ctx, …)`` and ``backward(ctx, …)`` as static methods, and call ``apply``.

    >>> import micrograd_np.torch as torch
    >>> class Cube(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return 3 * x**2 * g
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> Cube.apply(x).sum().backward()
    >>> x.grad
    tensor([ 3., 12.])
    """

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        """What the function computes."""
        raise NotImplementedError("autograd.Function: write a static method forward(ctx, ...).")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """The gradient of each argument, None for what is no tensor."""
        raise NotImplementedError("autograd.Function: write a static method backward(ctx, ...).")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """The result of `forward`, whose gradient `backward` gives. In a compiled step it is refused."""
        if mode.events.on_tensors:
            for x in args:
                if isinstance(x, Vertex):
                    x._exported(f"{cls.__name__}.apply, whose forward may do anything")  # type: ignore[attr-defined]
        context = Context()
        context.needs_input_grad = tuple(isinstance(x, Vertex) and x.requires_grad for x in args)
        call = _Call(cls, context, args)
        with no_grad():
            if "setup_context" in vars(cls):
                results = cls.forward(*args)
                cls.setup_context(context, args, results)  # type: ignore[attr-defined]
            else:
                results = cls.forward(context, *args)
        several = isinstance(results, (tuple, list))
        results = list(results) if several else [results]
        call.outputs = [x.data if isinstance(x, Vertex) else x for x in results]
        tensors = [args[i] for i in call.tensors]
        z = [
            x if id(x) in context.silent or not isinstance(x, Vertex) else _custom(*tensors, call=call, which=k)
            for k, x in enumerate(results)
        ]
        return tuple(z) if several else z[0]
