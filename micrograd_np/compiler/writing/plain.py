"""A program the way one writes it on paper: expressions instead of buffers, operators instead of calls.

It does the same arithmetic in the same order, with fresh memory for everything: the program as a teacher would show it.
Where fresh arrays lie in another order in memory than the buffers, a sum may differ in its last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..copying import copied
from ..passes.constants import fold_constants
from ..passes.cse import merge_repeats
from ..passes.dce import drop_dead_lines
from ..passes.memory import Plan
from ..program import Line, Value, natural, values_in
from .idioms import respell
from .write import Writer, written

if TYPE_CHECKING:
    from ..program import Program

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


@dataclass(eq=False)
class _Definition:
    """One value in the course of the program: its text where it is read."""

    value: Value
    uses: list[int] = field(default_factory=list)
    text: str = ""
    strength: int = _ATOM
    reads: frozenset[int] = frozenset()
    kept: bool = False


class Plain(NamedTuple):
    """The source of ``step(…inputs, state, numbers, constants, objects)``, which returns (results, gradients)."""

    source: str
    state: dict[str, Value]
    numbers: dict[str, Value]
    constants: dict[str, Any]
    objects: dict[str, Any]


def plain(program: Program) -> Plain:
    """A traced program, written plainly, and what its names stand for."""
    writer, source = plainly(program)
    return Plain(source, writer.state, writer.numbers, writer.constants, writer.objects)


def plainly(program: Program) -> tuple[Writer, str]:
    """A traced program, written plainly: what wrote it, on a copy of the program, and the source."""
    program = copied(program)
    drop_dead_lines(program)
    fold_constants(program, bounds=False)
    merge_repeats(program)
    respell(program)
    drop_dead_lines(program)
    writer = _Plain(program)
    return writer, writer.source()


class _Plain(Writer):
    """Writes lines as expressions, one into the other where that changes nothing."""

    def __init__(self, program: Program) -> None:
        super().__init__(program, Plan())  # nothing is laid out here
        self.simple = self._simple()
        self.current: dict[int, _Definition] = {}
        self.views: dict[int, _Definition] = {}
        self.environments: list[dict[int, _Definition]] = []
        self.made: list[_Definition | None] = []
        self.environment: dict[int, _Definition] = {}
        self.environment_at_end: dict[int, _Definition] = {}
        self.allocated: set[int] = set()
        self.bare: set[int] = set()
        self.reshaped = {  # where a reshape that is written through has to be a view
            id(line.target.storage)
            for line in program.lines
            if line.target is not None and line.effect == "view" and line.function in ("np.reshape", "method.reshape")
        }

    def _simple(self) -> set[int]:
        """Storages that are only ever written as a whole, before anybody takes a view: variables rather than memory."""
        viewed: set[int] = set()
        others: set[int] = set()
        found: set[int] = set()
        for line in self.program.lines:
            v = line.target
            if v is None:
                continue
            key = id(v.storage)
            if line.effect == "view":
                viewed.add(key)
                continue
            whole = "where" not in line.kwargs and (line.effect in ("out", "fresh") or line.function == "np.copyto")
            if v.view or not whole or key in viewed or v.storage.kind not in ("buffer", "fresh"):
                others.add(key)
            found.add(key)
        return found - others

    # who is who

    def _definition(self, v: Value) -> _Definition | None:
        if v.view:
            return self.views.get(id(v))
        return self.current.get(id(v.storage)) if id(v.storage) in self.simple else None

    def _resolve(self) -> None:
        """For each line: which definitions it reads, and which it makes."""
        program = self.program
        for i, line in enumerate(program.lines):
            environment: dict[int, _Definition] = {}
            for v in line.read():
                d = self._definition(v)
                if d is not None:
                    environment[id(v)] = d
            for v in _occurrences(line):
                d = environment.get(id(v))
                if d is not None:
                    d.uses.append(i)
            target = line.target
            d = None
            if target is None:
                pass
            elif line.effect == "view":
                d = self.views[id(target)] = _Definition(target)
            elif id(target.storage) in self.simple:
                d = self.current[id(target.storage)] = _Definition(target)
            elif target.view and id(target) in self.views:
                written = environment[id(target)] = self.views[id(target)]
                written.uses += [i, i]
            self.environments.append(environment)
            self.made.append(d)
        end = len(program.lines)
        last = self.environment_at_end
        for v in program.result_values():
            d = self._definition(v)
            if d is not None:
                last[id(v)] = d
                d.uses += [end, end]
                d.kept = True

    # text

    def operand(self, v: Value) -> str:
        """A value where it is read, as an argument."""
        d = self.environment.get(id(v))
        if d is not None:
            return d.text
        if id(v) in self.bare:
            array: Any = v.storage.array
            x = array.item()
            return repr(int(x) if x == int(x) and not np.signbit(array) and x < 1e6 else x)
        if v.storage.kind == "constant" and not v.view and not v.name and _counts_up(v.storage.array):
            return f"np.arange({v.shape[0]})"
        if (
            v.storage.kind in ("buffer", "fresh")
            and not v.view
            and id(v) not in self.names
            and id(v.storage) not in self.simple
        ):
            for other in self.known_of(v):
                self.names[id(v)] = other
        return super().operand(v)

    def known_of(self, v: Value) -> list[str]:
        """The name of the memory of `v`, if another value of the same storage has one."""
        return [self.names[id(w)] for w in self.bases if w.storage is v.storage and id(w) in self.names][:1]

    def tight(self, x: Any, least: int) -> str:
        """An operand of an operator, in parentheses where it binds less than `least`."""
        text = self.literal(x)
        strength = _ATOM
        if isinstance(x, Value) and id(x) in self.environment:
            strength = self.environment[id(x)].strength
        elif isinstance(x, (int, float)) and text.startswith("-"):
            strength = _UNARY
        return text if strength >= least else f"({text})"

    def told(self, line: Line) -> tuple[str, int]:
        """The right-hand side of a line, and how tightly it binds."""
        f, args = line.function, line.args
        target = line.target
        if f == "np.copyto" and target is not None:
            source = args[1]
            shape = source.shape if isinstance(source, Value) else ()
            if shape == target.shape:
                same = isinstance(source, Value) and source.dtype == target.dtype
                return f"{self.tight(source, _ATOM)}.{'copy()' if same else f'astype(np.{target.dtype.name})'}", _ATOM
            if shape == () and not isinstance(source, Value) and source in (0, 1):
                return f"np.{'ones' if source else 'zeros'}({target.shape}, np.{target.dtype.name})", _ATOM
            if shape == ():
                return f"np.full({target.shape}, {self.literal(source)}, np.{target.dtype.name})", _ATOM
            return f"np.broadcast_to({self.literal(source)}, {target.shape}).astype(np.{target.dtype.name})", _ATOM
        if line.effect == "out" and target is not None:
            text, strength = self._computed(line)
            shape, dtype = natural(line)
            if dtype != target.dtype:
                text = f"{text if strength == _ATOM else f'({text})'}.astype(np.{target.dtype.name})"
                strength = _ATOM
            if shape != target.shape:
                text, strength = f"np.broadcast_to({text}, {target.shape}).copy()", _ATOM
            return text, strength
        if f in ("getitem", "attribute.T") or f.startswith("method."):
            first = self.tight(args[0], _ATOM)
            if f == "attribute.T":
                return f"{first}.T", _ATOM
            if f == "getitem":
                return f"{first}[{self.index(args[1])}]", _ATOM
            f, _, part = f.removeprefix("method.").partition("[")
            rest = [self.literal(a) for a in args[1:]] + [f"{k}={self.literal(v)}" for k, v in line.kwargs.items()]
            return f"{first}.{f}({', '.join(rest)}){part and f'[{part}'}", _ATOM
        if f == "call":
            return self.expression(line), _ATOM
        return self._call(line), _ATOM

    def _computed(self, line: Line) -> tuple[str, int]:
        f, args, kwargs = line.function, line.args, line.kwargs
        shapes = [a.shape for a in args if isinstance(a, Value)]
        dot = f == "np.dot" and not (len(shapes) == 2 and all(len(s) == 2 and min(s) > 1 for s in shapes))
        if f in _OPERATORS and len(args) == 2 and not kwargs and not dot:
            symbol, strength = _OPERATORS[f]
            left, right = self.tight(args[0], strength + (strength == _COMPARISON)), self.tight(args[1], strength + 1)
            return f"{left} {symbol} {right}", strength
        if f == "np.negative" and not kwargs:
            return f"-{self.tight(args[0], _UNARY)}", _UNARY
        if f == "np.reciprocal" and not kwargs and args[0].dtype.kind == "f":
            return f"1 / {self.tight(args[0], _PRODUCT + 1)}", _PRODUCT
        return self._call(line), _ATOM

    def _call(self, line: Line) -> str:
        f, _, part = line.function.partition("[")
        kwargs = dict(line.kwargs)
        if f in _REDUCTIONS:
            f = _REDUCTIONS[f]
            kwargs = {
                k: v for k, v in kwargs.items() if not (k == "axis" and v is None) and not (k == "keepdims" and not v)
            }
            if "axis" not in line.kwargs and len(line.args) == 1:
                kwargs["axis"] = 0  # which is what reduce does when it is not told
        told = [self.literal(a) for a in line.args] + [f"{k}={self.literal(v)}" for k, v in kwargs.items()]
        return f"{f}({', '.join(told)}){part and f'[{part}'}"

    # statements

    def source(self) -> str:
        """The whole module."""
        program = self.program
        every = (v for line in program.lines for v in (*values_in(line.args), line.target) if v is not None)
        self.bases = list({id(v): v for v in every if not v.view}.values())
        for v in (*program.inputs, *(v for _, v in program.gradients_in)):
            self.name(v)
        self._resolve()
        for line in program.lines:  # names from the user first, so that they are not taken
            if line.target is not None and line.target.name:
                self.name(line.target)
        finals = {id(d) for d in (*self.current.values(), *self.views.values())}
        body: list[str] = []
        section = where = ""
        for i, line in enumerate(program.lines):
            self.environment = self.environments[i]
            self.bare = _bare(line)
            d = self.made[i]
            rows = self.statement(i, line, d, final=d is not None and id(d) in finals)
            if not rows:
                continue
            if line.section != section:
                body += ["", f"# {line.section}"] if body else [f"# {line.section}"]
                section, where = line.section, ""
            if line.where and line.where != where:
                body.append(f"# {line.where}"[:110])
                where = line.where
            body += rows
        self.environment, self.bare = self.environment_at_end, set()
        results = [self.operand(v) for v in values_in(program.results)]
        gradients = ["None" if v is None else self.operand(v) for _, v in program.gradients_out]
        body.append(f"return {_tuple(results)}, {_tuple(gradients)}")
        return self._written(body)

    def statement(self, i: int, line: Line, d: _Definition | None, *, final: bool) -> list[str]:
        """The rows for a line: none where it went into another."""
        v = line.target
        if d is not None and v is not None:
            if not d.uses and not line.must_run:
                return []
            rows = []
            if line.effect == "view" and v.storage.kind == "buffer" and id(v.storage) not in self.simple:
                rows = self._allocated(line, v)
            text, strength = self.told(line)
            reads = frozenset(id(x.storage) for x in line.read()) | frozenset(
                key for x in line.read() if id(x) in self.environment for key in self.environment[id(x)].reads
            )
            if self._goes_in(i, line, d, text, reads, final=final):
                d.text, d.strength, d.reads = text, strength, reads
                return rows
            d.text = self.name(v) if final else self.unique(f"{self.name(v)}_before")
            return [*rows, f"{d.text} = {text}"]
        if v is None or line.function == "call":
            return [self.expression(line)]
        rows = []
        if v.storage.kind in ("buffer", "fresh"):
            rows += self._allocated(line, v)
        where = self.operand(v)
        if line.effect == "fresh":
            return [f"{where} = {self.told(line)[0]}"]
        if line.effect == "in":
            if line.function == "setitem":
                return [*rows, f"{where}[{self.index(line.args[1])}] = {self.literal(line.args[2])}"]
            if line.function.startswith("method."):
                return [*rows, self.told(line)[0]]
            if line.function.startswith("routine."):
                return [*rows, self.expression(line)]
            filled = line.function == "np.copyto" and not line.kwargs and not v.view and _is_number(line.args[1])
            if filled and rows and not (v.strides and id(v.storage) in self.reshaped):
                return [f"{where} = {self.told(line)[0]}"]
            if line.function == "np.copyto" and not line.kwargs:
                return [*rows, f"{where}[...] = {self.literal(line.args[1])}"]
            return [*rows, self._call(line)]
        if "where" in line.kwargs:
            return [*rows, f"{self._call(line)[:-1]}, out={where})"]
        symbol, strength = _OPERATORS.get(line.function, ("", 0))
        if symbol in ("+", "-", "*", "/") and not line.kwargs and len(line.args) == 2:
            a, b = line.args
            if a is v:
                return [*rows, f"{where} {symbol}= {self.literal(b)}"]
            if b is v and symbol in _COMMUTES:
                return [*rows, f"{where} {symbol}= {self.literal(a)}"]
        return [*rows, f"{where}[...] = {self.told(line)[0]}"]

    def _goes_in(self, i: int, line: Line, d: _Definition, text: str, reads: frozenset[int], *, final: bool) -> bool:
        """Whether an expression can be written where it is read, instead of getting a name."""
        lines = self.program.lines
        if d.kept or line.must_run or not d.uses:
            return False
        use = max(d.uses)
        if use >= len(lines):
            return False
        cheap = line.function == "attribute.T" and text.count("(") == 0
        if not cheap:
            named = final and (d.value.name or (isinstance(d.value.hint, tuple) and d.value.hint[0] == "d"))
            if len(d.uses) != 1 or named or len(text) > _LONGEST:
                return False
            if lines[use].section != line.section or lines[use].where != line.where:
                return False
        for between in lines[i + 1 : use]:
            target = between.writes()
            if between.must_run or (
                target is not None and id(target.storage) not in self.simple and id(target.storage) in reads
            ):
                return False
        return True

    def _allocated(self, line: Line, v: Value) -> list[str]:
        """The row that makes the memory of `v`, the first time it is written."""
        base = next((w for w in self.bases if w.storage is v.storage), v)
        if id(v.storage) in self.allocated or line.effect == "fresh":
            self.allocated.add(id(v.storage))
            return []
        self.allocated.add(id(v.storage))
        name = self.name(base)
        return [f"{name} = {_empty(base, laid_out=id(v.storage) in self.reshaped)}"]

    def _written(self, body: list[str]) -> str:
        program = self.program
        arguments = [self.name(v) for v in (*program.inputs, *(v for _, v in program.gradients_in))]
        rows = [f"{n} = state[{n!r}]  # {v.shape} {v.dtype}" for n, v in self.state.items()]
        rows += [f"{n} = numbers[{n!r}]" for n in self.numbers]
        rows += [f"{n} = {written(n, a)}" for n, a in self.constants.items()]
        rows += [f"{n} = objects[{n!r}]" for n in self.objects]
        indent = "    "
        out = [f'"""{program.name}, in plain NumPy."""', "", "import numpy as np", "", "", *self.written_routines()]
        out.append(f"def step({', '.join([*arguments, 'state', 'numbers', 'constants', 'objects'])}):")
        out += [f"    {row}" for row in rows]
        if program.silent:
            out.append(f"    with np.errstate({', '.join(f'{k}={v!r}' for k, v in program.silent.items())}):")
            indent += "    "
        elif rows:
            out.append("")
        out += [f"{indent}{row}" if row else "" for row in body]
        return "\n".join([*out, ""])


def _bare(line: Line) -> set[int]:
    """The constants of a line that can stand there as numbers, because another operand says what type they have."""
    values = [a for a in line.args if isinstance(a, Value)]
    single = [
        v for v in values if v.storage.kind == "constant" and v.shape == () and v.dtype.kind == "f" and not v.view
    ]
    others = {v.dtype for v in values if v not in single}
    arrays: list[Any] = [v.storage.array for v in single]
    return {id(v) for v, a in zip(single, arrays, strict=True) if others == {v.dtype} and np.isfinite(a)}


def _empty(v: Value, *, laid_out: bool) -> str:
    """Memory for `v`, in the order in which the buffer has it if that matters."""
    if v.strides is None or not laid_out:
        return f"np.empty({v.shape}, np.{v.dtype.name})"
    strides = v.strides
    order = sorted(range(len(v.shape)), key=lambda i: -strides[i])
    shape, axes = tuple(v.shape[i] for i in order), tuple(order.index(i) for i in range(len(order)))
    return f"np.empty({shape}, np.{v.dtype.name}).transpose({axes})"


def _counts_up(a: Any) -> bool:
    """Whether an array is 0, 1, 2, … as `arange` makes it."""
    return a.ndim == 1 and a.dtype == np.intp and a.size > 0 and np.array_equal(a, np.arange(a.size))


def _is_number(x: Any) -> bool:
    return not isinstance(x, Value) or x.shape == ()


def _occurrences(line: Line) -> list[Value]:
    overwritten = line.function == "np.copyto" and "where" not in line.kwargs
    return [v for x in (*line.args[1 if overwritten else 0 :], *line.kwargs.values()) for v in values_in(x)]


def _tuple(parts: list[str]) -> str:
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
