"""Reductions in C: NumPy's inner loop, called in NumPy's order; sums of whole numbers, which do not round, in any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .expressions import TYPES, literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .places import Place
    from .reductions import Axis

__all__ = ["VARIABLES", "around", "function", "index_of", "one_by_one", "reduction", "total"]

VARIABLES = "ijklmnpq"


def around(loops: Iterable[tuple[Any, ...]], body: Sequence[str], indent: str = "    ") -> list[str]:
    """Some rows in loops over variables, each with its count, or with its first number and the one after the last."""
    rows = []
    closing = []
    for variable, *ends in loops:
        first, last = (0, *ends)[-2:]
        rows.append(f"{indent}for (intptr_t {variable} = {first}; {variable} < {last}; {variable}++) {{")
        closing.append(f"{indent}}}")
        indent += "    "
    rows += [indent + row for row in body]
    return rows + closing[::-1]


def total(terms: Iterable[tuple[int, str]]) -> str:
    """Multiples of variables as an index."""
    return " + ".join(v if n == 1 else f"{n} * {v}" for n, v in terms if n).replace("+ -", "- ") or "0"


def index_of(place: Place, variables: Sequence[str]) -> str:
    """The element of a place at some variables."""
    axes = zip(place.shape, place.strides, variables, strict=True)
    return total((s // place.dtype.itemsize, v) for n, s, v in axes if n > 1)


def function(places: Sequence[Place], written: Place | None, rows: Sequence[str]) -> str:
    """The text of a function of pointers to some places, of which it writes one."""
    kinds = [f"{'' if x is written else 'const '}{TYPES[x.dtype.name]}" for x in places]
    head = f"static void NAME({', '.join(f'{kind} *${i}$' for i, kind in enumerate(kinds))}) {{"
    return "\n".join([head, *rows, "}"])


def reduction(x: Place, z: Place, nest: tuple[Axis, ...], start: Any, loop: str, *, clears: bool) -> str:
    """The function that reduces x into z, which begins as `start`; None: as the first elements, which are skipped."""
    size = x.dtype.itemsize
    *outer, inner = nest
    pairs = list(zip(outer, VARIABLES, strict=False))
    kept = [(axis, v) for axis, v in zip(nest, VARIABLES, strict=False) if axis.result]
    to = total((axis.result // size, v) for axis, v in kept)
    first = f"$0$[{total((axis.operand // size, v) for axis, v in kept)}]" if start is None else literal(start, z.dtype)
    rows = around([(v, axis.n) for axis, v in kept], [f"$1$[{to}] = {first};"])
    px = f"$0$ + {total((axis.operand // size, v) for axis, v in pairs)}".removesuffix(" + 0")
    pz = f"$1$ + {total((axis.result // size, v) for axis, v in pairs)}".removesuffix(" + 0")
    later = " || ".join(v for axis, v in pairs if not axis.result)  # after the first element, of whole inner loops
    body = ["note();"] * clears
    n, condition = str(inner.n), ""
    if start is None and inner.result:
        if not later:
            return function((x, z), z, rows)  # each result is of one element
        condition = f"if ({later}) "
    elif start is None:
        body.append(f"const intptr_t skip = {f'!({later})' if later else '1'};")
        px, n = f"{px} + skip * {inner.operand // size}", f"{n} - skip"
    body.append(f"{condition}reduce(&{loop}, {pz}, {inner.result}, {px}, {inner.operand}, {n});")
    return function((x, z), z, [*rows, *around([(v, axis.n) for axis, v in pairs], body)])


_SIGNS = {
    "add": "+", "multiply": "*", "logical_or": "|", "logical_and": "&", "maximum": ">", "minimum": "<", "argmax": ">",
    "argmin": "<",
}  # fmt: skip


def one_by_one(x: Place, z: Place, name: str, start: Any, axes: set[int], kept: tuple[int, ...]) -> str:
    """The function that reduces element by element: whole numbers and truths, or what may round as it likes.

    Or the one that says where the largest or the smallest is. `kept` are the strides of z along the axes that stay.
    """
    strides, rest = [s // x.dtype.itemsize for s in x.strides], iter(kept)
    into = {k: next(rest) // z.dtype.itemsize for k in range(len(x.shape)) if k not in axes}
    loops = {k: (VARIABLES[k], n) for k, n in enumerate(x.shape) if n != 1}
    outer, inner = ([loop for k, loop in loops.items() if (k in axes) is reduced] for reduced in (False, True))
    of = total((strides[k], v) for k, (v, _) in loops.items())
    first = total((strides[k], v) for k, (v, _) in loops.items() if k in into)
    to = total((into[k], v) for k, (v, _) in loops.items() if k in into)
    sign, where = _SIGNS[name], name.startswith("arg")
    kind, element = (TYPES[y.dtype.name] for y in (x if where else z, x))
    begin = f"$0$[{first}]" if start is None else literal(start, z.dtype) if start else "0"
    rows = [f"total {sign}= $0$[{of}]{' != 0' * name.startswith('logical')};"]
    if sign in "<>":
        nan = " || (isnan(element) && !isnan(total))" if where else " || isnan(element)"
        nan *= x.dtype.kind == "f"
        moved = "{ total = element; place = count; }" if where else "total = element;"
        rows = [f"const {element} element = $0$[{of}];", f"if (element {sign} total{nan}) {moved}"]
        rows += ["count++;"] * where
    body = [f"{kind} total = {begin};", *["intptr_t count = 0, place = 0;"] * where, *around(inner, rows, "")]
    body.append(f"$1$[{to}] = {'place' if where else 'total'};")
    return function((x, z), z, around(outer, body))
