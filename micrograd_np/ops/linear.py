"""Products of matrices, and the affine map built on them."""

from typing import Any

from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive

from .reduce import sum  # noqa: A004
from .shape import reshape, transpose


def swap_last_axes(x: Any) -> Any:
    """Every one of stacked matrices transposed."""
    return transpose(x, axes=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


@primitive("{x} @ {y}", domain=(REALS, REALS), shape="(n,k),(k,m)->(n,m)", onnx="MatMul")
def matmul(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """Matrix product; vectors and stacks of matrices as in NumPy."""
    if x.ndim == y.ndim == 2:  # where dot is a third quicker to call, and the method, without dispatch, a fifth more
        return x.dot(y) if out is ... else xp.dot(x, y, out)
    return xp.matmul(x, y, out=out)


def _by_x(g: Any, z: Any, x: Any, y: Any) -> Any:
    if x.ndim == y.ndim == 2:
        return matmul(g, y.T)
    if y.ndim == 1:
        return reshape(g, shape=(*g.shape, 1)) * y
    if x.ndim == 1:
        return sum(reshape(g, shape=(*g.shape[:-1], 1, g.shape[-1])) * y, axis=-1)
    return matmul(g, swap_last_axes(y))


def _by_y(g: Any, z: Any, x: Any, y: Any) -> Any:
    if x.ndim == y.ndim == 2:
        return matmul(x.T, g)
    if x.ndim == 1:
        return reshape(x, shape=(-1, 1)) * reshape(g, shape=(*g.shape[:-1], 1, *g.shape[-1:])) if y.ndim > 1 else g * x
    if y.ndim == 1:
        return sum(reshape(g, shape=(*g.shape, 1)) * x, axis=tuple(range(x.ndim - 1)))
    return matmul(swap_last_axes(x), g)


matmul.vjp(x=_by_x, y=_by_y)


@matmul.advise
def _advice(x: tuple[int, ...], y: tuple[int, ...]) -> str | None:
    if not x or not y:
        return "a matrix product needs at least one axis on either side; multiply by a scalar with *."
    if x[-1] == y[max(-2, -len(y))]:
        return None
    hint = " Did you mean x.T @ y?" if len(x) == 2 and x[0] == y[0] else ""
    hint = hint or (" Did you mean x @ y.T?" if len(y) == 2 and x[-1] == y[1] else "")
    which = "first" if len(y) <= 2 else "second last"
    return f"the last axis of x ({x[-1]}) must equal the {which} of y ({y[max(-2, -len(y))]}).{hint}"


@primitive("{x} @ {weight}ᵀ + {bias}", domain=(REALS, REALS, REALS), shape="(n,k),(m,k),(m)->(n,m)", onnx="Gemm")
def linear(xp: Any, out: Any, x: Any, weight: Any, bias: Any) -> Any:
    """x Wᵀ + b: the affine map of a layer, `weight` of shape (out, in) as PyTorch keeps it.

    One primitive instead of three halves the tape of a small network (measured: a quarter of the step). The product
    takes all axes of x but the last as one. It is quickest where Wᵀ is contiguous in memory.
    """
    if x.ndim == 2:
        z = x.dot(weight.T) if out is ... else xp.dot(x, weight.T, out)
    elif x.ndim < 2:
        z = xp.matmul(x, weight.T, out=out)
    else:
        rows = xp.reshape(x, (-1, x.shape[-1]))
        shape = (*x.shape[:-1], weight.shape[0])
        if out is ...:
            z = xp.reshape(xp.dot(rows, weight.T), shape)
        else:
            xp.dot(rows, weight.T, xp.reshape(out, (-1, weight.shape[0])))
            z = out
    return xp.add(z, bias, out=z)


def _rows(x: Any) -> Any:
    return x if x.ndim == 2 else reshape(x, shape=(-1, x.shape[-1]))


def _by_input(g: Any, z: Any, x: Any, weight: Any, bias: Any) -> Any:
    return matmul(g, weight) if g.ndim <= 2 else reshape(matmul(_rows(g), weight), shape=x.shape)


linear.vjp(
    x=_by_input,
    weight=lambda g, z, x, weight, bias: matmul(_rows(x).T, _rows(g)).T,  # laid out as `Linear` keeps its weight
    bias=lambda g, z, x, weight, bias: _rows(g) if g.ndim > 1 else g,
)


@linear.advise
def _advice_linear(x: tuple[int, ...], weight: tuple[int, ...], bias: tuple[int, ...]) -> str | None:
    if x and weight and x[-1] != weight[-1]:
        column = " Of samples of one feature, write x[:, None]." if len(x) == weight[-1] == 1 else ""
        return f"the last axis of x ({x[-1]}) must equal in_features ({weight[-1]}).{column}"
    return None
