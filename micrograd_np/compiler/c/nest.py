"""A loop in C for steps that were joined.

Where a step needs an inner loop of NumPy's (an exponential), the loop is cut: what comes before runs for a block of
elements, then NumPy's loop runs over the block, then what comes after. Blocks stay in the cache. Values that nobody
else reads live in registers, or in a buffer of one block.
"""

from __future__ import annotations

import re
from collections import Counter
from math import prod
from typing import TYPE_CHECKING, Any

from .expressions import TYPES, cast, literal
from .places import Place
from .totals import VARIABLES, around, total

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from ..ir import Value
    from .fuse import Group
    from .steps import Step

__all__ = ["Nest"]

BLOCK = 1024  # elements: a dozen of such buffers fit the first-level cache
_LONG = 1_000_000  # elements times operations, about 0.2 ms, from which a second thread repays its start (20 µs)
_SHORT = 50  # characters of an expression that still goes into another
_ATOM = re.compile(r"\w+\(\{0\}(, \{1\})?\)")
_CLEARING = frozenset(("tanh", "sign", "maximum", "minimum", "absolute"))  # of NumPy's loops, those that clear flags


class _Register:
    """A number of each element: loaded, or computed by a line."""

    def __init__(self, number: int, dtype: np.dtype[Any], value: Value) -> None:
        self.name, self.dtype, self.value = f"${number}$", dtype, value
        self.pointer: int | None = None
        """Which pointer it can be loaded from."""
        self.line: _Line | None = None
        self.block = False
        """Whether it has a buffer of its own, of one block."""


class _Line:
    """What computes a register, for all elements of a block before the next level begins."""

    def __init__(self, inputs: list[Any], output: _Register, text: str, loop: tuple[str, str] | None) -> None:
        self.inputs, self.output, self.text, self.loop = inputs, output, text, loop
        """Registers, or texts of numbers; and one of NumPy's inner loops, if it takes one."""
        self.registers = [x for x in inputs if isinstance(x, _Register)]
        self.level = 0
        self.into: int | None = None
        """The pointer through which it is stored."""
        self.one_exponent = False
        """Whether it is a power by one number in memory."""
        for x in self.registers:
            if x.line is not None:
                self.follow(x.line)

    def follow(self, other: _Line) -> None:
        """Run after another line."""
        self.level = max(self.level, other.level + (other.loop is not None))


