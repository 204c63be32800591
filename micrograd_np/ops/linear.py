"""Products of matrices, and the affine map built on them."""

from __future__ import annotations

from typing import Any

from micrograd_np.primitive import primitive

from .domains import REALS
from .reduce import sum  # noqa: A004
from .shape import reshape, transpose


@primitive("{x} @ {y}", domain=(REALS, REALS), shape="(n,k),(k,m)->(n,m)", onnx="MatMul")
def matmul(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """Matrix product; vectors and stacks of matrices as in NumPy."""
    if x.ndim == y.ndim == 2:  # the usual case, for which dot is a third quicker to call  # noqa: PLR2004
        return xp.dot(x, y) if out is ... else xp.dot(x, y, out)
    return xp.matmul(x, y, out=out)


def _by_x(g: Any, z: Any, x: Any, y: Any) -> Any:
    if x.ndim == y.ndim == 2:  # noqa: PLR2004
        return matmul(g, y.T)
    if y.ndim == 1:
        return reshape(g, shape=(*g.shape, 1)) * y
    if x.ndim == 1:
        return sum(reshape(g, shape=(*g.shape[:-1], 1, g.shape[-1])) * y, axis=-1)
    return matmul(g, _swap(y))


def _by_y(g: Any, z: Any, x: Any, y: Any) -> Any:
    if x.ndim == y.ndim == 2:  # noqa: PLR2004
        return matmul(x.T, g)
    if x.ndim == 1:
        return reshape(x, shape=(-1, 1)) * reshape(g, shape=(*g.shape[:-1], 1, *g.shape[-1:])) if y.ndim > 1 else g * x
    if y.ndim == 1:
        return sum(reshape(g, shape=(*g.shape, 1)) * x, axis=tuple(range(x.ndim - 1)))
    return matmul(_swap(x), g)


def _swap(x: Any) -> Any:
    return transpose(x, axes=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


matmul.vjp(x=_by_x, y=_by_y)


@matmul.advise
def _advice(x: tuple[int, ...], y: tuple[int, ...]) -> str | None:
    if not x or not y:
        return "a matrix product needs at least one axis on either side; multiply by a scalar with *."
    if x[-1] == y[max(-2, -len(y))]:
        return None
    hint = " Did you mean x.T @ y?" if len(x) == 2 and x[0] == y[0] else ""  # noqa: PLR2004
    hint = hint or (" Did you mean x @ y.T?" if len(y) == 2 and x[-1] == y[1] else "")  # noqa: PLR2004
    which = "first" if len(y) <= 2 else "second last"  # noqa: PLR2004
    return f"the last axis of x ({x[-1]}) must equal the {which} of y ({y[max(-2, -len(y))]}).{hint}"


@primitive("{x} @ {weight}ᵀ + {bias}", domain=(REALS, REALS, REALS), shape="(n,k),(m,k),(m)->(n,m)", onnx="Gemm")
def linear(xp: Any, out: Any, x: Any, weight: Any, bias: Any) -> Any:
    """x Wᵀ + b: the affine map of a layer, `weight` of shape (out, in) as PyTorch keeps it.

    One primitive instead of three because the tape of a small network is half as long (measured: a quarter of the step).
    """
    z = matmul.kernel(xp, out, x, weight.T)
    return xp.add(z, bias, out=z)


def _by_weight(g: Any, z: Any, x: Any, weight: Any, bias: Any) -> Any:
    if x.ndim == 2:  # noqa: PLR2004
        return matmul(g.T, x)
    rows = reshape(g, shape=(-1, g.shape[-1]))
    return matmul(rows.T, reshape(x, shape=(-1, x.shape[-1])))


linear.vjp(
    x=lambda g, z, x, weight, bias: matmul(g, weight),
    weight=_by_weight,
    bias=lambda g, z, x, weight, bias: g,
)


@linear.advise
def _advice_linear(x: tuple[int, ...], weight: tuple[int, ...], bias: tuple[int, ...]) -> str | None:
    if x and weight and x[-1] != weight[-1]:
        return f"the last axis of x ({x[-1]}) must equal in_features ({weight[-1]})."
    return None
