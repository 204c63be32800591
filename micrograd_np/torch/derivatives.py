"""`torch.autograd`, `torch.func` and `torch.autograd.functional`, by this package's transforms."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import micrograd_np as mg
from micrograd_np.autograd import reverse, transforms
from micrograd_np.core.vertex import Vertex

from .tensor import as_torch


def _of_tensors(func: Callable[..., Any]) -> Callable[..., Any]:
    """`func`, whose arguments are PyTorch's tensors."""
    return lambda *xs, **settings: func(*as_torch(xs), **settings)


def on_tensors(transform: Callable[..., Any]) -> Callable[..., Any]:
    """A transform of functions of tensors: the functions get PyTorch's tensors, the results are such."""

    def transformed(func: Any, *args: Any, **settings: Any) -> Any:
        inner = transform(_of_tensors(func), *args, **settings)
        return lambda *xs, **named: as_torch(inner(*xs, **named))

    transformed.__name__, transformed.__doc__ = transform.__name__, transform.__doc__
    return transformed


def grad(
    outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: Any = None, create_graph: bool = False,
    only_inputs: bool = True, allow_unused: Any = None, is_grads_batched: bool = False, materialize_grads: bool = False,
) -> Any:  # fmt: skip
    """The derivatives of `outputs` by each of `inputs`, as a tuple; see ``micrograd_np.autograd.grad``."""
    if is_grads_batched:
        raise NotImplementedError("autograd.grad: is_grads_batched is not here; call it for each gradient.")
    return as_torch(
        reverse.grad(outputs, inputs, grad_outputs, retain_graph, create_graph, allow_unused, materialize_grads)
    )


def backward(tensors: Any, grad_tensors: Any = None, retain_graph: Any = None, create_graph: bool = False) -> None:
    """Add the derivatives of all of `tensors` to the leaves."""
    ys: list[Any] = [tensors] if isinstance(tensors, Vertex) else list(tensors)
    gs = [grad_tensors] if isinstance(grad_tensors, Vertex) else grad_tensors or [None] * len(ys)
    for i, (y, g) in enumerate(zip(ys, gs, strict=True)):
        y.backward(g, retain_graph or i < len(ys) - 1, create_graph)


def value_last(func: Any, argnums: Any = 0, has_aux: bool = False) -> Any:
    """``(gradient, value)`` of `func`: PyTorch's grad_and_value."""
    value_first = on_tensors(transforms.value_and_grad)(func, argnums, has_aux)
    return lambda *xs, **settings: value_first(*xs, **settings)[::-1]


def vjp(func: Any, *primals: Any, has_aux: bool = False) -> Any:
    """``(func(*primals), pull)``; ``pull(g)`` is a tuple, or for one primal its gradient."""
    y, pull = transforms.vjp(_of_tensors(func), *primals)
    return as_torch(y), lambda g: as_torch(pull(g))


def jvp(func: Any, primals: Any, tangents: Any) -> Any:
    """``(func(*primals), Jv)``."""
    return as_torch(transforms.jvp(_of_tensors(func), primals, tangents))


def vmap(func: Any, in_dims: Any = 0, out_dims: int = 0) -> Callable[..., Any]:
    """`func` for each element along an axis of its arguments, its results stacked: one call after another."""

    def batched(*args: Any) -> Any:
        dims = in_dims if isinstance(in_dims, tuple) else (in_dims,) * len(args)
        columns = [None if d is None else mg.unstack(x, d) for x, d in zip(args, dims, strict=True)]
        counts = {len(column) for column in columns if column is not None}
        if len(counts) != 1:
            raise ValueError(
                f"vmap: the arguments have {sorted(counts)} elements along their axes; one number is needed."
            )
        rows = [
            func(*as_torch([x if column is None else column[i] for x, column in zip(args, columns, strict=True)]))
            for i in range(counts.pop())
        ]
        if isinstance(rows[0], tuple):
            return tuple(as_torch(mg.stack(parts, out_dims)) for parts in zip(*rows, strict=True))
        return as_torch(mg.stack(rows, out_dims))

    return batched


def functional(transform: Any) -> Callable[..., Any]:
    """``jacobian(func, inputs)`` of `autograd.functional`, of one tensor or of a tuple of them."""

    def of_inputs(func: Any, inputs: Any, create_graph: bool = False, strict: bool = False, **other: Any) -> Any:
        several = isinstance(inputs, tuple)
        xs = inputs if several else (inputs,)
        return on_tensors(transform)(func, tuple(range(len(xs))) if several else 0)(*xs)

    return of_inputs


def hessian(func: Any, inputs: Any, create_graph: bool = False, strict: bool = False, **other: Any) -> Any:
    """The second derivatives of a scalar."""
    return functional(transforms.hessian)(lambda *xs: func(*xs).reshape(()), inputs)


def functional_vjp(func: Any, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(func(*inputs), vᵀJ)``, like the inputs."""
    y, pull = vjp(func, *(inputs if isinstance(inputs, tuple) else (inputs,)))
    g = pull(as_torch(mg.ones_like(y)) if v is None else v)
    return y, g if isinstance(inputs, tuple) else g[0]


def functional_jvp(func: Any, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(func(*inputs), Jv)``."""
    xs, vs = (z if isinstance(z, tuple) else (z,) for z in (inputs, mg.ones_like(inputs) if v is None else v))
    return jvp(func, xs, vs)


def check(gradcheck: Any) -> Callable[..., Any]:
    """`gradcheck` or `gradgradcheck`, of a function of PyTorch's tensors."""
    return lambda func, inputs, *args, **settings: gradcheck(_of_tensors(func), inputs, *args, **settings)


def set_detect_anomaly(mode: bool = True, check_nan: bool = True) -> Any:
    """Find the first operation with a result that is not finite, inside; see ``mg.detect_nonfinite``."""
    return mg.detect_nonfinite() if mode and check_nan else nullcontext()


def inference_mode(mode: Any = True) -> Any:
    """`no_grad`, or nothing where `mode` is False; also a decorator."""
    if callable(mode):
        return mg.no_grad()(mode)
    return mg.no_grad() if mode else mg.enable_grad()
