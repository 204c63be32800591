"""Programs as text that a person reads, and that a test writes (`parser`).

    x: float64[8, 2] = input()
    w: float64[2, 3] = state()
    y = np.matmul(x, w)
    w_2 = np.subtract(w, 0.5)
    z = np.copyto(1.0, into=y[0:2])
    return z
    store(w, w_2)

Every line defines one value, with what computes it; a source says what kind of memory it is. ``into=`` is what an
update writes into. The shape and the type of a result may be left out where NumPy gives it without a destination.
``float64[3, 2].strides(8, 24)`` is laid out otherwise than in C order. ``effect=`` says what a call does where that is
not what such calls usually do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .ir import Loop, Op, Value, values_in
from .naming import Names
from .operations import usual_effect


def printed(program: Any) -> str:
    """The text of a program."""
    names = Names("np", "into", "return", "store", "slice", "generator")
    rows: list[str] = []
    declared: set[Value] = set()

    def name(v: Value) -> str:
        return names.name(v, v)

    def shown(x: Any) -> str:
        return name(x) if isinstance(x, Value) else literal(x, shown) or repr(x)

    def declare(v: Value) -> None:
        source = v.root
        if source.memory is not None and source not in declared:
            declared.add(source)
            a = source.constant
            numbers = shown(a.tolist()) if a is not None and a.size <= 4 else ""
            rows.append(f"{name(source)}: {_type(source)} = {source.memory.kind}({numbers})")

    def add(op: Op, indent: str) -> None:
        for v in (*op.reads, *((op.of,) if op.of is not None else ())):
            declare(v)
        if isinstance(op, Loop):
            rows.append(f"{indent}for block in blocks({op.size}, {op.block}, {op.threads}):")
            for one in op.body:
                add(one, indent + "    ")
            return
        args = [*map(shown, op.args), *(f"{k}={shown(v)}" for k, v in op.kwargs.items())]
        function = op.function if op.bound is None else f"generator.{op.bound[1]}"
        if op.effect == "update" and op.of is not None:
            args.append(f"into={name(op.of)}")
        elif op.result is not None and op.effect != usual_effect(function):
            args.append(f"effect={op.effect!r}")
        args += ["must_run=True"] if op.must_run and op.effect != "check" and op.bound is None else []
        call = f"{function}({', '.join(args)})"
        rows.append(
            f"{indent}{name(op.result)}: {_type(op.result)} = {call}" if op.result is not None else indent + call
        )

    for v in (*program.inputs, *(v for _, v in program.gradients_in)):
        declare(v)
    for op in program.ops:
        add(op, "")
    for v in program.needed():
        declare(v)
    rows += [f"return {', '.join(map(name, values_in(program.results)))}"] if program.results is not None else []
    rows += [f"gradient({name(v)})" for _, v in program.gradients_out if v is not None]
    first = {v.root.memory: v.root for v in declared}
    rows += [f"store({name(first[m]) if m in first else '?'}, {name(v)})" for m, v in program.stores.items()]
    return "\n".join(rows)


def literal(x: Any, inside: Callable[[Any], str]) -> str | None:
    """An argument as source, with `inside` for the parts of containers; None where it has no source."""
    if isinstance(x, slice):
        return f"slice({inside(x.start)}, {inside(x.stop)}, {inside(x.step)})"
    if isinstance(x, (tuple, list)):
        parts = ", ".join(map(inside, x))
        return f"[{parts}]" if isinstance(x, list) else f"({parts}{',' if len(x) == 1 else ''})"
    if isinstance(x, np.dtype):
        return f"np.{x.name}"
    if isinstance(x, type):
        return f"np.{x.__name__}" if x.__module__ == "numpy" else x.__name__
    if isinstance(x, np.generic):
        return f"np.{x.dtype.name}({x.item()!r})"
    if isinstance(x, float) and not np.isfinite(x):
        return "np.nan" if np.isnan(x) else "np.inf" if x > 0 else "-np.inf"
    if x is Ellipsis:
        return "..."
    return repr(x) if x is None or isinstance(x, (int, float, str)) else None


def _type(v: Value) -> str:
    strides = f".strides({', '.join(map(str, v.strides))})" if v.strides is not None else ""
    return f"{v.dtype.name}[{', '.join(map(str, v.shape)) or '()'}]{strides}"
