"""Reductions in C: NumPy's inner loop, called in NumPy's order; sums of whole numbers, which do not round, in any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .expressions import TYPES, literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .places import Place
    from .reductions import Axis

__all__ = ["around", "extreme", "index_of", "one_by_one", "reduction", "total"]

_VARIABLES = "ijklmnpq"


def around(loops: Iterable[tuple[str, int]], body: Sequence[str], indent: str = "    ") -> list[str]:
    """Some rows in loops over variables, each with its count."""
    rows = []
    closing = []
    for variable, n in loops:
        rows.append(f"{indent}for (intptr_t {variable} = 0; {variable} < {n}; {variable}++) {{")
        closing.append(f"{indent}}}")
        indent += "    "
    rows += [indent + row for row in body]
    return rows + closing[::-1]


def total(terms: Iterable[tuple[int, str]]) -> str:
    """Multiples of variables as an index."""
    return " + ".join(v if n == 1 else f"{n} * {v}" for n, v in terms if n) or "0"


def index_of(place: Place, variables: Sequence[str]) -> str:
    """The element of a place at some variables."""
    axes = zip(place.shape, place.strides, variables, strict=True)
    return total((s // place.dtype.itemsize, v) for n, s, v in axes if n > 1)


def _head(x: Place, z: Place) -> str:
    return f"static void NAME(const {TYPES[x.dtype.name]} *$0$, {TYPES[z.dtype.name]} *$1$) {{"


def reduction(x: Place, z: Place, nest: tuple[Axis, ...], start: Any, loop: str, *, clears: bool) -> str:
    """The function that reduces x into z, which begins as `start`; None: as the first elements, which are skipped."""
    size = x.dtype.itemsize
    *outer, inner = nest
    pairs = list(zip(outer, _VARIABLES, strict=False))
    kept = [(axis, v) for axis, v in zip(nest, _VARIABLES, strict=False) if axis.result]
    to = total((axis.result // size, v) for axis, v in kept)
    first = f"$0$[{total((axis.operand // size, v) for axis, v in kept)}]" if start is None else literal(start, z.dtype)
    rows = around([(v, axis.n) for axis, v in kept], [f"$1$[{to}] = {first};"])
    px = f"$0$ + {total((axis.operand // size, v) for axis, v in pairs)}".removesuffix(" + 0")
    pz = f"$1$ + {total((axis.result // size, v) for axis, v in pairs)}".removesuffix(" + 0")
    visits = [v for axis, v in pairs if not axis.result]
    call = f"reduce(&{loop}, {pz}, {inner.result}, {px}, {inner.operand}, {inner.n});"
    if start is None and inner.result:
        body = [f"if ({' || '.join(visits)}) {call}"]
    elif start is None:
        skip = f"!({' || '.join(visits)})" if visits else "1"
        body = [f"const intptr_t skip = {skip};"]
        body.append(
            f"reduce(&{loop}, {pz}, 0, {px} + skip * {inner.operand // size}, {inner.operand}, {inner.n} - skip);"
        )
    else:
        body = [call]
    if clears:
        body.insert(0, "note();")
    return "\n".join([_head(x, z), *rows, *around([(v, axis.n) for axis, v in pairs], body), "}"])


_SIGNS = {"add": "+", "multiply": "*", "maximum": ">", "minimum": "<", "logical_or": "|", "logical_and": "&"}


class _Axes:
    """The loops and the indices of a reduction of x into z, whose strides along the axes that stay are `kept`."""

    def __init__(self, x: Place, z: Place, axes: set[int], kept: tuple[int, ...]) -> None:
        rest = iter(kept)
        loops = {k: (v, n) for k, (v, n) in enumerate(zip(_VARIABLES, x.shape, strict=False)) if n != 1}
        into = [(k, next(rest) // z.dtype.itemsize) for k in range(len(x.shape)) if k not in axes]
        self.outer = [loops[k] for k, _ in into if k in loops]
        self.inner = [loops[k] for k in sorted(axes) if k in loops]
        terms = [(k, (x.strides[k] // x.dtype.itemsize, loops[k][0])) for k in loops]
        self.of = total(term for _, term in terms)
        self.first = total(term for k, term in terms if k not in axes)
        self.to = total((s, loops[k][0]) for k, s in into if k in loops)


def extreme(x: Place, z: Place, name: str, axes: set[int], kept: tuple[int, ...]) -> str:
    """The function that says where the largest or the smallest is, along one axis or over all."""
    at = _Axes(x, z, axes, kept)
    sign, kind = ">" if name == "argmax" else "<", TYPES[x.dtype.name]
    nan = " || (isnan(element) && !isnan(best))" if x.dtype.kind == "f" else ""
    body = [
        f"{kind} best = $0$[{at.first}];", "intptr_t count = 0, place = 0;",
        *around(at.inner, [
            f"const {kind} element = $0$[{at.of}];",
            f"if (element {sign} best{nan}) {{ best = element; place = count; }}",
            "count++;",
        ], ""),
        f"$1$[{at.to}] = place;",
    ]  # fmt: skip
    return "\n".join([_head(x, z), *around(at.outer, body), "}"])


def one_by_one(x: Place, z: Place, name: str, start: Any, axes: set[int], kept: tuple[int, ...]) -> str:
    """The function that reduces element by element: whole numbers and truths, or what may round as it likes."""
    at = _Axes(x, z, axes, kept)
    rows = [f"total {_SIGNS[name]}= $0$[{at.of}]{' != 0' * name.startswith('logical')};"]
    if name in ("maximum", "minimum"):
        nan = " || isnan(element)" if x.dtype.kind == "f" else ""
        rows = [f"const {TYPES[x.dtype.name]} element = $0$[{at.of}];"]
        rows.append(f"if (element {_SIGNS[name]} total{nan}) total = element;")
    begin = f"$0$[{at.first}]" if start is None else literal(start, z.dtype) if start else "0"
    body = [f"{TYPES[z.dtype.name]} total = {begin};", *around(at.inner, rows, ""), f"$1$[{at.to}] = total;"]
    return "\n".join([_head(x, z), *around(at.outer, body), "}"])
