"""What an op says where its kernel fails: which op was given what, in shapes and the user's own names, and why."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from .messages import caller, describe_value
from .modes import mode, unusual
from .vertex import Op, Vertex

KERNEL_ERRORS = (ValueError, TypeError, IndexError, AttributeError, OverflowError, ZeroDivisionError, StopIteration)
"""What a kernel raises where it was given what it cannot use."""

# what Python and NumPy say of a kernel that was given arrays of other ranks than it can use
_INTERNAL = re.compile(
    r"index out of range|to unpack|zip\(|unsized|not subscriptable|positional arg|operands could not|return arrays must"
)


def input_names(op: Op, n: int) -> list[str]:
    """The names of `n` inputs of `op`; those of a variadic one are numbered."""
    return [*op.inputs[: op.fixed], *(f"{op.inputs[-1]}[{i}]" for i in range(n - op.fixed) if op.variadic)]


def complaint(op: Op, error: Exception, inputs: tuple[Any, ...], static: Mapping[str, Any]) -> Exception:
    """The same kind of error as `error`, raised by the kernel of `op`, in words that help the user."""
    shapes = [np.shape(x.data if isinstance(x, Vertex) else x) for x in inputs]
    described = []
    for name, x, shape in zip(input_names(op, len(inputs)), inputs, shapes, strict=False):
        if isinstance(x, Vertex) and not isinstance(x.data, (np.ndarray, np.generic)):
            return TypeError(f"{caller(op.name)}: {no_array(x, name)}")
        if isinstance(x, np.ndarray) and x.dtype.kind not in "fiub":
            remedy = f"found an array of dtype {x.dtype} as {name}. Convert it: np.asarray({name}, dtype=float)"
            return TypeError(f"{caller(op.name)}: needs numbers or booleans, {remedy}.")
        alias = f" ({x.name})" if isinstance(x, Vertex) and x.name else ""
        origin = x.notes.get("made") if isinstance(x, Vertex) and x.notes else None  # noted by mg.trace_origins()
        described.append(f"{name}{alias} is {shape}{f' (made at {origin})' if origin else ''}")
    public_name = caller(op.name)
    reason = op.advice(*shapes, **static) if op.advice is not None else None
    if reason is None and op.shape is None and isinstance(error, ValueError):
        reason = _mismatch(shapes)
    reason = reason or _translated(op, error, inputs, static) or str(error).removeprefix(f"{public_name}: ")
    reason = reason.rstrip(".")
    settings = f"; asked for {', '.join(f'{name}={value!r:.80}' for name, value in static.items())}" if static else ""
    message = f"{public_name}: {' and '.join(described)}{settings}: {reason}{'' if reason.endswith('?') else '.'}"
    try:
        return (type(error) if isinstance(error, (ValueError, TypeError, IndexError)) else ValueError)(message)
    except TypeError:  # an exception class that takes other arguments
        return TypeError(message)


def _translated(op: Op, error: Exception, inputs: tuple[Any, ...], static: Mapping[str, Any]) -> str | None:
    """What is wrong with the arguments, where Python or NumPy complains of a line in the kernel; else None."""
    text = str(error)
    if any(part in text for part in ("Cannot cast ufunc", "numpy boolean", "did not contain a loop")):
        return "it needs floating numbers; convert integers and booleans with .astype(float)"
    if op.name.startswith("bitwise") and "safely coerced" in text:
        power = ". For a power, write x ** y" if op.name == "bitwise_xor" else ""
        return f"it needs integers or booleans{power}"
    axes = [name for name in static if name.startswith(("axis", "axes")) and not _are_axes(static[name])]
    if axes:
        takes_tuples = any(isinstance(example.get(name), tuple) for example in op.examples for name in axes)
        two = f". Of two tensors, write mg.{op.name}imum(x, y)" if op.name in ("max", "min") else ""
        return f"{' and '.join(axes)} must be an integer{', or a tuple of integers' if takes_tuples else ''}{two}"
    odd = [name for name, value in static.items() if not isinstance(value, (int, np.integer, type(None)))]
    if odd and ("as an integer" in text or "not supported between" in text or "unhashable" in text):
        return f"{' and '.join(odd)} must be an integer{', or a tuple of integers' if 'list' in text else ''}"
    if isinstance(error, AttributeError) and any(isinstance(x, (bool, int, float)) for x in inputs):
        return "it needs arrays or tensors here, not Python numbers"
    if _INTERNAL.search(text) or isinstance(error, (ZeroDivisionError, StopIteration)):
        return f"the shapes do not belong together; they should be like {op.shape or 'one another'}"
    return None


def _are_axes(axes: Any) -> bool:
    """Whether `axes` are None, an integer, or several in a tuple."""
    return axes is None or all(
        isinstance(a, (int, np.integer)) and not isinstance(a, bool)
        for a in (axes if isinstance(axes, tuple) else (axes,))
    )


def _mismatch(shapes: list[tuple[int, ...]]) -> str | None:
    """Which axis keeps shapes from broadcasting, counted from the last; None if they do."""
    for i in range(1, max(map(len, shapes), default=0) + 1):
        lengths = sorted({shape[-i] for shape in shapes if len(shape) >= i} - {1})
        if len(lengths) > 1:
            listed = " and ".join(map(str, lengths))
            return f"axis −{i} has the lengths {listed}, which must be equal, or one of them 1, to broadcast."
    return None


def no_array(x: Vertex, name: str = "the tensor") -> str:
    """What to say where the `data` of a tensor was set to something other than an array."""
    return (
        f"the data of {x.name or name} must be an array, and was set to {describe_value(x.data)}; write into it, "
        f"t.data[...] = value, or set t.data = np.array(value)."
    )


def unmasked(x: Any, name: str) -> Any:
    """`x`; TypeError for a masked array with masked elements, which a tensor cannot represent."""
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        raise TypeError(
            f"{caller(name)}: found a masked array, and {np.ma.getmaskarray(x).sum()} of its {x.size} elements are "
            f"masked, which a tensor cannot be. Fill them, x.filled(0.0), or multiply by ~np.ma.getmaskarray(x)."
        )
    return x


def as_array(x: Any, name: str = "") -> Any:
    """`x` (a list, a NumPy scalar, anything with ``__array__``) as an array of numbers; TypeError for anything else."""
    x = unmasked(x, name)
    try:
        array = np.asarray(x)
    except (TypeError, ValueError) as error:
        tensors = isinstance(x, (list, tuple)) and any(isinstance(part, Vertex) for part in x)
        advice = " Make one tensor of a list of tensors with mg.stack(...)." if tensors else ""
        message = f"{caller(name)}: cannot make an array of this {type(x).__name__}: {str(error).rstrip('.')}.{advice}"
        raise type(error)(message) from None
    if array.dtype.kind not in "fiub":
        kind = f"{type(x).__name__} of dtype {array.dtype}"
        lost = " Does a function end without return?" if x is None else ""
        raise TypeError(f"{caller(name)}: needs numbers or booleans, found {kind}: {x!r:.80}.{lost}")
    if unusual and isinstance(x, (np.generic, bool, int, float)):  # a number, which a program may keep
        mode.events.constant(array)
    return array
