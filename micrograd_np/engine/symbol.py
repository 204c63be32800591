"""Symbols: names with an example value. A derivative rule that runs on symbols instead of arrays gives its formula.

>>> from micrograd_np.ops.elementwise import multiply
>>> formula(multiply, "y")
'g · x'
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from micrograd_np.core.primitive import Primitive
from micrograd_np.core.terminal import shown
from micrograd_np.core.vertex import Vertex
from micrograd_np.ops import comparison, elementwise, linear, shape, state, transcendental
from micrograd_np.ops.index import getitem

_SUM, _PRODUCT, _PREFIX, _POSTFIX, _ATOM = range(1, 6)  # how tightly the parts of a formula bind
_DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_HOLE = re.compile(r"\{(\w+)\}")
_OPERATORS = (
    (_SUM, re.compile(r" (?:[+−=≠<≤>≥∧∨⊻]|if|else|with|as|to) ")),
    (_PRODUCT, re.compile(r" (?:[·/÷×@↑↓⊙]|÷₀) |^−")),
)


class Symbol:
    """A part of a formula: its text, how tightly that binds, and an example of its value."""

    __array_ufunc__ = None
    __hash__ = object.__hash__

    def __init__(self, text: str, value: Any, tightness: int = _ATOM) -> None:
        self.text = text
        self.value = np.asarray(value)
        self.tightness = tightness
        self.vector: Symbol | None = None  # the vector that this row or column was reshaped from

    @staticmethod
    def __primitive__(op: Any, inputs: tuple[Any, ...], static: Mapping[str, Any]) -> Symbol:
        """The symbol of a primitive applied to symbols: the primitive's label with their texts in it."""
        values = [x.value if isinstance(x, Symbol) else x for x in inputs]
        with np.errstate(all="ignore"):
            value = op(*values, **static)
        text, tightness = _outer(inputs) if op is elementwise.multiply else ("", 0)
        if not text:
            text, tightness = _labelled(op, inputs, static)
        symbol = Symbol(text, value.data if isinstance(value, Vertex) else value, tightness)
        if op is shape.reshape and isinstance(inputs[0], Symbol) and inputs[0].ndim == 1:
            symbol.vector = inputs[0]
        return symbol

    def __repr__(self) -> str:
        return shown(self.text)

    shape: Any = property(lambda self: self.value.shape, doc="The shape of the example.")
    ndim: Any = property(lambda self: self.value.ndim, doc="The number of axes of the example.")
    size: Any = property(lambda self: self.value.size, doc="The number of elements of the example.")
    dtype: Any = property(lambda self: self.value.dtype, doc="The dtype of the example.")

    @property
    def T(self) -> Symbol:  # noqa: N802
        """The axes reversed."""
        return shape.transpose(self)

    def astype(self, dtype: Any) -> Symbol:
        """The same formula, since a change of dtype is not shown."""
        return Symbol(self.text, self.value.astype(dtype), self.tightness)

    def __neg__(self) -> Symbol:
        return elementwise.negative(self)

    def __getitem__(self, key: Any) -> Symbol:
        return getitem(self, key)


def _operator(op: Any, *, swapped: bool = False) -> Any:
    def apply(self: Symbol, other: Any) -> Symbol:
        return op(other, self) if swapped else op(self, other)

    return apply


_ARITHMETIC = {
    "add": elementwise.add, "sub": elementwise.subtract, "mul": elementwise.multiply, "truediv": elementwise.divide,
    "pow": transcendental.power, "matmul": linear.matmul,
}  # fmt: skip
_COMPARISONS = {
    "lt": comparison.less, "le": comparison.less_equal, "gt": comparison.greater, "ge": comparison.greater_equal,
    "eq": comparison.equal, "ne": comparison.not_equal,
}  # fmt: skip
for _name, _op in {**_ARITHMETIC, **_COMPARISONS}.items():
    setattr(Symbol, f"__{_name}__", _operator(_op))
    if _name in _ARITHMETIC:
        setattr(Symbol, f"__r{_name}__", _operator(_op, swapped=True))


def _part(x: Any) -> Symbol:
    """`x` as a symbol: a number as its shortest text of six digits, an array as "…"."""
    if isinstance(x, Symbol):
        return x
    if isinstance(x, np.ndarray) and x.ndim:
        return Symbol("…", x)
    number = float(x)
    text = f"{number:.6g}".replace("-", "−")
    return Symbol(text, x, _ATOM if number >= 0 else _PRODUCT)


def subscript(n: int) -> str:
    """`n` as it stands in x₁."""
    return str(n).translate(_DIGITS)


def number(x: Any, digits: int = 4) -> str:
    """A number as a person writes it.

    >>> number(0.731058), number(3.0), number(True)
    ('0.7311', '3', 'True')
    """
    x = np.asarray(x).item()
    whole = isinstance(x, float) and x.is_integer() and abs(x) < 1e6
    return f"{x:.{6 if whole else digits}g}" if isinstance(x, (float, complex)) else str(x)


def nested(a: Any, digits: int | None = None) -> str:
    """An array as NumPy prints it, in one line: a single number to six digits, several to four.

    >>> nested(np.array([[1.0, -0.5]]))
    '[[1 −0.5]]'
    """
    digits = digits or (6 if np.size(a) == 1 else 4)
    return f"[{' '.join(nested(x, digits) for x in a)}]" if np.ndim(a) else number(a, digits).replace("-", "−")


