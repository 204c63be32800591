"""Rows of a table by number, and the sum of gradients into those rows: the two directions of an embedding."""

from typing import Any

from micrograd_np.core.domains import INTEGERS, REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.comparison import not_equal
from micrograd_np.ops.routine import stored, zeroed
from micrograd_np.ops.shape import reshape
from micrograd_np.ops.state import astype


@primitive(
    "{weight}[{indices}]", domain=(REALS, INTEGERS), shape="(4,3),(2)->(2,3)", onnx="Gather",
    not_differentiable=("indices",),
)  # fmt: skip
def embedding_lookup(
    xp: Any, out: Any, weight: Any, indices: Any, *, frozen: int | None = None, shared: bool = False
) -> Any:
    """The rows of `weight` at `indices`: ``(v, d), (…) -> (…, d)``. The row `frozen` gets no gradient.

    With `shared`, a row that occurs several times gets the mean of its gradients instead of their sum. IndexError for
    an index outside, also a negative one.
    """
    if not weight.ndim:
        raise ValueError("weight must have rows")
    z = xp.take(weight, xp.asarray(indices).astype("uint32"), axis=0)  # unsigned: −1 is no index from the end
    return stored(xp, out, z)


@primitive(
    "Σ {x} at rows {indices}", domain=(REALS, INTEGERS), shape="(2,3),(2)->(4,3)",
    examples=({"count": 4},), not_differentiable=("indices",),
)  # fmt: skip
def segment_sum(xp: Any, out: Any, x: Any, indices: Any, *, count: int) -> Any:
    """Zeros (count, d) with each row of `x` added to the row that its index names: the adjoint of `embedding_lookup`.

    It adds single elements, for which ``np.add.at`` is an order of magnitude quicker than for rows.
    """
    d = x.shape[-1]
    z = zeroed(xp, out, (count, d), x.dtype)
    elements = xp.add(xp.multiply(xp.reshape(indices, (-1, 1)), d), xp.arange(d))
    xp.add.at(xp.reshape(z, (-1,)), xp.reshape(elements, (-1,)), xp.reshape(x, (-1,)))
    return z


def _by_weight(g: Any, z: Any, weight: Any, indices: Any, frozen: int | None, shared: bool) -> Any:
    if shared:
        ones = reshape(astype(not_equal(indices, -1), dtype=weight.dtype), shape=(*indices.shape, 1))
        g = g / embedding_lookup(segment_sum(ones, indices, count=weight.shape[0]), indices)
    if frozen is not None:
        g = g * reshape(not_equal(indices, frozen), shape=(*indices.shape, 1))
    return segment_sum(g, indices, count=weight.shape[0])


embedding_lookup.vjp(weight=_by_weight)


segment_sum.vjp(x=lambda g, z, x, indices, count: embedding_lookup(g, indices))
