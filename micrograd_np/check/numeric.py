"""Derivatives from values alone: perturb one entry, look at what the function does. The judge of every rule here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from micrograd_np.engine.grad_mode import enable_grad
from micrograd_np.engine.tensor import Tensor

Method = Literal["central", "forward"]
Value = Callable[[], float]


def numeric_gradient(f: Callable[..., Any], *inputs: Any, method: Method = "central", step: float | None = None) -> Any:
    """The gradient of the scalar ``f(*inputs)`` by finite differences: an array of the shape of each input, in a tuple.

    For one input, the array alone. `f` gets what was given, arrays or Tensors, in copies whose entries are perturbed in
    turn; numbers and lists become arrays. "central" takes (f(x + h) − f(x − h)) / 2h, whose error falls with h²;
    "forward" takes (f(x + h) − f(x)) / h, with an error of about h/2 times the curvature, at half the price. `step` is
    h; unless given, it balances that error against rounding: the cube root ("forward": square root) of the dtype's
    resolution, times max(1, |x|). ValueError if `f` is not scalar, TypeError for inputs that are not floating.
    Source: Press et al., Numerical Recipes (2007), section 5.7.

    >>> import numpy as np
    >>> numeric_gradient(lambda x: (x * x).sum(), np.array([1.0, 2.0])).round(6)
    array([2., 4.])
    >>> print(f"{numeric_gradient(lambda x: x * x, 1.0, method='forward', step=1e-4):.6f}")  # one step too high
    2.000100
    """
    if method not in {"central", "forward"}:
        message = f"numeric_gradient: method must be 'central' or 'forward', found {method!r}."
        raise ValueError(message)
    arrays = [_floating_copy(x, i) for i, x in enumerate(inputs)]
    given = [
        Tensor(a, x.requires_grad, name=x.name) if isinstance(x, Tensor) else a
        for a, x in zip(arrays, inputs, strict=True)
    ]
    found: list[Any] = []

    def value() -> float:
        with enable_grad():  # f may take gradients itself
            result = f(*given)
        found[:] = [np.asarray(result.data if isinstance(result, Tensor) else result)]
        if found[0].size != 1:
            message = (
                f"numeric_gradient: f returned shape {found[0].shape}, and a gradient is that of a scalar. "
                f"Return the sum, or a weighted sum, of what it computes."
            )
            raise ValueError(message)
        return float(found[0].item())

    before = [a.copy() for a in arrays]
    middle = value()
    for i, (a, b) in enumerate(zip(arrays, before, strict=True)):
        if not np.array_equal(a, b, equal_nan=True):
            message = f"numeric_gradient: f changes its input {i} in place, so it cannot be perturbed. Work on a copy."
            raise ValueError(message)
    gradients = []
    for a in arrays:
        g = np.empty(a.shape, a.dtype)
        flat, slopes = a.reshape(-1), g.reshape(-1)
        for k in range(a.size):
            h = step or usual_step(method, flat[k], a.dtype, found[0].dtype)
            slopes[k] = slope(value, middle, flat, k, h, method)
        gradients.append(g)
    return gradients[0] if len(gradients) == 1 else tuple(gradients)


def usual_step(method: Method, x: float, *dtypes: Any) -> float:
    """The step at which the method's own error and rounding are about equal, for the coarsest of `dtypes`."""
    return float(resolution(*dtypes) ** (1 / 3 if method == "central" else 1 / 2) * max(1.0, abs(x)))


def resolution(*dtypes: Any) -> float:
    """The relative spacing of the coarsest floating dtype among `dtypes`."""
    return max((float(np.finfo(d).eps) for d in dtypes if np.dtype(d).kind == "f"), default=float(np.finfo(float).eps))


def slope(value: Value, middle: float, flat: Any, k: int, h: float, method: Method = "central") -> float:
    """The difference quotient of `value` for entry `k` of the array `flat` it looks at; `middle` is its value now."""
    with moved(flat, k, h) as right:
        above = value()
    if method == "forward":
        return (above - middle) / right
    with moved(flat, k, -h) as left:
        below = value()
    return (above - below) / (right - left)


@contextmanager
def moved(flat: Any, k: int, h: float) -> Iterator[float]:
    """Entry `k` moved by `h`, as far as its dtype can; gives the distance it really moved, and moves it back."""
    x = flat[k]
    flat[k] = x + h
    try:
        yield float(flat[k]) - float(x)
    finally:
        flat[k] = x


def _floating_copy(x: Any, i: int) -> Any:
    array = np.array(x.data if isinstance(x, Tensor) else x)
    if array.dtype.kind in "iu" and not isinstance(x, (Tensor, np.ndarray, np.generic)):
        array = array.astype(float)  # Python's numbers do not insist
    if array.dtype.kind != "f":
        message = (
            f"numeric_gradient: input {i} is {array.dtype}, and only floating inputs have derivatives. Give floats, "
            f"or let f close over it."
        )
        raise TypeError(message)
    return array
