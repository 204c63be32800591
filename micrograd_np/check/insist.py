"""Checks that insist: an error with the table, unless the gradients agree. PyTorch's names, to the second order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from micrograd_np.core.terminal import shown
from micrograd_np.engine.grad_mode import enable_grad, is_grad_enabled
from micrograd_np.engine.tensor import Tensor

from .analytic import gradients, irregular, outputs, silent
from .gradients import check_gradients
from .inputs import array_of, asks, is_floating, leaves_of, told, unpacked


class GradcheckError(RuntimeError):
    """A gradient that does not agree with finite differences; `report` has the table."""

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
    """True if the gradients of `f` agree with finite differences; else GradcheckError, with a table.

    Every entry is checked of every input that `check_gradients` would check; `eps` is the step. PyTorch's spelling,
    with the inputs in one tuple, works too. With ``raise_exception=False``, returns False instead of raising.

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
    """True if the second derivatives of `f` agree with differences of its first ones; else GradcheckError with a table.

    What is differentiated again is ``∂f/∂inputs`` for a varying gradient arriving at f's result, so that a rule that
    forgets to use it, or uses a constant in its place, is found out too.

    >>> import numpy as np
    >>> gradgradcheck(lambda x: x ** 3, np.array([1.0, 2.0]))
    True
    """
    inputs = unpacked(inputs)
    report = check_gradients(*second_order(f, inputs), entries=None, step=eps, atol=atol, rtol=rtol)
    if not report and raise_exception:
        raise GradcheckError(report)
    return bool(report)


def second_order(f: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, ...]:
    """A function whose derivatives are the second ones of `f`, and its inputs: those of `f`, and gradients arriving."""
    leaves, given = leaves_of(f, inputs, everything=True)
    places = [i for i, x in enumerate(inputs) if is_floating(x) and (not asks(inputs) or asks([x]))]
    shapes = [x.shape for x in outputs(silent(lambda: f(*given)))]
    arriving = [irregular(shape, turn) for turn, shape in enumerate(shapes)]

    def first(*varied: Any) -> Any:
        recorded = isinstance(varied[0], Tensor) and is_grad_enabled()
        own = [x if recorded else Tensor(array_of(x), requires_grad=True) for x in varied[: len(places)]]
        seeds = varied[len(places) :]
        all_inputs = list(inputs)
        for i, x in zip(places, own, strict=True):
            all_inputs[i] = x
        with enable_grad():
            z = 0.0
            for part, g in zip(outputs(f(*all_inputs)), seeds, strict=True):
                z = z + (part * g).sum() if isinstance(part, Tensor) else z
            return [g for g in gradients(z, own, create_graph=recorded) if g is not None] or [np.zeros(())]

    first.recorded = False  # type: ignore[attr-defined]  # it records what it needs itself, which takes a third of the time
    first.__name__ = f"the gradient of {told(f)}"
    first.names = [name for name, _ in leaves] + [f"g{turn or ''}" for turn in range(len(arriving))]  # type: ignore[attr-defined]
    return (first, *(np.array(array_of(inputs[i]), dtype=float) for i in places), *arriving)
