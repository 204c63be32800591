"""A program as one C file of its own, which needs C's standard library alone: for teaching, and for small machines.

It says what `writing.plain` says, in loops. Products are three loops, sums go from the first element to the last, and
functions are those of <math.h>, so that the numbers are NumPy's but for rounding. What is done once stands where it is
done; what is done several times is a function.
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from ..error import CompileError
from ..ir import Label, Op, Value, values_in
from ..memory import Plan, arrange
from ..passes import run_passes
from ..program import copied
from ..writing.idioms import choose
from .expressions import MATHS, TYPES, has_type, literal
from .places import Unsupported
from .rolling import rolled
from .scalars import clocks
from .source import CNames, Source, words
from .totals import VARIABLES, around, function, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ..memory import Storage
    from ..program import Program, UpdateGroup
    from .places import Place
    from .steps import Step

__all__ = ["reserved", "write_file"]

LARGEST = 50_000  # numbers that stand in the file as text
_WIDTH = 110
_SPARED = 0.75  # buffers share memory where that takes less than this part of it
_LIBRARY = re.findall(
    r"\w+",
    "clearerr ctermid dprintf drem erf erfc fabs fdim finite fma fopen fread frexp gamma getc getchar getdelim getline "
    "gets getw ilogb j0 j1 jn ldexp lgamma llrint llround logb lrint lround modf nan nearbyint nextafter nexttoward "
    "pclose perror popen printf putc putchar puts putw remainder remove remquo rename renameat rewind round scalb "
    "scalbln scalbn scanf setbuf setvbuf significand sqrt tempnam tgamma tmpfile tmpnam ungetc vprintf vscanf y0 y1 yn",
)
_LIBRARY = [f"{name}{end}" for name in (*MATHS.values(), *_LIBRARY) for end in ("", "f", "l")]
"""The functions of <math.h> and <stdio.h>."""
_PART = re.compile(r"\$(\d+)\$(\[([^\]]*)\])?")


def reserved(name: str) -> bool:
    """Whether a word means something else in C than a function of the user's."""
    return not name.isascii() or (name != "step" and CNames(*_LIBRARY).unique(name) != name)


def write_file(
    raw: Program, path: Path, numbers: Sequence[tuple[UpdateGroup, list[tuple[Any, str]]]], *, whole: bool
) -> None:
    """Write a traced program to `path`, with the numbers that its memory holds now.

    `numbers` are its runtime numbers, by what computes them; if not `whole`, the results are the first of its results.
    Raises CompileError for what C cannot say.
    """
    program, _ = copied(raw)
    choose(program)
    run_passes(program, "exact", calls=False)
    try:
        file = _File(program, *_leave(program, whole=whole), path.stem, numbers)
        path.write_text(file.source, encoding="utf-8")
        if file.loaded:
            path.with_suffix(".bin").write_bytes(b"".join(x.tobytes() for x in file.loaded.values()))
    except Unsupported as error:
        raise CompileError(f"compile: {program.name} cannot be written as a C file: {error}.") from None


def _leave(program: Program, *, whole: bool) -> tuple[list[Value], int]:
    """What the C function is called with, and how many of these are its results, at the end.

    Results and gradients lie in memory of the caller's. Gradients of what the step itself updates stay inside.
    """
    incoming = {id(t): v for t, v in program.gradients_in}
    results = list(values_in(program.results if whole else program.results[0]))
    for t, v in program.gradients_out:
        if v is None:
            continue
        if id(t) in incoming:
            program.stores[incoming[id(t)].memory] = v  # type: ignore[index]
        elif id(t) not in program.states or program.states[id(t)][1].root.memory not in program.stores:
            results.append(v)
    program.gradients_out = []
    stored, outputs = set(program.stores.values()), []
    for v in results:
        computed = v.op is not None and v.op.effect in ("new", "fresh") and v.strides is None
        if not computed or v in stored or v in outputs:
            z = Value(v.shape, v.dtype, None, Label(v.label.name, v.label.hint))
            program.ops.append(Op("copy", np.copyto, (v,), {}, z, "new", None, "results"))
            v = z  # noqa: PLW2901
        outputs.append(v)
    program.results = tuple(outputs)
    return [*program.inputs, *incoming.values(), *outputs], len(outputs)


