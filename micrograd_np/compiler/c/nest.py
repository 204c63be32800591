"""A loop in C for steps that were joined.

Where a step needs an inner loop of NumPy's (an exponential), the loop is cut: what comes before runs for a block of
elements, then NumPy's loop runs over the block, then what comes after. Blocks stay in the cache. Values that nobody
else reads live in registers, or in a buffer of one block.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from .expressions import TYPES, cast, literal

if TYPE_CHECKING:
    import numpy as np

    from ..ir import Value
    from .fuse import Group
    from .places import Place
    from .steps import Step

__all__ = ["Nest"]

BLOCK = 1024  # elements: a dozen of such buffers fit the first-level cache
_LONG = 1_000_000  # elements times operations, about 0.2 ms, from which a second thread repays its start (20 µs)
_VARIABLES = "ijklmnpq"
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

    def __init__(self, step: Step, inputs: list[Any], output: _Register, text: str, loop: Any) -> None:
        self.step, self.inputs, self.output, self.text, self.loop = step, inputs, output, text, loop
        self.level = 0
        self.into: int | None = None
        """The pointer through which it is stored."""

    def follow(self, other: _Line) -> None:
        """Run after another line."""
        self.level = max(self.level, other.level + (other.loop is not None))


class Nest:
    """The function of a group, with NULs around the numbers that stand for names, and what to call it with."""

    def __init__(self, group: Group, stored: set[Step], threads: int) -> None:
        self.stored, self.threads = stored, threads
        self.steps = sorted(group.steps, key=lambda step: step.at)
        self.labels: list[Value] = []
        """By number: the value that it is named after."""
        self.arguments: list[Place] = []
        self.loops: dict[tuple[str, str], None] = {}
        self.strides: list[tuple[int, ...]] = []  # by pointer, in elements
        self.written: set[int] = set()
        self.lines: list[_Line] = []
        self._keys: dict[Any, int] = {}
        self._shape = group.shape
        self._full = self.steps[0].result.shape if self.steps[0].result is not None else ()
        self._collect()
        self._level()
        self.text = "\n".join(self._write())

    # what is read and written

    def _key(self, place: Place, step: Step) -> Any:
        assert step.result is not None
        return place.storage, place.offset, place.spread(step.result.shape), place.dtype.itemsize

    def _collect(self) -> None:
        """The pointers first, since what lies together depends on all of them; then the lines."""
        written: set[Any] = set()
        order: tuple[int, ...] = ()
        last = {self._key(step.result, step): step for step in self.steps if step.result is not None}
        for step in self.steps:
            for x in step.reads:
                if (key := self._key(x, step)) not in written:
                    self._pointer(key, x)
            assert step.result is not None
            key = self._key(step.result, step)
            written.add(key)
            if step in self.stored and last[key] is step:
                self.written.add(self._pointer(key, step.result))
                order = order or key[2]
        self._arrange(order or self.strides[0])
        current: dict[Any, _Register] = {}
        readers: dict[Any, list[_Line]] = {}
        for step in self.steps:
            assert step.result is not None
            operands: list[Any] = []
            for x, kind in zip(step.operands, step.spelling.inputs, strict=True):
                operands.append(self._operand(step, x, kind, current, readers))
            self._compute(step, operands, current, readers, last[self._key(step.result, step)] is step)

    def _pointer(self, key: Any, place: Place) -> int:
        if key not in self._keys:
            self._keys[key] = len(self.arguments)
            self.arguments.append(place)
            self.strides.append(key[2])
        return self._keys[key]

    def _arrange(self, order: tuple[int, ...]) -> None:
        """The axes of the loop: in the order of memory, those joined that every pointer passes through as one."""
        axes = sorted(range(len(self._shape)), key=lambda k: -abs(order[k]))
        lengths = [self._shape[k] for k in axes]
        strides = [[s[k] // p.dtype.itemsize for k in axes] for s, p in zip(self.strides, self.arguments, strict=True)]
        for k in reversed(range(len(lengths) - 1)):
            if all(s[k] == s[k + 1] * lengths[k + 1] for s in strides):
                lengths[k] *= lengths.pop(k + 1)
                for s in strides:
                    s[k] = s.pop(k + 1)
        self.lengths = lengths
        self.strides = [tuple(s) for s in strides]
        self.cut = 0  # the axis that is cut into blocks; all of the further ones are in a block
        hard = any(step.spelling.loop for step in self.steps)
        while hard and self.cut < len(lengths) - 1 and self._inner(self.cut + 1) > BLOCK:
            self.cut += 1
        self.hard = hard
        n = lengths[self.cut] if lengths else 1
        self.per = min(n, max(1, BLOCK // self._inner(self.cut + 1))) if hard else n
        """How many steps along that axis make a block."""
        self.piece = self.per if hard and not self.cut else max(1, BLOCK // self._inner(1))
        """Each thread begins at a multiple of this."""
        if self._inner(0) * len(self.steps) < _LONG:
            self.threads = 1

    def _inner(self, axis: int) -> int:
        n = 1
        for length in self.lengths[axis:]:
            n *= length
        return n

    def _together(self, pointer: int) -> bool:
        """Whether the elements of a block follow one another."""
        step = 1
        for n, s in reversed(list(zip(self.lengths[self.cut :], self.strides[pointer][self.cut :], strict=True))):
            if s != step:
                return False
            step *= n
        return True

    def _register(self, dtype: np.dtype[Any], value: Value) -> _Register:
        self.labels.append(value)
        return _Register(len(self.labels) - 1, dtype, value)

    def _operand(self, step: Step, x: Any, kind: np.dtype[Any], current: Any, readers: Any) -> Any:
        """A register, or the text of a number."""
        if not hasattr(x, "storage"):
            return literal(x, kind)
        key = self._key(x, step)
        register = current.get(key)
        if register is None:
            register = current[key] = self._register(x.dtype, x.value)
            register.pointer = self._keys[key]
        if register.dtype != x.dtype:
            name = f"as_{TYPES[x.dtype.name]}" if {register.dtype.kind, x.dtype.kind} & {"f"} else ""
            register = self._line(
                step, [register], self._register(x.dtype, x.value), f"{name}({{0}})", None, readers, current
            )
        return register

    def _line(
        self, step: Step, inputs: list[Any], output: _Register, text: str, loop: Any, readers: Any, current: Any
    ) -> _Register:
        line = output.line = _Line(step, inputs, output, text, loop)
        for x in inputs:
            if isinstance(x, _Register):
                if x.line is not None:
                    line.follow(x.line)
                if x.pointer is not None:
                    readers.setdefault(x.pointer, []).append(line)
        self.lines.append(line)
        return output

    def _compute(self, step: Step, operands: list[Any], current: Any, readers: Any, last: bool) -> None:
        z, spelt = step.result, step.spelling
        assert z is not None
        key = self._key(z, step)
        stored = step in self.stored and last
        if spelt.loop is None:
            texts = [
                cast(f"{{{i}}}", x.dtype, kind) if isinstance(x, _Register) else f"{{{i}}}"
                for i, (x, kind) in enumerate(zip(operands, spelt.inputs, strict=True))
            ]
            text = cast(f"({spelt.text.format(*texts)})", spelt.output, z.dtype)
            text = text[1:-1] if text[0] == "(" and spelt.output == z.dtype else text
            register = self._register(z.dtype, z.value)
            self._line(step, operands, register, text, None, readers, current)
        else:
            self.loops[spelt.loop] = None
            pairs = zip(operands, spelt.inputs, strict=True)
            inputs = [self._in_memory(step, x, kind, readers, current) for x, kind in pairs]
            register = self._register(spelt.output, z.value)
            self._line(step, inputs, register, "", spelt.loop, readers, current)
            if spelt.output != z.dtype or (stored and not self._together(self._keys[key])):
                text = cast("{0}", spelt.output, z.dtype)
                register = self._line(step, [register], self._register(z.dtype, z.value), text, None, readers, current)
        if stored:
            assert register.line is not None
            register.line.into = register.pointer = self._keys[key]
            for line in readers.pop(register.pointer, ()):
                if line is not register.line:
                    register.line.follow(line)
        current[key] = register

    def _in_memory(self, step: Step, x: Any, kind: np.dtype[Any], readers: Any, current: Any) -> Any:
        """An operand of an inner loop of NumPy's: what lies together in memory, or is one number."""
        if isinstance(x, _Register) and x.dtype == kind:
            if x.line is not None or x.pointer is None:
                return x
            if self._together(x.pointer) or not any(self.strides[x.pointer]):
                return x
        text = cast("{0}", x.dtype, kind) if isinstance(x, _Register) else x
        assert step.result is not None
        value = x.value if isinstance(x, _Register) else step.result.value
        inputs = [x] if isinstance(x, _Register) else []
        return self._line(step, inputs, self._register(kind, value), text, None, readers, current)

    def _level(self) -> None:
        """Which registers need memory, since lines of another level read them."""
        for line in self.lines:
            for x in line.inputs:
                if isinstance(x, _Register) and x.line is not None:
                    crosses = line.loop or x.line.loop or x.line.level != line.level
                    if crosses and not (x.line.into is not None and self._together(x.line.into)):
                        x.block = True
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
        blocks = dict.fromkeys(line.output for line in self.lines if line.output.block)
        if not self.hard:
            return [*rows, *(f"    {row}" for row in self._loops(self._body(self.lines), 0)), *end]
        n, size, per = self.lengths[self.cut] if self.lengths else 1, self._inner(self.cut + 1), self.per
        rows += [f"    {TYPES[x.dtype.name]} {x.name}[{per * size}];" for x in blocks]
        count = str(n * size) if per == n else "count" if size == 1 else f"{size} * count"
        inside = []
        for level in range(1 + max(line.level for line in self.lines)):
            lines = [line for line in self.lines if line.level == level]
            if soft := [line for line in lines if line.loop is None]:
                inside += self._loops(self._body(soft), self.cut, blocked=per < n)
            inside += [self._call(line, count) for line in lines if line.loop is not None]
        if per < n:
            first, last = ("from", "to") if divided and not self.cut else (0, n)
            head = [f"for (intptr_t block = {first}; block < {last}; block += {per}) {{"]
            head.append(f"    const intptr_t count = {last} - block < {per} ? {last} - block : {per};")
            inside = [*head, *(f"    {row}" for row in inside), "}"]
        for k in reversed(range(self.cut)):
            inside = self._for(k, str(self.lengths[k]), inside)
        return [*rows, *(f"    {row}" for row in inside), *end]

    def _parameters(self) -> list[str]:
        self.names = []
        self.parameters = range(len(self.labels), len(self.labels) + len(self.arguments))
        for place in self.arguments:
            self.labels.append(place.value)
            self.names.append(f"${len(self.labels) - 1}$")
        return [
            f"{'' if i in self.written else 'const '}{TYPES[p.dtype.name]} *restrict {self.names[i]}"
            for i, p in enumerate(self.arguments)
        ]

    def _for(self, axis: int, n: str, rows: list[str]) -> list[str]:
        i = _VARIABLES[axis]
        divided = self.threads > 1 and axis == 0 and n != "count"
        first, last = ("from", "to") if divided else ("0", n)
        return [f"for (intptr_t {i} = {first}; {i} < {last}; {i}++) {{", *(f"    {row}" for row in rows), "}"]

    def _loops(self, rows: list[str], first: int, *, blocked: bool = False) -> list[str]:
        """Loops over the axes from `first` on, around some rows."""
        for k in reversed(range(first, len(self.lengths))):
            rows = self._for(k, "count" if blocked and k == first else str(self.lengths[k]), rows)
        return rows

    def _index(self, pointer: int, axes: int) -> str:
        """The element of a pointer: of the first `axes` axes, and in a block."""
        terms = []
        for k, s in enumerate(self.strides[pointer]):
            variable = _VARIABLES[k] if k < axes else ""
            if k == self.cut and self.per < self.lengths[k]:
                variable = f"(block + {variable})" if variable else "block"
            if variable and s:
                terms.append(variable if s == 1 else f"{s} * {variable}")
        return " + ".join(terms).replace("+ -", "- ") or "0"

    def _in_block(self) -> str:
        """The element of a block buffer."""
        terms = []
        for k in range(self.cut, len(self.lengths)):
            s = self._inner(k + 1)
            terms.append(_VARIABLES[k] if s == 1 else f"{s} * {_VARIABLES[k]}")
        return " + ".join(terms) or "0"

    def _element(self, register: _Register) -> str:
        """Where a register is loaded from."""
        if register.block:
            return f"{register.name}[{self._in_block()}]"
        assert register.pointer is not None
        return self._at(register.pointer, register.dtype)

    def _at(self, pointer: int, dtype: np.dtype[Any]) -> str:
        """The element of a pointer, as a number of some type."""
        name = self.names[pointer]
        if self.arguments[pointer].dtype != dtype:
            name = f"(({TYPES[dtype.name]} *){name})"
        return f"{name}[{self._index(pointer, len(self.lengths))}]"

    def _body(self, lines: list[_Line]) -> list[str]:
        """What some lines do for one element; what is used only once needs no name."""
        rows: list[str] = []
        stores = [z for z, line in enumerate(lines) if line.output.block or line.into is not None]
        readers = {x: z for z, line in enumerate(lines) for x in line.inputs if isinstance(x, _Register)}
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
            targets = [f"{z.name}[{self._in_block()}]"] if z.block else []
            if line.into is not None:
                targets.append(self._at(line.into, z.dtype))
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
        name, signature = line.loop
        operands = []
        for x in (*line.inputs, line.output):
            step = x.dtype.itemsize
            if x.block:
                operands += [x.name, str(step)]
                continue
            pointer = line.into if x is line.output else x.pointer
            assert pointer is not None
            place = self._index(pointer, self.cut)
            operands += [self.names[pointer] + (f" + {place}" if place != "0" else "")]
            operands.append(str(step if any(self.strides[pointer]) or self._inner(0) == 1 else 0))
        call = "unary" if len(line.inputs) == 1 else "binary"
        note = "note(); " if name in _CLEARING else ""
        return f"{note}{call}(&{loop_name(name, signature)}, {', '.join(operands)}, {count});"


def loop_name(ufunc: str, signature: str) -> str:
    """What C calls an inner loop of NumPy's."""
    return f"numpy_{ufunc}_{TYPES[{'f': 'float32', 'd': 'float64'}.get(signature[0], 'float64')]}"
