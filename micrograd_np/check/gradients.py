"""Gradients of a function or a model beside finite differences: a report, and PyTorch's `gradcheck`, which raises."""

from collections.abc import Callable, Iterable
from typing import Any
from zlib import crc32

import numpy as np

from micrograd_np.autograd.reverse import array_of
from micrograd_np.core.messages import count_of, require_type, require_value
from micrograd_np.core.terminal import shown
from micrograd_np.engine.grad_mode import enable_grad, set_grad_enabled
from micrograd_np.engine.tensor import Tensor

from .functions import floating, gradients, in_float64, name_of, second_order, weighted_sum, with_leaves
from .numeric import Method, resolution
from .report import Report
from .verdict import Judge

_LOST = "no gradient arrives here: the result does not depend on it, or was taken out of the graph (.data, detach())."


def check_gradients(
    model_or_f: Any, *inputs: Any, loss: Callable[..., Any] | None = None, target: Any = None,
    entries: int | None = 100, method: Method = "central", step: float | None = None,
    rtol: float = 1e-5, atol: float | None = None,
) -> Report:  # fmt: skip
    """Gradients by `backward` beside finite differences, for every parameter of a model or input of a function.

    `model_or_f` is called with `inputs`; `loss`, if there is one, with the result (and `target`). A result that is not
    scalar is summed with fixed, irregular weights. It checks a model's parameters and the inputs that require a
    gradient; where none does and there are no parameters, all floating inputs. Of anything larger than `entries`
    elements it samples that many, always the same ones for the same values; None checks all.

    It computes in float64 copies, also for a float32 model, whose own resolution would hide most errors; afterwards
    parameters, buffers and ``.grad`` are as before. The report is true when all agree. Its verdicts are: "agrees";
    "disagrees"; "kink": the one-sided differences differ, and the gradient lies between them; "too coarse to tell":
    rounding hides the derivative. Equal means ``|a − n| ≤ atol + rtol · larger``, where `atol` is by default the
    rounding error of a difference quotient. RuntimeError if two calls give two results (dropout: use
    ``model.eval()``), ValueError if there is nothing to check.

    >>> import numpy as np
    >>> report = check_gradients(lambda x, y: (x * y).sum(), np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    >>> bool(report), report["y"].verdict, report["y"].analytic
    (True, 'agrees', array([1., 2.]))
    """
    require_type("check_gradients", "model_or_f", model_or_f, callable(model_or_f), "a model or a function")
    require_value("check_gradients", "step", step, step is None or step != 0, "other than 0")
    named = list(model_or_f.named_parameters()) if hasattr(model_or_f, "named_parameters") else []
    buffers = [b for _, b in model_or_f.named_buffers()] if hasattr(model_or_f, "named_buffers") else []
    _, leaves, arguments = with_leaves(model_or_f, inputs, all_floating=not named)
    checked = [(name, p) for name, p in named if p.requires_grad] + [(x.name, x) for x in leaves]
    if not checked:
        raise ValueError(
            "check_gradients: nothing to check: no parameter requires a gradient, and no input is floating. Pass a "
            "model, or the arrays to differentiate by as inputs."
        )

    def call() -> Any:
        result = model_or_f(*arguments)
        if loss is None:
            return result
        return loss(result) if target is None else loss(result, target)

    def value() -> float:
        with set_grad_enabled(getattr(model_or_f, "recorded", True)), np.errstate(all="ignore"):
            return float(array_of(weighted_sum(call())).item())

    with in_float64([*(p for _, p in named), *buffers]):
        with enable_grad(), np.errstate(all="ignore"):
            result = call()
            slopes = gradients(weighted_sum(result), [x for _, x in checked])
        first, second = value(), value()
        if first != second and not np.isnan(first):
            raise RuntimeError(
                f"gradient check: f is not the same function twice: two calls with the same inputs gave {first:.17g} "
                f"and {second:.17g}. Switch randomness off (model.eval()), or draw from a generator seeded inside f."
            )
        arrays = [x.data for _, x in checked]
        parts = list(map(array_of, floating(result)))  # their size and the coarsest dtype determine the rounding
        size = sum(float(np.abs(x).sum(dtype=float)) for x in parts)
        coarsest = min((x.dtype for x in parts), key=lambda d: d.itemsize, default=np.dtype(float))
        sampler = np.random.default_rng([crc32(a.tobytes()) for a in arrays])
        noise = max(
            8 * resolution(np.float64, coarsest) * size,  # a few roundings of the largest terms,
            4 * _sensitivity(value, first, arrays, sampler),  # or of terms that cancel within f
        )
        judge = Judge(value, first, noise, method, step, (np.float64, coarsest), rtol, atol)
        zero = 1e-13 * max((float(np.abs(g.data).max(initial=0)) for g in slopes if g is not None), default=0.0)
        note = "" if any(g is not None for g in slopes) else _LOST
        rows = []
        for (name, _), a, g in zip(checked, arrays, slopes, strict=True):
            chosen: Iterable[int] = range(a.size)
            if entries is not None and a.size > entries:
                chosen = sorted(sampler.choice(a.size, entries, replace=False))
            analytic = np.zeros(a.shape) if g is None else g.data
            rows.append(judge.compare(name, a, analytic, chosen, zero, note if a.size else ""))
    count = count_of(len(rows), "parameter" if named else "input")
    how = f"step {step:g}" if step else "a step for each entry"
    return Report(f"{name_of(model_or_f)}: {count}, backward against {method} differences in float64, {how}", rows)


