"""Reductions in C: NumPy's inner loop, called in NumPy's order; sums of whole numbers, which do not round, in any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .expressions import TYPES, literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .places import Place
    from .reductions import Axis

__all__ = ["around", "index_of", "one_by_one", "reduction", "total"]

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
    return total((s // place.dtype.itemsize, v) for s, v in zip(place.strides, variables, strict=True))


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


_SIGNS = {"add": "+", "multiply": "*", "maximum": ">", "minimum": "<"}


def one_by_one(x: Place, z: Place, name: str, start: Any, axes: set[int], kept: tuple[int, ...]) -> str:
    """The function that reduces element by element: whole numbers and truths, or what may round as it likes."""
    rest = iter(kept)
    letters = dict(zip(range(len(x.shape)), _VARIABLES, strict=False))
    into = {k: next(rest) // z.dtype.itemsize for k in range(len(x.shape)) if k not in axes}
    source = total((x.strides[k] // x.dtype.itemsize, letters[k]) for k, n in enumerate(x.shape) if n > 1)
    rows = [f"total {_SIGNS[name]}= $0$[{source}];"]
    if name in ("maximum", "minimum"):
        nan = " || isnan(element)" if x.dtype.kind == "f" else ""
        rows = [f"const {TYPES[x.dtype.name]} element = $0$[{source}];"]
        rows.append(f"if (element {_SIGNS[name]} total{nan}) total = element;")
    inside = around([(letters[k], x.shape[k]) for k in sorted(axes) if x.shape[k] > 1], rows, "")
    kind = TYPES[z.dtype.name]
    first = total((x.strides[k] // x.dtype.itemsize, letters[k]) for k in into if x.shape[k] > 1)
    begin = f"$0$[{first}]" if start is None else literal(start, z.dtype) if start else "0"
    body = [f"{kind} total = {begin};", *inside, f"$1$[{total((s, letters[k]) for k, s in into.items() if x.shape[k] > 1)}] = total;"]
    return "\n".join([_head(x, z), *around([(letters[k], x.shape[k]) for k in into if x.shape[k] > 1], body), "}"])
