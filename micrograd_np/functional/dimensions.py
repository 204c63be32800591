"""What functions over one, two or three spatial axes share: one declaration, settings for each axis, and batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from micrograd_np.core.messages import caller, must_be
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.shape import reshape

P = ParamSpec("P")
R = TypeVar("R")
Size = int | tuple[int, ...]

_LEAST = {"padding": 0, "output_padding": 0}  # other settings are at least 1
_AXES = ("length", "rows, columns", "depth, rows, columns")


def over_axes(
    function: Callable[Concatenate[int, P], R], *, not_in_1d: str = ""
) -> tuple[Callable[P, R], Callable[P, R], Callable[P, R]]:
    """`function(d, ...)` as functions of the rest for d = 1, 2 and 3: `_conv` becomes `conv1d`, `conv2d` and `conv3d`.

    Each is written out, as `dataclass` does it, so that signatures, errors and tracebacks show its own name and
    arguments. In the docstring of `function`, `{d}`, `{axes}` and others in braces are filled in. The argument
    `not_in_1d` is missing where d is 1.
    """
    first, second, third = (_for_axes(function, d, not_in_1d if d == 1 else "") for d in (1, 2, 3))
    function.__doc__ = None  # a template, whose examples do not run
    return first, second, third


def _for_axes(function: Callable[..., Any], d: int, omitted: str) -> Any:
    code, values, namespace = function.__code__, function.__defaults__ or (), dict[str, Any]()
    names = [name for name in code.co_varnames[1 : code.co_argcount] if name != omitted]
    defaults = dict(zip(code.co_varnames[code.co_argcount - len(values) :], values, strict=False))
    parameters = ", ".join(f"{name}={defaults[name]!r}" if name in defaults else name for name in names)
    name = f"{function.__name__[1:]}{d}d"
    source = f"def {name}({parameters}): return {function.__name__}({d}, {', '.join(names)})"
    source = "\n" * (code.co_firstlineno - 1) + source  # tracebacks and `inspect.getsource` show that of `function`
    exec(compile(source, code.co_filename, "exec"), function.__globals__, namespace)  # noqa: S102
    version = namespace[name]
    version.__annotations__ = {p: function.__annotations__[p] for p in (*names, "return")}
    version.__doc__ = (function.__doc__ or "").format(
        d=d,
        over=("one axis", "two axes", "three axes")[d - 1],
        axes=("l", "h, w", "d, h, w")[d - 1],
        places=("places", "rows, columns", "slices, rows, columns")[d - 1],
        open="[" * (d - 1),
        close="]" * (d - 1),
        window=(1,) * (d - 1) + (2,) if d > 1 else 2,
    )
    return version


def per_axis(d: int, **settings: Any) -> tuple[tuple[int, ...], ...]:
    """Each setting for each of `d` axes, given as one number or as one for each; ValueError for anything else.

    >>> per_axis(2, stride=2, padding=(0, 1))
    ((2, 2), (0, 1))
    """
    for name, value in settings.items():
        least = _LEAST.get(name, 1)
        if type(value) is int and value >= least:  # these two are for speed
            settings[name] = (value,) * d
            continue
        if type(value) is tuple and len(value) == d and {*map(type, value)} == {int} and min(value) >= least:
            continue
        values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * d
        if len(values) == 1:
            values *= d
        if len(values) != d or not all(isinstance(v, (int, np.integer)) and v >= least for v in values):
            requirement = f"a whole number, at least {least}, or {d} of them"
            raise ValueError(must_be(caller(), name, requirement, f"{value!r}"))
        settings[name] = tuple(map(int, values))
    return tuple(settings.values())


def paddings(padding: Any, kernel: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """How much is padded before and after each axis: nothing for "valid", for "same" what keeps the length, or numbers.

    >>> paddings("same", (3, 4), (1, 1))
    ((1, 1), (1, 2))
    """
    if padding == "same":
        spans = [(k - 1) * e for k, e in zip(kernel, dilation, strict=True)]
        return tuple((span // 2, span - span // 2) for span in spans)
    return tuple((p, p) for p in per_axis(len(kernel), padding=0 if padding == "valid" else padding)[0])


def as_vertex(x: Any) -> Any:
    """`x` as a tensor, unless it takes part in a graph already."""
    return x if isinstance(x, Tensor) or hasattr(type(x), "__primitive__") else Tensor(x)


def batched(name: str, x: Any, d: int) -> tuple[Any, bool]:
    """`x` as (n, c, *lengths), and whether it came as one sample without the n. ValueError for any other rank."""
    x = as_vertex(x)
    if x.ndim == d + 1:
        return reshape(x, shape=(1, *x.shape)), True
    if x.ndim != d + 2:
        axes = _AXES[d - 1]
        message = f"{name}: input is {x.shape}; it must be (n, channels, {axes}), or (channels, {axes}) for one sample."
        raise ValueError(message)
    return x, False