class Nest:
    """The function of a group, with $ around the numbers that stand for names, and what to call it with."""

    def __init__(self, group: Group, stored: set[Step], threads: int, loop: Callable[[str, str], str]) -> None:
        self.threads, self.loop = threads, loop
        self.steps = sorted(group.steps, key=lambda step: step.at)
        self.labels: list[Value] = []
        """By number: the value that it is named after."""
        self.arguments: list[Place] = []
        self._pointers: dict[Any, int] = {}
        """By what an operand or a result is for each element."""
        self._registers: dict[Any, _Register] = {}
        """The same: what holds it at this point."""
        self._readers: dict[int, list[_Line]] = {}
        """By pointer: the lines that load from it."""
        self._lines: list[_Line] = []
        last = {self._key(step.result, step): step for step in self.steps}
        self._stored = stored.intersection(last.values())
        self._arrange(group.shape, self._find_pointers())
        for step in self.steps:
            self._compute(step)
        for line in self._lines:
            self._give_memory(line)
        self.text = "\n".join(self._write())

    # what is read and written

    def _key(self, place: Place, step: Step) -> Any:
        return place.storage, place.offset, place.spread(step.result.shape), place.dtype.itemsize

    def _find_pointers(self) -> tuple[int, ...]:
        """All pointers, since what lies together depends on them; and the strides by which the axes are ordered."""
        computed: set[Any] = set()
        stored: list[Any] = []
        for step in self.steps:
            for x in step.reads:
                if (key := self._key(x, step)) not in computed:
                    self._pointer(key, x)
            computed.add(key := self._key(step.result, step))
            if step in self._stored:
                self._pointer(key, step.result)
                stored.append(key)
        self._written = {self._pointers[key] for key in stored}
        return (stored or list(self._pointers))[0][2]

    def _pointer(self, key: Any, place: Place) -> int:
        if key not in self._pointers:
            self._pointers[key] = len(self.arguments)
            self.arguments.append(place)
        return self._pointers[key]

    def _arrange(self, shape: tuple[int, ...], order: tuple[int, ...]) -> None:
        """The axes of the loop: in the order of memory, those joined that every pointer passes through as one."""
        axes = sorted(range(len(shape)), key=lambda k: -abs(order[k]))
        self.lengths = lengths = [shape[k] for k in axes]
        self.strides = [[key[2][k] // key[3] for k in axes] for key in self._pointers]  # by pointer, in elements
        for k in reversed(range(len(lengths) - 1)):
            if all(s[k] == s[k + 1] * lengths[k + 1] for s in self.strides):
                lengths[k] *= lengths.pop(k + 1)
                for s in self.strides:
                    s[k] = s.pop(k + 1)
        self.cut = 0  # the axis that is cut into blocks; all of the further ones are in a block
        hard = any(step.spelling.loop for step in self.steps)
        while hard and self.cut < len(lengths) - 1 and self._inner(self.cut + 1) > BLOCK:
            self.cut += 1
        n = lengths[self.cut] if lengths else 1
        self.per = min(n, max(1, BLOCK // self._inner(self.cut + 1))) if hard else n
        """How many steps along that axis make a block."""
        self.piece = self.per if hard and not self.cut else max(1, BLOCK // self._inner(1))
        """Each thread begins at a multiple of this."""
        if self._inner(0) * len(self.steps) < _LONG:
            self.threads = 1

    def _inner(self, axis: int) -> int:
        """How many elements there are from an axis on."""
        return prod(self.lengths[axis:])

    def _together(self, pointer: int) -> bool:
        """Whether the elements of a block follow one another."""
        axes = range(self.cut, len(self.lengths))
        return all(self.strides[pointer][k] == self._inner(k + 1) for k in axes)

    def _register(self, dtype: np.dtype[Any], value: Value) -> _Register:
        self.labels.append(value)
        return _Register(len(self.labels) - 1, dtype, value)

    def _line(
        self, inputs: list[Any], dtype: np.dtype[Any], value: Value, text: str, loop: tuple[str, str] | None = None
    ) -> _Register:
        """A register that a new line computes."""
        line = _Line(inputs, self._register(dtype, value), text, loop)
        line.output.line = line
        for x in line.registers:
            if x.pointer is not None:
                self._readers.setdefault(x.pointer, []).append(line)
        self._lines.append(line)
        return line.output

    def _operand(self, step: Step, x: Any, kind: np.dtype[Any]) -> Any:
        """A register, or the text of a number."""
        if not isinstance(x, Place):
            return literal(x, kind)
        key = self._key(x, step)
        register = self._registers.get(key)
        if register is None:
            register = self._registers[key] = self._register(x.dtype, x.value)
            register.pointer = self._pointers[key]
        if register.dtype == x.dtype:
            return register
        name = f"as_{TYPES[x.dtype.name]}" if "f" in (register.dtype.kind, x.dtype.kind) else ""
        return self._line([register], x.dtype, x.value, f"{name}({{0}})")

    def _compute(self, step: Step) -> None:
        """The lines of a step."""
        z, spelt = step.result, step.spelling
        key, stored = self._key(z, step), step in self._stored
        operands = [self._operand(step, x, kind) for x, kind in zip(step.operands, spelt.inputs, strict=True)]
        pairs = list(zip(operands, spelt.inputs, strict=True))
        if spelt.loop is None:
            places = [f"{{{i}}}" for i in range(len(pairs))]
            casts = [
                cast(at, x.dtype, kind) if isinstance(x, _Register) else at
                for at, (x, kind) in zip(places, pairs, strict=True)
            ]
            text = spelt.text.format(*casts)
            text = text if spelt.output == z.dtype else cast(f"({text})", spelt.output, z.dtype)
            register = self._line(operands, z.dtype, z.value, text)
        else:
            self.loop(*spelt.loop)
            inputs = [self._in_memory(x, kind, z.value) for x, kind in pairs]
            register = self._line(inputs, spelt.output, z.value, "", spelt.loop)
            self._lines[-1].one_exponent = spelt.loop[0] == "power" and _has_one_exponent(*step.operands)
            if spelt.output != z.dtype or (stored and not self._together(self._pointers[key])):
                register = self._line([register], z.dtype, z.value, cast("{0}", spelt.output, z.dtype))
        if stored:
            line = self._lines[-1]
            line.into = register.pointer = self._pointers[key]
            for other in self._readers.pop(line.into, ()):
                if other is not line:
                    line.follow(other)
        self._registers[key] = register

    def _in_memory(self, x: Any, kind: np.dtype[Any], value: Value) -> Any:
        """An operand of an inner loop of NumPy's: what lies together in memory, or is one number."""
        if not isinstance(x, _Register):
            return self._line([], kind, value, x)
        if x.dtype == kind and (
            x.line is not None or x.pointer is None or self._together(x.pointer) or not any(self.strides[x.pointer])
        ):
            return x
        return self._line([x], kind, x.value, cast("{0}", x.dtype, kind))

    def _give_memory(self, line: _Line) -> None:
        """Let registers have a buffer that lines of another level read, or inner loops."""
        for x in line.registers:
            if x.line is not None and (line.loop or x.line.loop or x.line.level != line.level):
                x.block = x.block or x.line.into is None or not self._together(x.line.into)
        if line.loop is not None and line.into is None:
            line.output.block = True

    # text

    def _write(self) -> list[str]:
        divided = "intptr_t from, intptr_t to, " if self.threads > 1 else ""
        rows = [f"static void NAME({divided}{', '.join(self._parameters())}) {{"]
        end = ["}"]
        if divided:
            kinds = [f"({TYPES[p.dtype.name]} *)places[{i}]" for i, p in enumerate(self.arguments)]
            end += ["static void PART(intptr_t from, intptr_t to, void **places) {"]
            end += [f"    NAME(from, to, {', '.join(kinds)});", "}"]
        n, size, per = self.lengths[self.cut] if self.lengths else 1, self._inner(self.cut + 1), self.per
        blocks = dict.fromkeys(line.output for line in self._lines if line.output.block)
        rows += [f"    {TYPES[x.dtype.name]} {x.name}[{per * size}];" for x in blocks]
        count = str(n * size) if per == n else "count" if size == 1 else f"{size} * count"
        axes = [self._axis(k) for k in range(len(self.lengths))]
        within = [(VARIABLES[self.cut], "0", "count"), *axes[self.cut + 1 :]] if per < n else axes[self.cut :]
        inside = []
        for level in range(1 + max(line.level for line in self._lines)):
            lines = [line for line in self._lines if line.level == level]
            if soft := [line for line in lines if line.loop is None]:
                inside += around(within, self._body(soft), "")
            inside += [self._call(line, count) for line in lines if line.loop is not None]
        if per < n:
            _, first, last = axes[self.cut]
            head = [f"for (intptr_t block = {first}; block < {last}; block += {per}) {{"]
            head.append(f"    const intptr_t count = {last} - block < {per} ? {last} - block : {per};")
            inside = [*head, *(f"    {row}" for row in inside), "}"]
        return [*rows, *around(axes[: self.cut], inside), *end]

    def _axis(self, k: int) -> tuple[str, str, str]:
        """The variable of an axis, and from where to where it runs."""
        first, last = ("from", "to") if k == 0 and self.threads > 1 else ("0", str(self.lengths[k]))
        return VARIABLES[k], first, last

    def _parameters(self) -> list[str]:
        self.parameters = range(len(self.labels), len(self.labels) + len(self.arguments))
        self.names = [f"${number}$" for number in self.parameters]
        self.labels += [place.value for place in self.arguments]
        return [
            f"{'' if i in self._written else 'const '}{TYPES[p.dtype.name]} *restrict {name}"
            for i, (p, name) in enumerate(zip(self.arguments, self.names, strict=True))
        ]

    def _index(self, pointer: int, axes: int) -> str:
        """The element of a pointer: of the first `axes` axes, and in a block."""
        terms = []
        for k, s in enumerate(self.strides[pointer]):
            variable = VARIABLES[k] if k < axes else ""
            if k == self.cut and self.per < self.lengths[k]:
                variable = f"(block + {variable})" if variable else "block"
            if variable:
                terms.append((s, variable))
        return total(terms)

    def _element(self, register: _Register, pointer: int | None = None) -> str:
        """Where a register is: in its block, or, as a number of its type, where a pointer points at."""
        if pointer is None and register.block:
            axes = range(self.cut, len(self.lengths))
            return f"{register.name}[{total((self._inner(k + 1), VARIABLES[k]) for k in axes)}]"
        pointer = register.pointer if pointer is None else pointer
        assert pointer is not None
        name = self.names[pointer]
        if self.arguments[pointer].dtype != register.dtype:
            name = f"(({TYPES[register.dtype.name]} *){name})"
        return f"{name}[{self._index(pointer, len(self.lengths))}]"

    def _body(self, lines: list[_Line]) -> list[str]:
        """What some lines do for one element; what is used only once needs no name."""
        rows: list[str] = []
        stores = [z for z, line in enumerate(lines) if line.output.block or line.into is not None]
        readers = {x: z for z, line in enumerate(lines) for x in line.registers}
        inside: dict[_Register, str] = {}
        bare: dict[str, str] = {}  # what stands in parentheses, without
        uses = Counter(
            x for line in lines for i, x in enumerate(line.inputs) for _ in range(line.text.count(f"{{{i}}}"))
        )

        def read(x: Any) -> str:
            if not isinstance(x, _Register):
                return str(x)
            if x in inside:
                return inside[x]
            if uses[x] == 1:
                return self._element(x)
            inside[x] = self._named(x)
            rows.append(f"const {TYPES[x.dtype.name]} {inside[x]} = {self._element(x)};")
            return inside[x]

        for i, line in enumerate(lines):
            z = line.output
            atom = _ATOM.fullmatch(line.text)
            operands = [read(x) for x in line.inputs]
            text = line.text.format(*(bare.get(x, x) if atom else x for x in operands))
            targets = [self._element(z)] if z.block else []
            if line.into is not None:
                targets.append(self._element(z, line.into))
            reader = readers.get(z, i)
            if uses[z] == 1 and not targets and len(text) < _SHORT and not any(i < k < reader for k in stores):
                if z.dtype.kind in "iu" and z.dtype.itemsize < 4:  # C computes in int, and NumPy wraps around
                    text, atom = f"({TYPES[z.dtype.name]})({text})", None
                inside[z] = text if atom else f"({text})"
                bare[inside[z]] = text
                continue
            if uses[z] or not targets:
                inside[z] = self._named(z) if z.block else z.name
                rows.append(f"const {TYPES[z.dtype.name]} {inside[z]} = {text};")
                text = inside[z]
            rows += [f"{' = '.join(targets)} = {text};"] if targets else []
        return rows

    def _named(self, x: _Register) -> str:
        """A name for one element of a register."""
        self.labels.append(x.value)
        return f"${len(self.labels) - 1}$"

    def _call(self, line: _Line, count: str) -> str:
        """The call of an inner loop of NumPy's on a block."""
        assert line.loop is not None
        operands = []
        for i, x in enumerate((*line.inputs, line.output)):
            step = 0 if i == 1 and line.one_exponent else x.dtype.itemsize
            if x.block:
                operands += [x.name, str(step)]
                continue
            pointer: Any = line.into if x is line.output else x.pointer
            place = self._index(pointer, self.cut)
            operands += [self.names[pointer] + (f" + {place}" if place != "0" else "")]
            operands.append(str(step if any(self.strides[pointer]) or self._inner(0) == 1 else 0))
        call = "unary" if len(line.inputs) == 1 else "binary"
        note = "note(); " if line.loop[0] in _CLEARING else ""
        return f"{note}{call}(&{self.loop(*line.loop)}, {', '.join(operands)}, {count});"


def _has_one_exponent(base: Any, exponent: Any) -> bool:
    """Whether the exponent of a power is one number in memory, for all elements of the base.

    NumPy's loop then takes a square, a root or a reciprocal where these will do, which have other last bits.
    """
    if not isinstance(exponent, Place) or exponent.size != 1:
        return False
    shape = base.shape if isinstance(base, Place) else ()
    return not exponent.shape or shape not in ((), exponent.shape)
