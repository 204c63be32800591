"""A program the way one writes it on paper: expressions instead of buffers, operators instead of calls.

It does the same arithmetic in the same order, with fresh memory for everything: the program as a teacher would show it.
Where fresh arrays lie in another order in memory than the buffers, a sum may differ in its last bit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..ir import Op, Value, natural, values_in
from ..materialise import materialise
from ..operations import RESHAPES, writes_first
from ..passes.constants import fold_constants
from ..passes.cse import merge_repeats
from ..passes.dce import drop_dead_ops
from ..printer import literal
from ..program import Program, copied
from .idioms import respell
from .layout import under_headings
from .write import Literals, filled

_ATOM, _UNARY, _PRODUCT, _SUM, _COMPARISON = 10, 7, 6, 5, 3
_OPERATORS = {
    "np.add": ("+", _SUM), "np.subtract": ("-", _SUM),
    "np.multiply": ("*", _PRODUCT), "np.true_divide": ("/", _PRODUCT),
    "np.divide": ("/", _PRODUCT), "np.matmul": ("@", _PRODUCT), "np.dot": ("@", _PRODUCT),
    "np.greater": (">", _COMPARISON), "np.greater_equal": (">=", _COMPARISON), "np.less": ("<", _COMPARISON),
    "np.less_equal": ("<=", _COMPARISON), "np.equal": ("==", _COMPARISON), "np.not_equal": ("!=", _COMPARISON),
}  # fmt: skip
_COMMUTES = ("+", "*")
_REDUCTIONS = {"np.add.reduce": "np.sum", "np.maximum.reduce": "np.max", "np.minimum.reduce": "np.min"}
_LONGEST = 88  # characters of an expression that still goes into another


class _Text(NamedTuple):
    """A value where it is read: its text, how tightly that binds, and the roots that it reads."""

    text: str
    strength: int
    reads: frozenset[Value]


def plain(program: Program) -> PlainWriter:
    """A traced program, written plainly: `source` and what its names stand for."""
    program, _ = copied(program)
    drop_dead_ops(program)
    fold_constants(program, bounds=False)
    merge_repeats(program)
    respell(program)
    merge_repeats(program)
    drop_dead_ops(program)
    return PlainWriter(program)


class PlainWriter(Literals):
    """Writes ``step(…inputs, state, numbers, constants, objects)``, which returns (results, gradients)."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.program = program
        self.homes = materialise(program, gradients=False)
        sources = (*program.inputs, *(v for _, v in (*program.gradients_in, *program.states.values())))
        self.sources = {v.memory: v for v in sources}
        self.texts: dict[Value, _Text] = {}
        self.bare: set[Value] = set()
        """The constants that the operation at hand can show as numbers."""
        self.uses: dict[Value, list[int]] = {}
        self.ends: dict[Value, int] = {}  # by root: the operation that writes over it
        self.last: dict[Any, Value] = {}  # by label: the last value of that name
        self.laid_out: set[Value] = set()  # first versions that are written through a reshape, which must be a view
        self._look_over()
        self.source = self._source()

    def _look_over(self) -> None:
        program = self.program
        for i, op in enumerate(program.ops):
            for v in op.reads:
                self.uses.setdefault(v, []).append(i)
            z = op.result
            if z is None:
                continue
            self.last[z.label] = z
            if op.effect == "update" and op.of is not None:
                self.ends[op.of.root] = i
                if any(step.function in RESHAPES for step in op.of.steps):
                    self.laid_out.add(op.of.first)
            elif z in self.homes:
                self.ends[self.sources[self.homes[z]]] = i
        for v in program.leaving():
            self.uses.setdefault(v, []).extend([len(program.ops)] * 2)

    # text

    def operand(self, v: Value) -> str:
        """A value where it is read, as an argument."""
        if v in self.texts:
            return self.texts[v].text
        a = v.constant
        if v in self.bare:
            x = a.item()
            return repr(int(x) if x == int(x) and not np.signbit(a) and x < 1e6 else x)
        if a is not None and not v.label.name and _counts_up(a):
            return f"np.arange({a.size})"
        return super().operand(v)

    def tight(self, x: Any, least: int = _ATOM) -> str:
        """An operand of an operator, in parentheses where it binds less than `least`."""
        text = self.literal(x)
        strength = _ATOM
        if isinstance(x, Value) and x in self.texts:
            strength = self.texts[x].strength
        elif isinstance(x, (int, float)) and text.startswith("-"):
            strength = _UNARY
        return text if strength >= least else f"({text})"

    def _expression(self, op: Op) -> tuple[str, int]:
        """The right-hand side of an operation, and how tightly it binds."""
        f, args, z = op.function, op.args, op.result
        if z is not None and f == "empty":
            return self._filled(z, None), _ATOM
        if f == "copy" and z is not None:
            return self._copy(args[0], z), _ATOM
        if op.effect == "new" and z is not None:
            text, strength = self._computed(op)
            shape, dtype = natural(op)
            if dtype != z.dtype:
                text, strength = f"{text if strength == _ATOM else f'({text})'}.astype(np.{z.dtype.name})", _ATOM
            if shape != z.shape:
                text, strength = f"np.broadcast_to({text}, {z.shape}).copy()", _ATOM
            return text, strength
        return self._call(op), _ATOM

    def _filled(self, v: Value, number: Any) -> str:
        """Memory for `v`, filled with a number or not at all; in the order that the buffer has, if that matters."""
        if v.strides is None or v not in self.laid_out:
            return filled(v.shape, v.dtype, number)
        order = np.argsort([-abs(step) for step in v.strides], kind="stable").tolist()
        turned = tuple(order.index(i) for i in range(len(order)))
        return f"{filled(tuple(v.shape[i] for i in order), v.dtype, number)}.transpose({turned})"

    def _copy(self, source: Any, z: Value) -> str:
        """What makes an array of the elements of another, or of a number."""
        shape = source.shape if isinstance(source, Value) else ()
        if shape == z.shape and isinstance(source, Value):
            function = "copy()" if source.dtype == z.dtype else f"astype(np.{z.dtype.name})"
            return f"{self.tight(source, _ATOM)}.{function}"
        if not isinstance(source, Value):
            return self._filled(z, source)
        if shape == ():
            return f"np.full({z.shape}, {self.literal(source)}, np.{z.dtype.name})"
        return f"np.broadcast_to({self.literal(source)}, {z.shape}).astype(np.{z.dtype.name})"

    def _computed(self, op: Op) -> tuple[str, int]:
        f, args = op.function, op.args
        shapes = [a.shape for a in args if isinstance(a, Value)]
        dot = f == "np.dot" and not (len(shapes) == 2 and all(len(s) == 2 and min(s) > 1 for s in shapes))
        if f in _OPERATORS and len(args) == 2 and not op.kwargs and not dot:
            symbol, strength = _OPERATORS[f]
            left, right = self.tight(args[0], strength + (strength == _COMPARISON)), self.tight(args[1], strength + 1)
            return f"{left} {symbol} {right}", strength
        if f == "np.negative" and not op.kwargs:
            return f"-{self.tight(args[0], _UNARY)}", _UNARY
        if f == "np.reciprocal" and not op.kwargs and args[0].dtype.kind == "f":
            return f"1 / {self.tight(args[0], _PRODUCT + 1)}", _PRODUCT
        return self._call(op), _ATOM

    def _call(self, op: Op) -> str:
        """A call as it is, on arguments as they are read."""
        f, kwargs, args = op.function, op.kwargs, op.args
        if op.effect == "update" and writes_first(f):
            args = (op.of, *args)
        if f in _REDUCTIONS:
            f = _REDUCTIONS[f]
            if "axis" not in kwargs and len(args) == 1:
                kwargs = kwargs | {"axis": 0}  # which is what reduce does when it is not told
            kwargs = {k: v for k, v in kwargs.items() if (k, v) not in (("axis", None), ("keepdims", False))}
        return self.call(op, f, args, kwargs)

    # statements

    def _source(self) -> str:
        """The whole module."""
        program = self.program
        arguments = [self.operand(v) for v in (*program.inputs, *(v for _, v in program.gradients_in))]
        for v in self.last.values():  # names from the user first, so that they are not taken
            if v.label.name and not v.is_view and v.op is not None and v not in self.homes:
                self.name(v.first)
        body = [row for row, _ in under_headings((op, self._rows(i, op)) for i, op in enumerate(program.ops))]
        self.bare = set()
        results = tuple(self.operand(v) for v in values_in(program.results))
        gradients = tuple("None" if v is None else self.operand(v) for _, v in program.gradients_out)
        body.append(f"return {literal(results, str)}, {literal(gradients, str)}")
        return self._module(arguments, body)

    def _rows(self, i: int, op: Op) -> list[str]:
        """The rows for an operation: none where it goes into another."""
        self.bare, z = _bare(op), op.result
        if z is None:
            return [self._call(op)]
        if op.effect == "update":
            return self._update(op, z)
        if op.function == "after":
            self.texts[z] = self.texts.get(op.args[0]) or _Text(self.operand(op.args[0]), _ATOM, frozenset((z,)))
            return []
        if z in self.homes:
            return self._in_place(op, z)
        text, strength = self._expression(op)
        reads = frozenset().union(*(self._reads(v) for v in op.reads))
        if self._goes_in(i, op, text, reads):
            self.texts[z] = _Text(text, strength, reads)
            return []
        wish = self.name(z)
        name = wish if self.last[z.label] is z or z.root in self.ends else self.names.unique(f"{wish}_before")
        self.texts[z] = _Text(name, _ATOM, frozenset((z.root,)))
        if z in self.laid_out and op.function not in ("empty", *(["copy"] if z.shape else [])):
            return [f"{name} = {self._filled(z, None)}", f"{name}[...] = {text}"]
        return [f"{name} = {text}"]

    def _reads(self, v: Value) -> frozenset[Value]:
        return self.texts[v].reads if v in self.texts else frozenset((v.root,))

    def _goes_in(self, i: int, op: Op, text: str, reads: frozenset[Value]) -> bool:
        """Whether an expression can be written where it is read, instead of getting a name."""
        z, ops = op.result, self.program.ops
        assert z is not None
        uses = self.uses.get(z, [])
        if op.must_run or not uses or uses[-1] >= len(ops) or z in self.ends:
            return False
        use = uses[-1]
        if any(self.ends.get(v, use) < use for v in reads):
            return False
        if op.function == "attribute.T" and "(" not in text:
            return True
        hint = z.label.hint
        named = self.last[z.label] is z and (z.label.name or (isinstance(hint, tuple) and hint[0] == "d"))
        if len(uses) != 1 or (named and not z.is_view) or len(text) > _LONGEST:
            return False
        return (ops[use].section, ops[use].where) == (op.section, op.where)

    def _update(self, op: Op, z: Value) -> list[str]:
        """A write into memory that has a name."""
        of = op.of
        assert of is not None
        base = of.root
        self.texts[z] = _Text(self.operand(base), _ATOM, frozenset((z,)))
        where = self.operand(of)
        if op.function in ("setitem", "np.copyto") and not op.kwargs:
            index = "..." if op.function == "np.copyto" else self.index(op.args[0])
            return [f"{_part(where, index)} = {self.literal(op.args[-1])}"]
        if writes_first(op.function):
            return [self._call(op)]
        if "where" in op.kwargs:
            return [f"{self._call(op)[:-1]}, out={where})"]
        text, _ = self._computed(op)
        return [f"{_part(where, '...')} = {text if of.shape else f'np.asarray({text})'}"]

    def _in_place(self, op: Op, z: Value) -> list[str]:
        """A value that is computed where it is stored."""
        memory = self.homes[z]
        where = self.operand(self.sources[memory])
        self.texts[z] = _Text(where, _ATOM, frozenset((z,)))
        symbol, _ = _OPERATORS.get(op.function, ("", 0))
        if symbol in ("+", "-", "*", "/") and not op.kwargs and len(op.args) == 2:
            for a, b in (op.args, op.args[::-1])[: 1 + (symbol in _COMMUTES)]:
                if isinstance(a, Value) and a.memory is memory:
                    return [f"{where} {symbol}= {self.literal(b)}"]
        source = self.literal(op.args[0]) if op.function == "copy" else self._expression(op)[0]
        return [f"{where}[...] = {source}"]

    def _module(self, arguments: list[str], body: list[str]) -> str:
        program = self.program
        rows = [row for rows in self.bindings() for row in rows]
        indent = "    "
        out = [f'"""{program.name}, in plain NumPy."""', "", "import numpy as np", "", "", *self.routine_sources()]
        out.append(f"def step({', '.join([*arguments, 'state', 'numbers', 'constants', 'objects'])}):")
        out += [f"    {row}" for row in rows]
        if program.silent:
            out.append(f"    with np.errstate({', '.join(f'{k}={v!r}' for k, v in program.silent.items())}):")
            indent += "    "
        elif rows:
            out.append("")
        out += [f"{indent}{row}" if row else "" for row in body]
        return "\n".join([*out, ""])


def _bare(op: Op) -> set[Value]:
    """The constants of an operation that can stand as numbers, because another operand says what type they have."""
    values = [a for a in op.args if isinstance(a, Value)]
    single = [v for v in values if v.constant is not None and v.shape == () and v.dtype.kind == "f"]
    others = {v.dtype for v in values if v not in single}
    return {v for v in single if others == {v.dtype} and np.isfinite(v.constant)}


def _counts_up(a: Any) -> bool:
    """Whether an array is 0, 1, 2, … as `arange` makes it."""
    return a.ndim == 1 and a.dtype == np.intp and a.size > 0 and np.array_equal(a, np.arange(a.size))


def _part(text: str, index: str) -> str:
    """A part of what `text` says, to be assigned: all of x[0:2] is x[0:2] itself."""
    if index == "..." and text.endswith("]") and "(" not in text:
        return text
    return f"{text}[{index}]"