def _sensitivity(value: Callable[[], float], middle: float, arrays: list[Any], rng: np.random.Generator) -> float:
    """How much `value` changes with the last bits of the arrays that it reads."""
    before = [a.copy() for a in arrays]
    changes = []
    for _ in range(4):
        for a, x in zip(arrays, before, strict=True):
            a[...] = x + np.maximum(1.0, np.abs(x)) * rng.uniform(-1, 1, x.shape) * resolution(x.dtype)
        changes.append(abs(value() - middle))
    for a, x in zip(arrays, before, strict=True):
        a[...] = x
    return max((c for c in changes if np.isfinite(c)), default=0.0)


class GradcheckError(RuntimeError):
    """A gradient does not agree with finite differences; `report` has the table.

    >>> import micrograd_np as mg
    >>> import numpy as np
    >>> x = np.array([1.0])
    >>> try:
    ...     mg.gradcheck(lambda x: mg.Tensor(x.detach().numpy()) * 2 + x, [x])
    ... except mg.GradcheckError as error:
    ...     print("the derivative is wrong")
    the derivative is wrong
    """

    def __init__(self, report: Any) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        return shown(f"{self.report.complaint}.\n{self.report}")


def gradcheck(
    f: Callable[..., Any], *inputs: Any,
    eps: float | None = None, atol: float | None = None, rtol: float = 1e-5, raise_exception: bool = True,
) -> bool:  # fmt: skip
    """True if the gradients of `f` agree with finite differences; otherwise GradcheckError, with a table.

    It checks every entry of the inputs that `check_gradients` would check; `eps` is the step. The inputs may also stand
    in one tuple, as in PyTorch. With ``raise_exception=False`` it returns False instead of raising.

    >>> import numpy as np
    >>> from micrograd_np.ops.transcendental import sigmoid
    >>> gradcheck(sigmoid, np.array([-1.0, 0.0, 2.0]))
    True
    """
    report = check_gradients(f, *_unpacked(inputs), entries=None, step=eps, atol=atol, rtol=rtol)
    if not report and raise_exception:
        raise GradcheckError(report)
    return bool(report)


def gradgradcheck(
    f: Callable[..., Any], *inputs: Any,
    eps: float | None = None, atol: float | None = None, rtol: float = 1e-5, raise_exception: bool = True,
) -> bool:  # fmt: skip
    """True if the second derivatives of `f` agree with differences of its first ones; otherwise GradcheckError.

    It differentiates ``∂f/∂inputs`` by the inputs and by the gradient that arrives at the result of `f`. So it also
    detects a rule that ignores that gradient, or treats it as a constant.

    >>> import numpy as np
    >>> gradgradcheck(lambda x: x ** 3, np.array([1.0, 2.0]))
    True
    """
    first, *varied = second_order(f, _unpacked(inputs))
    return gradcheck(first, *varied, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception)


def _unpacked(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """`inputs`, or the elements of the one tuple in which PyTorch passes them."""
    packed = len(inputs) == 1 and isinstance(inputs[0], (tuple, list)) and bool(inputs[0])
    return tuple(inputs[0]) if packed and all(isinstance(x, (Tensor, np.ndarray)) for x in inputs[0]) else inputs
