"""`detect_nonfinite`: an error at the first op, forward or backward, that makes a nan or an infinity."""

import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

import numpy as np

from micrograd_np.core.errors import input_names
from micrograd_np.core.primitive import Primitive
from micrograd_np.core.reads import Blank
from micrograd_np.core.terminal import shown
from micrograd_np.core.vertex import Node, Op, Source, Vertex, held_inputs
from micrograd_np.engine import backward as walk

from .origin import Origin, Watch, origin_of

_SHOWN = 3  # elements in a message: enough to see a pattern

_DIVISION = "a division by 0; add a small number to the denominator where it may vanish"
_EDGE = "the slope is infinite at ±1, and there is no value beyond"
_CAUSES = {
    "log": "the logarithm of 0 is −inf and of a negative number nan; keep its argument away from 0, or take the "
    "logarithm of a probability with log_softmax, log_sigmoid or a loss on logits",
    "divide": _DIVISION,
    "reciprocal": _DIVISION,
    "sqrt": "the root of a negative number is nan, and at 0 its slope is infinite; add a small number under it",
    "power": "a negative number to a fractional power is nan, 0 to a negative one inf, and large powers overflow",
    "exp": "exp overflows above 709 in float64 and 88 in float32; subtract the largest first, as logsumexp, softmax "
    "and log_softmax do, or use sigmoid",
    "arccos": _EDGE,
    "arcsin": _EDGE,
    "norm": "numbers so large that their squares overflow",
}
_OVERFLOW = (
    "an overflow: numbers have grown beyond the range of {dtype} (largest input {largest:.3g}); training may be "
    "diverging, so try a smaller learning rate, or clip_grad_norm_"
)


class NonfiniteError(FloatingPointError):
    """An op made a nan or an infinity inside `detect_nonfinite`.

    `op` is the name of the op, `during` "forward" or "backward", `origin` the place in the user's code.

    >>> import micrograd_np as mg
    >>> import numpy as np
    >>> try:
    ...     with mg.detect_nonfinite(), np.errstate(divide="ignore"):
    ...         mg.log(mg.Tensor([0.0]))
    ... except mg.NonfiniteError as error:
    ...     print(error.op)
    log
    """

    def __init__(self, message: str, op: str = "", during: str = "", origin: Origin | None = None) -> None:
        super().__init__(message, op, during, origin)
        self.op, self.during, self.origin = op, during, origin

    def __str__(self) -> str:
        return shown(str(self.args[0]))


class detect_nonfinite(Watch):  # noqa: N801  a function to its users
    """In this block (or decorated function) raise `NonfiniteError` where the first nan or infinity is made.

    The message names the op, whether it ran forward or backward, the line of the user's code and its module, the
    elements, the inputs there, and the usual cause. An op makes an infinity if all its inputs are finite, a nan if none
    of them holds one; a nan in data or in a parameter, or an infinity in a parameter, is reported where it is first
    used. Intended infinities (−inf in a mask) are ignored. It checks every op of this thread, also in a compiled step,
    so expect a step to take two to three times as long.

    >>> import micrograd_np as mg
    >>> x = mg.Tensor([4.0, 0.0], requires_grad=True, name="x")
    >>> with mg.detect_nonfinite():
    ...     x.sqrt().sum().backward()
    Traceback (most recent call last):
    micrograd_np.debug.nonfinite.NonfiniteError: detect_nonfinite: sqrt, backward by x, made inf...
    """

    def applied(self, op: Primitive[Any], inputs: tuple[Any, ...], static: Mapping[str, Any], result: Any) -> None:
        """Check the result of `op`, unless a derivative rule computes it on the way to its own."""
        super().applied(op, inputs, static, result)
        if not isinstance(result, Vertex):
            return
        arrays = [_array(x) for x in inputs]
        for i, (x, array) in enumerate(zip(inputs, arrays, strict=True)):
            self._check_input(op, i, x, array)
        bad = _new_nonfinite(result.data, arrays)
        if bad is not None and not _inside_walk():
            named = _named(op, inputs, arrays)
            cause = _cause(op, named, result.data)
            raise _error(f"{op.name}, forward, made", bad, result.data, named, cause, op, "forward", origin_of(result))

    def arrived(self, z: Node, i: int, g: Any, gx: Any) -> None:
        """Check the gradient that leaves `z` towards its input number `i`."""
        op, array = z.op, _array(gx)
        held = z.held if z.held is not None else tuple(held_inputs(z))
        arrays = [_array(x) for x in held]
        bad = _new_nonfinite(array, [*arrays, z.data, _array(g)])
        if bad is not None:
            named = [("gradient arriving", _array(g)), *_named(op, held, arrays), ("result", z.data)]
            title = f"{op.name}, backward by {input_names(op, len(z.inputs))[i]}, made"
            raise _error(title, bad, array, named, _cause(op, named, array), op, "backward", origin_of(z))

    def _check_input(self, op: Primitive[Any], i: int, x: Any, array: Any) -> None:
        """Check a leaf, or plain data, which no op has made."""
        if array.dtype.kind != "f" or (isinstance(x, Vertex) and x.op is not None):
            return
        trained = isinstance(x, Vertex) and x.requires_grad
        bad = ~np.isfinite(array) if trained else np.isnan(array)
        if bad.any() and not _inside_walk():
            what = f"{'parameter' if trained else 'data'} {getattr(x, 'name', None) or ''}".rstrip()
            of_parameter = "the last optimiser step put it there (is the learning rate too large?), or it was loaded so"
            cause = of_parameter if trained else "it came from outside; look at how the data were made"
            title = f"{what} of shape {array.shape}, input {input_names(op, i + 1)[i]} of {op.name}, holds"
            raise _error(title, bad, array, [], cause, op, "forward", self.here())


