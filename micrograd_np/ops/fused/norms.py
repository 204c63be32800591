"""Steps of a normalisation that plain arithmetic does less well: centring, scaling, division by a deviation."""

from typing import Any

from micrograd_np.core.domains import POSITIVE, REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.reduce import keepdims_shape, reduced_size
from micrograd_np.ops.routine import in_single, is_half
from micrograd_np.ops.sums import sum_by_product
from micrograd_np.ops.transcendental import sqrt


@primitive("{x} − mean {x}", domain=(REALS,), shape="(3,4)->(3,4)", examples=({"axis": 0}, {"axis": (0, -1)}))
def subtract_mean(xp: Any, out: Any, x: Any, *, axis: Any) -> Any:
    """`x` less its mean along `axis`, computed from the differences to the first element: exactly 0 for equal values.

    A normalisation, which divides by the standard deviation, would magnify the rounding error of a plain mean.
    """
    if is_half(x):
        return in_single(subtract_mean.kernel, xp, out, x, axis=axis)
    if not x.size:
        return xp.subtract(x, 0, out=out)
    first = x[tuple([slice(0, 1) if n == 1 else slice(None) for n in keepdims_shape(x.shape, axis)])]
    z = xp.subtract(x, first, out=out)
    middle = sum_by_product(xp, ..., z, axis, keepdims=True)
    middle = xp.true_divide(middle, reduced_size(x.shape, axis), out=middle)
    return xp.subtract(z, middle, out=z)


subtract_mean.vjp(x=lambda g, z, x, axis: subtract_mean(g, axis=axis))


@primitive("{x} · {scale} · {weight}", domain=(REALS, REALS, REALS), shape="(3,4),(3,1),(4)->(3,4)")
def scale_and_weight(xp: Any, out: Any, x: Any, scale: Any, weight: Any) -> Any:
    """x · scale · weight, in that order; both broadcast to the shape of x.

    One primitive instead of two, so that the tape does not hold the first product, which is as large as x.
    """
    z = xp.multiply(x, scale, out=out)
    return xp.multiply(z, weight, out=z)


scale_and_weight.vjp(
    x=lambda g, z, x, scale, weight: g * weight * scale,
    scale=lambda g, z, x, scale, weight: g * weight * x,
    weight=lambda g, z, x, scale, weight: g * (x * scale),
)


@primitive("{x} / √({variance} + {eps})", domain=(REALS, POSITIVE), shape="(3,4),(4)->(3,4)", examples=({"eps": 0.1},))
def over_deviation(xp: Any, out: Any, x: Any, variance: Any, *, eps: float = 1e-5) -> Any:
    """x / √(variance + eps), as x · (1 / √(variance + eps)).

    One primitive, so that a graph knows the variance itself, which takes no gradient where it is a running one.
    """
    return xp.multiply(x, xp.divide(1, xp.sqrt(xp.add(variance, eps))), out=out)


over_deviation.vjp(
    x=lambda g, z, x, variance, eps: g * (1 / sqrt(variance + eps)),
    variance=lambda g, z, x, variance, eps: g * (z / (-2 * (variance + eps))),
)
