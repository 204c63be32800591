"""Derivatives from values alone: perturb one entry, compare the values. Every rule here is judged by them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from micrograd_np.autograd.reverse import array_of
from micrograd_np.core.messages import require_type, require_value
from micrograd_np.engine.grad_mode import enable_grad
from micrograd_np.engine.tensor import Tensor

Method = Literal["central", "forward"]
Value = Callable[[], float]


def numeric_gradient(f: Callable[..., Any], *inputs: Any, method: Method = "central", step: float | None = None) -> Any:
    """The gradient of the scalar ``f(*inputs)`` by finite differences: an array of the shape of each input, in a tuple.

    For one input, the array alone. `f` gets copies of the inputs, arrays or Tensors, whose entries are perturbed in
    turn; numbers and lists become arrays. "central" takes (f(x + h) − f(x − h)) / 2h, whose error falls with h²;
    "forward" takes (f(x + h) − f(x)) / h, with an error of about h/2 times the curvature, at half the price. `step` is
    h; by default it balances that error against rounding: the cube root ("forward": square root) of the dtype's
    resolution, times max(1, |x|). ValueError if `f` is not scalar, TypeError for inputs that are not floating.
    Source: Press et al., Numerical Recipes (2007), section 5.7.

    >>> import numpy as np
    >>> numeric_gradient(lambda x: (x * x).sum(), np.array([1.0, 2.0])).round(6)
    array([2., 4.])
    >>> print(f"{numeric_gradient(lambda x: x * x, 1.0, method='forward', step=1e-4):.6f}")  # one step too high
    2.000100
    """
    require_type("numeric_gradient", "f", f, callable(f), "a function")
    require_value("numeric_gradient", "step", step, step is None or step != 0, "other than 0")
    require_value("numeric_gradient", "method", method, method in ("central", "forward"), "'central' or 'forward'")
    arrays = [_floating_copy(x, i) for i, x in enumerate(inputs)]
    before = [a.copy() for a in arrays]
    pairs = zip(arrays, inputs, strict=True)
    arguments = [Tensor(a, x.requires_grad, name=x.name) if isinstance(x, Tensor) else a for a, x in pairs]

    def result() -> Any:
        with enable_grad():  # f may take gradients itself
            y = f(*arguments)
        y = array_of(y)
        if y.size != 1:
            raise ValueError(
                f"numeric_gradient: f returned shape {y.shape}, and a gradient is that of a scalar. "
                f"Return the sum, or a weighted sum, of what it computes."
            )
        return y

    y, value = result(), lambda: float(result().item())
    for i, (a, b) in enumerate(zip(arrays, before, strict=True)):
        if not np.array_equal(a, b, equal_nan=True):
            changed = f"numeric_gradient: f changes its input {i} in place"
            raise ValueError(f"{changed}, so it cannot be perturbed. Work on a copy.")
    gradients = []
    for a in arrays:
        flat = a.reshape(-1)
        steps = [step or default_step(method, x, a.dtype, y.dtype) for x in flat]
        slopes = [slope(value, float(y.item()), flat, k, h, method) for k, h in enumerate(steps)]
        gradients.append(np.array(slopes, a.dtype).reshape(a.shape))
    return gradients[0] if len(gradients) == 1 else tuple(gradients)


def default_step(method: Method, x: float, *dtypes: Any) -> float:
    """The step at which the method's own error and rounding are about equal, for the coarsest of `dtypes`."""
    return float(resolution(*dtypes) ** (1 / 3 if method == "central" else 1 / 2) * max(1.0, abs(x)))


def resolution(*dtypes: Any) -> float:
    """The relative spacing of the coarsest floating dtype among `dtypes`."""
    return max((float(np.finfo(d).eps) for d in dtypes if np.dtype(d).kind == "f"), default=float(np.finfo(float).eps))


def slope(value: Value, middle: float, flat: Any, k: int, h: float, method: Method = "central") -> float:
    """The difference quotient of `value` for entry `k` of the array `flat`, which it reads; `middle` is its value now.

    "forward" with a negative `h` takes the slope on the left.
    """
    with _moved(flat, k, h) as right:
        above = value()
    if method == "forward":
        return (above - middle) / right
    with _moved(flat, k, -h) as left:
        below = value()
    return (above - below) / (right - left)


@contextmanager
def _moved(flat: Any, k: int, h: float) -> Iterator[float]:
    """Inside the block, entry `k` is moved by `h`, as far as its dtype allows; yields the true distance."""
    x = flat[k]
    flat[k] = x + h
    try:
        yield float(flat[k]) - float(x)
    finally:
        flat[k] = x


def _floating_copy(x: Any, i: int) -> Any:
    array = array_of(x).copy()
    if array.dtype.kind in "iu" and not isinstance(x, (Tensor, np.ndarray, np.generic)):
        array = array.astype(float)  # Python's whole numbers become floats
    if array.dtype.kind != "f":
        raise TypeError(
            f"numeric_gradient: input {i} is {array.dtype}, and only floating inputs have derivatives. Give floats, "
            f"or let f close over it."
        )
    return array
