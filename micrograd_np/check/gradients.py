"""Checking the gradients of a function or of a model: a report with a row for each input or parameter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

import numpy as np

from micrograd_np.engine.grad_mode import enable_grad
from micrograd_np.engine.tensor import Tensor

from .analytic import gradients, in_float64, magnitude, silent, weighed
from .inputs import leaves_of, told
from .numeric import Method, resolution, usual_step
from .report import Report
from .verdict import Comparison, Tolerance, compare


def check_gradients(
    model_or_f: Any,
    *inputs: Any,
    loss: Callable[..., Any] | None = None,
    target: Any = None,
    entries: int | None = 100,
    method: Method = "central",
    step: float | None = None,
    rtol: float = 1e-5,
    atol: float | None = None,
) -> Report:
    """Gradients by `backward` beside finite differences, for every parameter of a model or input of a function.

    `model_or_f` is called with `inputs`; `loss`, if given, with the result (and `target`). A result that is not scalar
    is weighed with fixed, irregular weights and summed. Checked are a model's parameters and those inputs that require
    a gradient, or, where none does and there are no parameters, all floating inputs. Of anything larger than `entries`
    elements that many are sampled: the same ones for the same values, others for others; None checks all.

    Everything is computed in float64 copies, also for a float32 model, whose own resolution would hide most errors;
    parameters, buffers and ``.grad`` are as before afterwards. The report is true when all agree. Its verdicts are:
    "agrees"; "disagrees"; "kink": the one-sided differences differ, and the gradient lies between them; "too coarse to
    tell": rounding hides what there is to see. Equal means ``|a − n| ≤ atol + rtol · larger``, where `atol` is, unless
    given, what rounding makes of a difference quotient. RuntimeError if two calls give two results (dropout: use
    ``model.eval()``), ValueError if there is nothing to check.

    >>> import numpy as np
    >>> report = check_gradients(lambda x, y: (x * y).sum(), np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    >>> bool(report), report["y"].verdict, report["y"].analytic
    (True, 'agrees', array([1., 2.]))
    """
    named = list(model_or_f.named_parameters()) if hasattr(model_or_f, "named_parameters") else []
    parameters = [(name, p) for name, p in named if p.requires_grad]
    buffers = [b for _, b in model_or_f.named_buffers()] if hasattr(model_or_f, "named_buffers") else []
    leaves, given = leaves_of(model_or_f, inputs, everything=not named)
    checked = [*parameters, *leaves]
    if not checked:
        message = (
            "check_gradients: nothing to check: no parameter requires a gradient, and no input is floating. Pass a "
            "model, or the arrays to differentiate by as inputs."
        )
        raise ValueError(message)

    def call() -> Any:
        result = model_or_f(*given)
        if loss is None:
            return result
        return loss(result) if target is None else loss(result, target)

    with in_float64([*(p for _, p in named), *buffers]):
        recorded = getattr(model_or_f, "recorded", True)
        rows = _compared(call, checked, entries, method, step, Tolerance(rtol, atol), recorded=recorded)
    count = f"{len(rows)} {'parameter' if named else 'input'}{'s' if len(rows) > 1 else ''}"
    how = f"step {step:g}" if step else "a step for each entry"
    return Report(f"{told(model_or_f)}: {count}, backward against {method} differences in float64, {how}", rows)


def _compared(
    call: Callable[[], Any],
    checked: Sequence[tuple[str, Tensor]],
    entries: int | None,
    method: Method,
    step: float | None,
    tolerance: Tolerance,
    *,
    recorded: bool,
) -> list[Comparison]:
    """One comparison for each named leaf that `call` looks at."""
    with enable_grad(), np.errstate(all="ignore"):
        result = call()
        analytic = gradients(weighed(result), [leaf for _, leaf in checked])
    size, coarsest = magnitude(result)

    def value() -> float:
        z = silent(lambda: weighed(call()), recorded=recorded)
        return float(z.item() if isinstance(z, Tensor) else z)

    first, second = value(), value()
    if first != second and not np.isnan(first):
        message = (
            f"gradient check: f is not the same function twice: two calls with the same inputs gave {first:.17g} and "
            f"{second:.17g}. Switch randomness off (model.eval()), or draw from a generator seeded inside f."
        )
        raise RuntimeError(message)
    rows = []
    sampler = np.random.default_rng([crc32(leaf.data.tobytes()) for _, leaf in checked])
    noise = max(
        8 * resolution(np.float64, coarsest) * size,  # a few roundings of the largest terms,
        4 * _trembling(value, first, [leaf.data for _, leaf in checked], sampler),  # or of what cancels within f
    )
    largest = max((float(np.abs(g).max(initial=0)) for g in analytic if g is not None), default=0.0)
    for (name, leaf), g in zip(checked, analytic, strict=True):
        g = np.zeros(leaf.shape) if g is None else np.asarray(g)  # noqa: PLW2901
        note = "" if leaf.size == 0 or np.any(g) or any(found is not None for found in analytic) else _LOST
        some = range(leaf.size)
        if entries is not None and leaf.size > entries:
            some = sorted(sampler.choice(leaf.size, entries, replace=False))  # type: ignore[assignment]
        rows.append(
            compare(
                name,
                value,
                leaf.data,
                g,
                entries=some,
                step=lambda x: step or usual_step(method, x, np.float64, coarsest),
                noise=noise,
                method=method,
                tolerance=tolerance,
                nothing=1e-13 * largest,
                note=note,
            )
        )
    return rows


def _trembling(value: Callable[[], float], middle: float, arrays: list[Any], rng: np.random.Generator) -> float:
    """How much `value` changes when the last bits of the arrays that it looks at do."""
    kept = [a.copy() for a in arrays]
    changes = []
    for _ in range(4):
        for a, x in zip(arrays, kept, strict=True):
            a[...] = x + np.maximum(1.0, np.abs(x)) * rng.uniform(-1, 1, x.shape) * resolution(x.dtype)
        changes.append(abs(value() - middle))
    for a, x in zip(arrays, kept, strict=True):
        a[...] = x
    return max((c for c in changes if np.isfinite(c)), default=0.0)


_LOST = "no gradient arrives here: the result does not depend on it, or was taken out of the graph (.data, detach())."
