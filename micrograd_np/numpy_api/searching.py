"""The position of the largest or smallest element along an axis, and any and all. No gradient passes."""

from typing import Any

from micrograd_np.core.domains import DISTINCT, MASK
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.reduce import Axis

_ONE_AXIS: tuple[dict[str, Any], ...] = ({}, {"axis": 0}, {"axis": -1, "keepdims": True})
_AXES: tuple[dict[str, Any], ...] = ({}, {"axis": 0}, {"axis": (0, -1), "keepdims": True})


@primitive(
    "arg max {x}", domain=(DISTINCT,), shape="(3,4)->()", examples=_ONE_AXIS, not_differentiable=("x",), onnx="ArgMax"
)
def argmax(xp: Any, out: Any, x: Any, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """Index of the largest element along `axis`, the first among equals; in row-major order when it is None."""
    return xp.asarray(xp.argmax(x, axis=axis, keepdims=keepdims, out=None if out is ... else out))


@primitive(
    "arg min {x}", domain=(DISTINCT,), shape="(3,4)->()", examples=_ONE_AXIS, not_differentiable=("x",), onnx="ArgMin"
)
def argmin(xp: Any, out: Any, x: Any, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """Index of the smallest element along `axis`, the first among equals; in row-major order when it is None."""
    return xp.asarray(xp.argmin(x, axis=axis, keepdims=keepdims, out=None if out is ... else out))


@primitive("any {x}", domain=(MASK,), shape="(3,4)->()", examples=_AXES, not_differentiable=("x",))
def any(xp: Any, out: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether any element along `axis` is true; False for none."""
    return xp.logical_or.reduce(x, axis=axis, keepdims=keepdims, out=out)


@primitive("all {x}", domain=(MASK,), shape="(3,4)->()", examples=_AXES, not_differentiable=("x",))
def all(xp: Any, out: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether all elements along `axis` are true; True for none."""
    return xp.logical_and.reduce(x, axis=axis, keepdims=keepdims, out=out)
