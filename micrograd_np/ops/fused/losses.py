"""Losses that are one primitive each: stable for any logits, with short gradients."""

from typing import Any

from micrograd_np.core.domains import INTEGERS, PROBABILITY, REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.choice import masked_keep, maximum
from micrograd_np.ops.comparison import not_equal
from micrograd_np.ops.reduce import sum  # noqa: A004
from micrograd_np.ops.routine import clear, in_single, is_half, stored
from micrograd_np.ops.shape import reshape
from micrograd_np.ops.sums import sum_by_product
from micrograd_np.ops.transcendental import log, sigmoid

from .activations import log1p_exp
from .softmax import softmax


@primitive(
    "1 where class = {labels}", domain=(INTEGERS,), shape="(3)->(3,4)", examples=({"classes": 4},),
    not_differentiable=("labels",),
)  # fmt: skip
def one_hot_mask(xp: Any, out: Any, labels: Any, *, classes: int) -> Any:
    """True where the class, counted along a new last axis, is the label."""
    return xp.equal(labels[..., None], xp.arange(classes), out=out)


@primitive("{x}[row, {labels}]", domain=(REALS, INTEGERS), shape="(3,4),(3)->(3)", not_differentiable=("labels",))
def gather_labels(xp: Any, out: Any, x: Any, labels: Any) -> Any:
    """The element of each row of `x` at its label. IndexError for a label outside, also a negative one."""
    z = x[xp.arange(len(labels)), labels.astype("uint32")]  # unsigned: a negative label is no index from the end
    return stored(xp, out, z)


gather_labels.vjp(x=lambda g, z, x, labels: reshape(g, shape=(*g.shape, 1)) * one_hot_mask(labels, classes=x.shape[1]))


@primitive(
    "−log softmax({x})[{labels}]", domain=(REALS, INTEGERS), shape="(3,4),(3)->(3)", examples=({},),
    onnx="SoftmaxCrossEntropyLoss", not_differentiable=("labels",),
)  # fmt: skip
def softmax_cross_entropy(xp: Any, out: Any, x: Any, labels: Any, *, ignore: int = -100) -> Any:
    """Negative log-probability of each row's label, from logits; 0 where the label is `ignore`. Stable for any logits.

    A primitive for its gradient, softmax − onehot, which is shorter than those of log-softmax and indexing.
    """
    kept = xp.not_equal(labels, ignore)
    peak = xp.maximum.reduce(x, axis=-1, keepdims=True)
    with xp.errstate(over="ignore"):  # to −∞, which is as far as it matters
        z = xp.subtract(x, peak)
        rows = z[xp.arange(len(labels)), xp.multiply(labels, kept).astype("uint32")]
        z = xp.exp(z, out=z)
    total = sum_by_product(xp, ..., z, -1)
    total = xp.log(total, out=total)
    total = xp.subtract(total, rows, out=total if out is ... else out)
    return clear(xp, total, kept)


@primitive(
    "softmax({x}) − onehot({labels})", domain=(REALS, INTEGERS), shape="(3,4),(3)->(3,4)", examples=({},),
    not_differentiable=("labels",),
)  # fmt: skip
def softmax_residual(xp: Any, out: Any, x: Any, labels: Any, *, ignore: int = -100) -> Any:
    """The slope of `softmax_cross_entropy`; 0 in rows whose label is `ignore`, also where these hold nan."""
    z = softmax.kernel(xp, out, x)
    z = xp.subtract(z, one_hot_mask.kernel(xp, ..., labels, classes=x.shape[-1]), out=z)
    return clear(xp, z, xp.not_equal(labels, ignore)[..., None])


def _softmax_residual_vjp(g: Any, z: Any, x: Any, labels: Any, ignore: int) -> Any:
    p = softmax(x, axis=-1)
    kept = reshape(not_equal(labels, ignore), shape=(-1, 1))
    return masked_keep((g - sum(g * p, axis=-1, keepdims=True)) * p, kept)


def _softmax_cross_entropy_vjp(g: Any, z: Any, x: Any, labels: Any, ignore: int) -> Any:
    share = reshape(masked_keep(g, not_equal(labels, ignore)), shape=(-1, 1))  # g of a mean over no rows is inf
    return share * softmax_residual(x, labels, ignore=ignore)


softmax_residual.vjp(x=_softmax_residual_vjp)
softmax_cross_entropy.vjp(x=_softmax_cross_entropy_vjp)


@primitive("−log-likelihood of {target} under σ({x})", domain=(REALS, REALS))
def bce_with_logits(xp: Any, out: Any, x: Any, target: Any) -> Any:
    """log(1 + exp(x)) − target · x, elementwise: −log σ(x) for target 1, −log σ(−x) for 0. Stable for any x."""
    z = log1p_exp(xp, ..., x)
    straight = xp.subtract(xp.maximum(x, 0), xp.multiply(x, target))
    return xp.add(straight, z, out=out)


bce_with_logits.vjp(
    x=lambda g, z, x, target: g * (sigmoid(x) - target),
    target=lambda g, z, x, target: -g * x,
)


@primitive("−log-likelihood of {target} under {p}", domain=(PROBABILITY, REALS))
def bce(xp: Any, out: Any, p: Any, target: Any) -> Any:
    """−(target log p + (1 − target) log(1 − p)), elementwise, each logarithm being −100 at least."""
    with xp.errstate(divide="ignore"):
        yes = xp.log(p)
        no = xp.subtract(1, p, out=...)
        no = xp.log(no, out=no)
    yes = xp.maximum(yes, -100, out=...)
    no = xp.maximum(no, -100, out=no)
    no = xp.subtract(no, yes, out=no)
    z = xp.multiply(target, no, out=...)
    z = xp.subtract(z, no, out=out)
    return xp.subtract(z, yes, out=z)


bce.vjp(
    p=lambda g, z, p, target: g * ((p - target) / maximum(p * (1 - p), 1e-12)),
    target=lambda g, z, p, target: g * (maximum(log(1 - p), -100) - maximum(log(p), -100)),
)


_FEW = 4096  # up to here the rounding errors of a dot product in float32 stay below 2e-7 (measured)


@primitive("mean ({x} − {y})²", domain=(REALS, REALS), shape="(3,4),(3,4)->()")
def mean_squared_error(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """The mean of (x − y)² over all elements; nan of nothing.

    One primitive instead of three, as `linear` is: for small networks a tenth of the step (measured). A few squares are
    added by a dot product, one call instead of two; with many that would lose digits.
    """
    if is_half(x) and is_half(y):
        return in_single(mean_squared_error.kernel, xp, out, x, y)
    d = xp.subtract(x, y)
    if d.size <= _FEW:
        return xp.true_divide(xp.vdot(d, d), d.size, out=out)
    z = xp.add.reduce(xp.square(d, out=d), axis=None, out=out)
    return xp.true_divide(z, d.size, out=z)


mean_squared_error.vjp(
    x=lambda g, z, x, y: 2 * g / x.size * (x - y),
    y=lambda g, z, x, y: 2 * g / x.size * (y - x),
)