class _File(Source):
    """The C of a program, as a file that stands alone."""

    exact = False
    library = _LIBRARY
    stops = "wrong = 1"

    def __init__(self, program: Program, sources: list[Value], outputs: int, stem: str, numbers: Any) -> None:
        self.stem, self.updates = stem, numbers
        self.first_result = len(sources) - outputs
        self.loaded: dict[str, Any] = {}
        """By name: what is read from a file, since it is too much for text."""
        self.large = sum(v.size for _, v in program.states.values()) > LARGEST
        self.counts: Counter[str] = Counter()
        self.once: set[str] | None = None
        """The texts of what is done once, as soon as all are counted."""
        super().__init__(program, sources)

    # memory

    def _fixed(self) -> dict[Storage, int]:
        """Whoever calls it holds the arguments."""
        for v in self.sources:
            if (v.size and not self.places.of(v).contiguous) or not has_type(v.dtype):
                message = f"{v.label.name or 'an argument'} is {v.dtype} with strides {self.places.of(v).strides}"
                raise Unsupported(f"{message}; it takes arrays of C's numbers, row after row")
        return self.inputs

    def _steps(self) -> list[Step]:
        lowered: list[Step] = []
        needed = {*self.inputs, *self.lasting}
        for step in reversed(super()._steps()):
            if step.result is None or step.result.storage in needed:  # others led to what has no elements
                lowered.insert(0, step)
                needed.update(x.storage for x in step.reads)
            if step.kind == "python":
                what = "a draw of random numbers" if step.op.bound is not None else step.op.function
                raise Unsupported(f"C does not say {what}{step.op.where and f', in {step.op.where}'}")
        return lowered

    def _lay_out(self) -> None:
        super()._lay_out()
        self.pools = {kind: self._pool(kind) for kind in {storage.spans.dtype.name for storage in self.spans}}
        """By type: how many bytes its buffers share; 0 where each has its own."""

    def _pool(self, kind: str) -> int:
        """Let the buffers of a type lie side by side, or where others have been."""
        mine = {s: span for s, span in self.spans.items() if s.spans.dtype.name == kind and s.spans.size > 1}
        pool = Plan()
        arrange(pool, mine)
        return pool.nbytes if pool.nbytes < _SPARED * sum(s.spans.nbytes for s in mine) else 0

    # names

    def _field(self, storage: Storage) -> str:
        return f"{'&' * (storage.spans.size == 1)}{self._member(storage)}"

    def _takes_turns(self, storage: Storage) -> bool:
        v = storage.spans
        return storage in self.spans and v.size > 1 and bool(self.pools[v.dtype.name])

    # groups

    def _pieces(self) -> Any:
        self.names.taken |= {self.stem, f"{self.stem}_load"}
        for group in self.groups:
            self._call(group)
        self.once = {text for text, n in self.counts.items() if n == 1}
        self.rows: list[str] = []
        for group in self.groups:
            self.rows += [*self._comments(group.steps[-1]), *self._call(group)]
            if group.kind in ("check", "gather", "scatter"):
                self.rows.append("if (wrong) return wrong;")
        return ()

    def _apply(
        self, text: str, places: Sequence[Place], section: str, labels: Sequence[Value] = (), first: Iterable[int] = ()
    ) -> list[str]:
        labels = labels or [x.value for x in places]
        numbers = [str(i) for i in first] or [str(i) for i in range(len(places))]
        pointers = dict(zip(numbers, map(self.pointer, places), strict=True))
        if self.once is None:
            self.counts[text] += 1
            return []
        if text not in self.once:
            return self._shared(text, labels, section, pointers)
        names = CNames(*self.names.taken, *words(text))  # but for what is a name inside of this alone
        named: dict[str, str] = {}

        def spelt(match: re.Match[str]) -> str:
            number, _, index = match.groups()
            if number not in pointers:
                named[number] = named.get(number) or names.unique(self.word(labels[int(number)]))
                return named[number]
            return pointers[number] if index is None else element(pointers[number], index)

        rows = textwrap.dedent(_PART.sub(spelt, text.partition("{\n")[2].removesuffix("}"))).splitlines()
        return rows if len(rows) == 1 or rows[0].startswith("for") else ["{", *(f"    {row}" for row in rows), "}"]

    def _shared(self, text: str, labels: Sequence[Value], section: str, pointers: dict[str, str]) -> list[str]:
        """The call of the function of a text; what is one number is handed over itself."""
        head, _, body = text.partition("\n")
        for number, pointer in pointers.items():
            single = f"${number}$[0]"
            if f"*restrict ${number}$" in head and body.count(f"${number}$") == body.count(single):
                before = rf"const (\w+) \*restrict \${number}\$"
                head, count = re.subn(before, rf"const \1 ${number}$", head)
                body = body.replace(single, f"${number}$") if count else body
                pointers[number] = element(pointer, "0") if count else pointer
        name = self._function(f"{head}\n{body}", labels, section, map(int, pointers))
        return [f"{name}({', '.join(pointers.values())});"]

    def _product(self, step: Step) -> list[str]:
        p, places = step.spelling, [*step.operands, step.result]
        *outer, i, j, k = list(VARIABLES[: len(p.batch) + 3])
        lengths = dict(zip((*outer, i, j, k), (*(n for n, *_ in p.batch), p.m, p.n, p.k), strict=True))
        at = []
        for q, (x, strides, u, v) in enumerate(zip(places, (p.a, p.b, p.c), (i, k, i), (k, j, j), strict=True)):
            moves = zip((*(axis[q + 1] for axis in p.batch), *strides), (*outer, u, v), strict=True)
            at.append(total((s // x.dtype.itemsize, variable) for s, variable in moves if lengths[variable] > 1))
        term, kind = f"$0$[{at[0]}] * $1$[{at[1]}]", TYPES[step.result.dtype.name]
        body = [f"{kind} total = 0;", *around([(k, p.k)], [f"total += {term};"], ""), f"$2$[{at[2]}] = total;"]
        if p.k == 1:
            body = [f"$2$[{at[2]}] = {term};"]
        loops = [(x, n) for x, n in lengths.items() if n > 1 and x != k]
        return self._apply(function(places, step.result, around(loops, body)), places, "product")

    # the whole

    def _text(self) -> str:
        numbers = {id(s.memory.array): n for s, n in self.fields.items() if s.kind == "number" and s.memory is not None}
        types = {name: TYPES[storage.spans.dtype.name] for storage, name in self.fields.items()}
        settings, before, after = clocks(self.updates, numbers, types, self.names)
        memory = [row for storage, name in self.fields.items() for row in self._memory(storage, name)]
        self._refuse_shared()
        functions = [row for text in self.definitions for row in (*text.splitlines(), "")]
        rows = [row for row in self.rows if not row.startswith("/*")]
        code = " ".join((*functions, *rows))
        if re.search(r"\bas_\w+\(|_t \*\)|(float|double) \*\)", code):
            raise Unsupported("it reads numbers as those of another type")
        checked, used = self.stops in code, words(" ".join(rows))
        parameters = ", ".join(map(self._parameter, range(len(self.sources))))
        head = f"{'int' if checked else 'void'} {self.stem}({parameters or 'void'})"
        body = [f"(void){name}; /* makes no difference */" for name in self.arguments.values() if name not in used]
        body += ["wrong = 0;"] * checked + before + rolled(self.rows[not before :]) + after + ["return 0;"] * checked
        rows = [*settings, *memory, *self._buffers(), ""]
        rows += ["static int wrong; /* whether a label or an index is out of bounds */", ""] * checked
        rows += [*self._load(), *functions, f"{head} {{", *(f"    {row}" if row else "" for row in body), "}", ""]
        rows = [row.replace("for (intptr_t", "for (int").replace("*restrict ", "*") for row in rows]
        text = "\n".join(part for row in rows for part in _wrapped(row))
        needs = {"math": r"\b\w+\(|NAN|INFINITY", "stdint": r"\b(u?int\d*|intptr)_t\b", "stdio": "FILE"}
        out = self._title(head, checked=checked)
        out += [f"#include <{name}.h>" for name, pattern in needs.items() if re.search(pattern, text)]
        out += ["", *["typedef unsigned char boolean;", ""] * ("boolean" in f"{text}{head}"), text]
        return "\n".join(out)

    def _title(self, head: str, *, checked: bool) -> list[str]:
        """What the file is, and how to call it."""
        rows = [f"/* {self.program.name}, written by micrograd_np: C99 that needs its standard library alone.", ""]
        rows += [f"   {row}" for row in textwrap.wrap(f"{head};", _WIDTH - 4, subsequent_indent="    ")]
        rows += ["", "   makes one call. Arrays lie row after row, and must not overlap:"]
        for i, v in enumerate(self.sources):
            shape = " x ".join(map(str, v.shape)) or "one number"
            role = "writes" if i >= self.first_result else "reads and changes" if self._written(i) else "reads"
            rows.append(f"   - {self.arguments[i]}: {shape}, which it {role}")
        if checked:
            rows += ["", "   It returns 1, and has stopped, where a label or an index is out of bounds; else 0."]
        lasting = sum(x.spans.nbytes for x in self.fields if x.kind in ("state", "constant"))
        passing = sum(self.pools.values()) + sum(
            x.spans.nbytes for x in self.fields if x.kind == "buffer" and not self.pools.get(x.spans.dtype.name)
        )
        rows += ["", f"   What it keeps takes {lasting:,} bytes, what it computes on the way {passing:,} bytes."]
        if self.loaded:
            rows += ["", f'   Call {self.stem}_load("{self.stem}.bin") first: it reads the parameters, and returns 0.']
        last = f'   Write #include "{self.stem}.c" in your program, or compile it beside: cc -std=c99 -O2 ... -lm */'
        return [*rows, "", last, ""]

    def _written(self, i: int) -> bool:
        return i >= self.first_result or self.plan.storage(self.sources[i]) in self.lasting

    def _parameter(self, i: int) -> str:
        v = self.sources[i]
        return f"{'' if self._written(i) else 'const '}{TYPES[v.dtype.name]} {self.arguments[i]}[{_count(v)}]"

    def _memory(self, storage: Storage, name: str) -> list[str]:
        """The definition of an array, with the numbers that it begins with."""
        v, memory = storage.spans, storage.memory
        if storage.kind in ("buffer", "number") or memory is None:
            return []
        now = memory.current
        if self.places.of(v).bounds != (0, v.nbytes) or not now.dtype.isnative:
            raise Unsupported(f"{name} has strides {now.strides}, or gaps")
        count = _count(v, now.strides)
        now = now.ravel(order="K")
        kind = TYPES[v.dtype.name]
        large = storage.kind == "state" and self.large and v.size > 1
        if large:
            self.loaded[name] = now
        const = "" if large or storage in self.lasting else "const "
        if v.size == 1:
            return [f"static {const}{kind} {name} = {literal(now[0], v.dtype).strip('()')};"]
        if large or not (now.any() or np.signbit(now.astype(float)).any()):
            return [f"static {const}{kind} {name}[{count}];"]
        numbers = ", ".join([literal(x, v.dtype).strip("()") for x in now])
        turned = " /* column after column */" * (len(v.shape) == 2 and count != _count(v))
        return [f"static {const}{kind} {name}[{count}] = {{ {numbers} }};{turned}"]

    def _refuse_shared(self) -> None:
        """Raise Unsupported where memory that is written is also seen by another name, which would be another array."""
        states = [(s, n, s.memory.current) for s, n in self.fields.items() if s.memory and s.kind == "state"]
        for (storage, name, array), (_, other, part) in permutations(states, 2):
            if storage in self.lasting and np.may_share_memory(array, part):
                raise Unsupported(f"{name} and {other} share memory")

    def _buffers(self) -> list[str]:
        """The definitions of the buffers."""
        rows: dict[str, None] = {}
        for storage, name in self.fields.items():
            v, kind = storage.spans, storage.spans.dtype.name
            if storage.kind != "buffer" or storage in self.inputs:
                continue
            count, size = _count(v, v.strides), self.pools.get(kind, 0) // v.dtype.itemsize
            if not size or v.size <= 1:
                rows[f"static {TYPES[kind]} {name}{f'[{count}]' * (v.size != 1)};"] = None
                continue
            memory = self.names.name(kind, Value((), v.dtype, None, Label("buffers")))
            rows[f"static {TYPES[kind]} {memory}[{size}]; /* shared by */"] = None
            at = f"{memory} + {storage.offset // v.dtype.itemsize}"
            rows[f"static {TYPES[kind]} *const {name} = {at}; /* {count} */"] = None
        return list(rows)

    def _load(self) -> list[str]:
        """The function that reads what is too much for text."""
        if not self.loaded:
            return []
        reads = [f"fread({name}, sizeof {name}, 1, file) == 1" for name in self.loaded]
        return [
            f"int {self.stem}_load(const char *path) {{", '    FILE *file = fopen(path, "rb");',
            "    int whole = file != NULL;", *(f"    whole = whole && {read};" for read in reads),
            "    if (file) fclose(file);", "    return !whole;", "}", "",
        ]  # fmt: skip


def element(pointer: str, index: str) -> str:
    """What a pointer points at, `index` elements on."""
    if pointer.startswith("&"):
        return pointer[1:]
    name, _, offset = pointer.partition(" + ")
    if not name.isidentifier():
        return f"({pointer})[{index}]"
    return f"{name}[{' + '.join(x for x in (offset, index) if x not in ('', '0')) or '0'}]"


def _count(v: Value, strides: tuple[int, ...] | None = None) -> str:
    """How many elements an array has, by its axes, in their order in memory."""
    order = sorted(range(len(v.shape)), key=lambda k: -abs(strides[k]) if strides else k)
    return " * ".join(str(v.shape[k]) for k in order) if v.size > 1 else "1"


def _wrapped(row: str) -> list[str]:
    """A row on as many lines as it takes."""
    indent = " " * (len(row) - len(row.lstrip()))
    if len(row) <= _WIDTH or row.lstrip().startswith("/*"):
        return [row]
    text = re.sub("(?<!,) ", "\0", row.lstrip()) if ", " in row else row.lstrip()
    rows = textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}    ", break_long_words=False)
    return [row.replace("\0", " ") for row in rows]