def spelt(value: Any) -> Symbol:
    """A value as a symbol whose text is its digits."""
    text = nested(np.asarray(value))
    return Symbol(text, value, _PRODUCT if text.startswith("−") else _ATOM)


def _labelled(op: Primitive[Any], inputs: tuple[Any, ...], static: Mapping[str, Any]) -> tuple[str, int]:
    """The label of `op` over the texts of its inputs, each in brackets where it holds together less than it has to."""
    spread = op is shape.reshape and not np.ndim(_part(inputs[0]).value) and static["shape"]  # a number as an array
    if spread or op is shape.broadcast_to or op is shape.sum_to or op is state.copy or op is state.astype:
        return _part(inputs[0]).text, _part(inputs[0]).tightness  # not shown
    parts = dict(zip(op.inputs, map(_part, inputs), strict=False))
    if op.variadic:
        rest = [_part(x).text for x in inputs[op.fixed :]]
        parts[op.inputs[-1]] = Symbol(f"({', '.join(rest)})", 0)
    tightness = _tightness(op.label)
    pieces = []
    end = 0
    for hole in _HOLE.finditer(op.label):
        pieces.append(op.label[end : hole.start()])
        before, end = op.label[: hole.start()], hole.end()
        if hole[1] in parts:
            part = parts[hole[1]]
            alone = before.endswith(("(", "[", "‖", "|", "⌊", "⌈", ", ")) and op.label[end:].startswith(
                (")", "]", "‖", "|", "⌋", "⌉", ",")
            )
            right = bool(before) and tightness in {_SUM, _PRODUCT}  # the right side of − and / must bind tighter
            pieces.append(part.text if alone or part.tightness >= tightness + right else f"({part.text})")
        else:
            pieces.append(setting(static.get(hole[1], hole[0])))
    pieces.append(op.label[end:])
    return "".join(pieces), tightness


def _outer(inputs: tuple[Any, ...]) -> tuple[str, int]:
    """A column times a row, in either order, as an outer product; no text for any other product.

    >>> Symbol("g", np.ones((2, 1))) * Symbol("x", np.ones(3))
    g ⊗ x
    """
    column, row = map(_part, inputs)
    if column.ndim != 2 or column.shape[1] != 1:
        column, row = row, column
    single = 1 in (column.size, row.size) and column.vector is None  # else any product with a number were one
    if single or column.ndim != 2 or column.shape[1] != 1 or row.shape not in ((row.size,), (1, row.size)):
        return "", 0
    texts = [part.text if part.tightness > _PRODUCT else f"({part.text})" for part in (_vector(column), _vector(row))]
    return " ⊗ ".join(texts), _PRODUCT


def _vector(x: Symbol) -> Symbol:
    return x if x.vector is None else x.vector


def setting(value: Any) -> str:
    """A static parameter as it is written in NumPy: slices with colons, tuples of them without brackets."""
    if isinstance(value, slice):
        start, stop = ("" if v is None else str(v) for v in (value.start, value.stop))
        return f"{start}:{stop}" + (f":{value.step}" if value.step is not None else "")
    if isinstance(value, tuple) and any(isinstance(v, slice) or v is None or v is ... for v in value):
        return ", ".join(map(setting, value))
    if isinstance(value, np.ndarray):
        return "array" if value.ndim else f"{value.item():.6g}"
    return "…" if value is ... else str(value)


def _tightness(label: str) -> int:
    """How tightly the label of an op binds, by the loosest sign outside brackets."""
    bare = re.sub(r"\([^()]*\)|\[[^\[\]]*\]|‖[^‖]*‖|\|[^|]*\||⌊.*⌋|⌈.*⌉", "x", label)
    for tightness, sign in _OPERATORS:
        if sign.search(bare):
            return tightness
    if bare == "x" or re.fullmatch(r"\w*\(?x\)?|\w*x", bare):
        return _ATOM
    if re.fullmatch(r"\{\w+\}\S.*|.+ \^ .+", bare) or "^" in bare:
        return _POSTFIX
    return _PREFIX


def formula(op: Primitive[Any], wrt: str, *examples: Any, **static: Any) -> str:
    """The derivative rule of `op` by the input `wrt` as a formula, in `g`, the gradient arriving, and the inputs.

    The rule runs on symbols; `examples` (numbers by default) and `static` give the shapes and settings. Raises
    TypeError for an input that `op` does not have or that has no derivative.
    """
    if wrt not in op.inputs or wrt in op.not_differentiable:
        others = [name for name in op.inputs if name not in op.not_differentiable]
        raise TypeError(f"formula: {op.name} has no derivative by {wrt!r}; it has by {', '.join(others) or 'nothing'}.")
    values = examples or (np.asarray(0.5),) * len(op.inputs)
    static = {**op.defaults, **static}
    with np.errstate(all="ignore"):
        z = op(*values, **static)
    names = [*op.inputs[: op.fixed], *(f"{op.inputs[-1]}{i}" for i in range(len(values) - op.fixed))]
    symbols = [Symbol(name, value) for name, value in zip(names, values, strict=False)]
    g = Symbol("g", np.ones_like(z, dtype=float))
    rule = op.rules_for(len(symbols))[op.inputs.index(wrt)]
    return str(rule(g, Symbol("z", z), *symbols, **static))  # type: ignore[misc]