def _array(x: Any) -> Any:
    array = x.data if isinstance(x, Source) else x
    if isinstance(array, Blank) or array is None:  # it was released, and counts as finite
        return np.zeros(()) if array is None else np.broadcast_to(np.zeros((), array.dtype), array.shape)
    return np.asarray(array)


def _new_nonfinite(result: Any, inputs: Sequence[Any]) -> Any:
    """Where `result` holds a nan or an infinity that does not come from `inputs`, as a mask; None if nowhere."""
    if result.dtype.kind != "f" or np.isfinite(result).all():
        return None
    floating = [x for x in inputs if x.dtype.kind == "f"]
    nan = np.isnan(result)
    if nan.any() and not any(np.isnan(x).any() for x in floating):
        return nan
    return np.isinf(result) if all(np.isfinite(x).all() for x in floating) else None


def _inside_walk() -> bool:
    """Whether a derivative rule is running: only its final result is checked."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not walk.pull.__code__:
        frame = frame.f_back
    return frame is not None


def _named(op: Op, inputs: Sequence[Any], arrays: Sequence[Any]) -> list[tuple[str, Any]]:
    return [
        (f"{name}{f' ({x.name})' if isinstance(x, Vertex) and x.name else ''}", array)
        for name, x, array in zip(input_names(op, len(inputs)), inputs, arrays, strict=True)
    ]


def _error(
    title: str, bad: Any, array: Any, named: Sequence[tuple[str, Any]], cause: str,
    op: Op, during: str, origin: Origin | None,
) -> NonfiniteError:  # fmt: skip
    """The error about the elements of `array` where `bad` is true; `named` are the arrays it was computed from."""
    values = array[bad]
    kinds = {"nan": np.isnan(values), "inf": values == np.inf, "-inf": values == -np.inf}
    lines = [
        f"detect_nonfinite: {title} {' and '.join(kind for kind, where in kinds.items() if where.any())}",
        _where(origin),
        f"elements: {_elements(bad, array, named)}",
        *([", ".join(f"{name} is {x.shape}" for name, x in named)] if named else []),
        f"usual cause: {cause}.",
    ]
    return NonfiniteError("\n  ".join(lines), op.name, during, origin)


def _where(origin: Origin | None) -> str:
    if origin is None:
        return "at: unknown, because it was made before detect_nonfinite began"
    source = f": {origin.source}" if origin.source else ""
    module = f"\n  in module: {origin.module}" if origin.module else ""
    return f"at: {origin}, in {origin.function}{source}{module}"


def _elements(bad: Any, result: Any, named: Sequence[tuple[str, Any]]) -> str:
    """The number of bad elements, and the first few with the inputs there, where these broadcast to the result."""
    texts = []
    for index in np.argwhere(bad)[:_SHOWN]:
        at = tuple(int(i) for i in index)
        there = []
        for name, array in named:
            try:
                there.append(f"{name} = {np.broadcast_to(array, result.shape)[at]:.6g}")
            except ValueError:  # a reduction or a product: no single element of the input belongs to this one
                continue
        where = f" where {', '.join(there)}" if there else ""
        texts.append(f"[{', '.join(map(str, at))}] = {result[at]}{where}")
    count = int(bad.sum())
    return f"{count} of {result.size}: {'; '.join(texts)}{'; …' if count > _SHOWN else ''}"


def _cause(op: Op, named: Sequence[tuple[str, Any]], result: Any) -> str:
    if op.name in _CAUSES:
        return _CAUSES[op.name]
    for name, domain in zip(op.inputs, op.domain, strict=False):
        array = next((a for n, a in named if n.split(" ")[0] == name), None)
        if array is None or array.dtype.kind != "f" or not array.size:
            continue
        if (array < domain.low).any() or (array > domain.high).any() or np.isin(array, domain.kinks).any():
            return f"{name} lies outside {domain}, where {op.name} is defined and smooth, or on its edge"
    if any(np.isinf(array).any() for _, array in named if array.dtype.kind == "f"):
        return "an infinity went in, and ∞ − ∞, 0 · ∞ and ∞ / ∞ have no value"
    largest = max((float(np.abs(a).max()) for _, a in named if a.size and a.dtype.kind == "f"), default=0.0)
    return _OVERFLOW.format(dtype=result.dtype, largest=largest)
