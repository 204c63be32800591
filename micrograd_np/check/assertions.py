"""Checks that raise an error, with the table, unless the gradients agree: PyTorch's `gradcheck` and `gradgradcheck`."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from micrograd_np.core.terminal import shown
from micrograd_np.engine.grad_mode import enable_grad, is_grad_enabled
from micrograd_np.engine.tensor import Tensor

from .analytic import floating, gradients, weights
from .gradients import check_gradients
from .inputs import array_of, differentiable, leaves_of, name_of, replaced, unpacked


class GradcheckError(RuntimeError):
    """A gradient does not agree with finite differences; `report` has the table."""

    def __init__(self, report: Any) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        return shown(f"{self.report.complaint}.\n{self.report}")


def gradcheck(
    f: Callable[..., Any],
    *inputs: Any,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float = 1e-5,
    raise_exception: bool = True,
) -> bool:
    """True if the gradients of `f` agree with finite differences; otherwise GradcheckError, with a table.

    It checks every entry of the inputs that `check_gradients` would check; `eps` is the step. The inputs may also stand
    in one tuple, as in PyTorch. With ``raise_exception=False`` it returns False instead of raising.

    >>> import numpy as np
    >>> from micrograd_np.ops.transcendental import sigmoid
    >>> gradcheck(sigmoid, np.array([-1.0, 0.0, 2.0]))
    True
    """
    report = check_gradients(f, *unpacked(inputs), entries=None, step=eps, atol=atol, rtol=rtol)
    if not report and raise_exception:
        raise GradcheckError(report)
    return bool(report)


def gradgradcheck(
    f: Callable[..., Any],
    *inputs: Any,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float = 1e-5,
    raise_exception: bool = True,
) -> bool:
    """True if the second derivatives of `f` agree with differences of its first ones; otherwise GradcheckError.

    It differentiates ``∂f/∂inputs`` by the inputs and by the gradient that arrives at the result of `f`. So it also
    detects a rule that ignores that gradient, or treats it as a constant.

    >>> import numpy as np
    >>> gradgradcheck(lambda x: x ** 3, np.array([1.0, 2.0]))
    True
    """
    f, *inputs = second_order(f, unpacked(inputs))  # type: ignore[assignment]
    return gradcheck(f, *inputs, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception)


def second_order(f: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, ...]:
    """A function whose derivatives are the second ones of `f`, and its inputs: those of `f`, and arriving gradients."""
    places = differentiable(inputs)
    leaves = leaves_of(f, inputs, places)
    with enable_grad(), np.errstate(all="ignore"):
        results = floating(f(*replaced(inputs, places, leaves)))
    arriving = [weights(x.shape, turn) for turn, x in enumerate(results)]

    def first(*varied: Any) -> Any:
        recorded = isinstance(varied[0], Tensor) and is_grad_enabled()
        seeds = varied[len(places) :]
        xs = [x if recorded else Tensor(array_of(x), requires_grad=True) for x in varied[: len(places)]]
        with enable_grad():
            z = 0.0
            for y, g in zip(floating(f(*replaced(inputs, places, xs))), seeds, strict=True):
                z = z + (y * g).sum() if isinstance(y, Tensor) else z
            return [g for g in gradients(z, xs, create_graph=recorded) if g is not None] or [np.zeros(())]

    first.recorded = False  # type: ignore[attr-defined]  # it records what it needs itself, which takes a third of the time
    first.__name__ = f"the gradient of {name_of(f)}"
    first.names = [x.name for x in leaves] + [f"g{turn or ''}" for turn in range(len(arriving))]  # type: ignore[attr-defined]
    return (first, *(np.array(array_of(inputs[i]), dtype=float) for i in places), *arriving)
