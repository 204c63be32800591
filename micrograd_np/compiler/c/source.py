"""The C text of a program: its memory as named pointers, a function for each kind of loop, and the step.

The C that all programs share lies beside this file: `prelude.h`, and `threads.h` for long loops.
"""

from __future__ import annotations

import functools
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..memory import place
from ..naming import Names
from .binding import STOP
from .expressions import MATHS, TYPES
from .fuse import fuse
from .nest import Nest
from .places import Places
from .rolling import rolled
from .steps import steps
from .totals import VARIABLES, around, function, index_of, one_by_one, reduction, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..ir import Value
    from ..memory import Storage
    from ..program import Program
    from .fuse import Group
    from .places import Place
    from .products import Product
    from .steps import Step

__all__ = ["CNames", "Source", "prelude", "words"]

_TAKEN = re.findall(
    r"\w+",
    "asm auto break case char const continue default do double else enum extern float for goto if inline int long "
    "register restrict return short signed sizeof static struct switch typedef typeof union unsigned void volatile "
    "while linux unix main step load file math_errhandling stdin stdout stderr EOF FILE INFINITY INLINE NAN NULL "
    "i j k l m n p q a b c block count skip label row place memory reported note flags flag_numbers raised given bind "
    "unary binary reduce matmul numpy_loop numpy_matmul_float numpy_matmul_double ndarray wrong total element "
    "from to part parts divide places run_part threads started length own "
    "boolean intptr_t uintptr_t int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t "
    "as_float as_double as_int32_t as_int64_t memcpy feclearexcept fetestexcept pthread_create pthread_join "
    "isfinite isinf isnan isnormal signbit fpclassify index div round sqrt fabs sqrtf fabsf "
    "gamma lgamma tgamma j0 j1 jn y0 y1 yn",
)
_TAKEN += [f"{name}{end}" for name in MATHS.values() for end in ("", "f")]
_MACRO = re.compile(
    r"(CLOCKS?|FE|FILENAME|FOPEN|FP|HUGE|MATH|PTHREAD|PTRDIFF|SCHED|SEEK|SIG\w*|SIZE|TIMER?|TMP|U?INT\w*|WCHAR|WINT)"
    r"_\w*[A-Z]|FP_ILOGB0|M_([12]_)?[A-Z0-9]+(_[24])?"
)


class CNames(Names):
    """Names that mean nothing else in C, or in the text around them, of which some words are given."""

    def __init__(self, *words: str) -> None:
        super().__init__(*_TAKEN, *words)

    def unique(self, wish: str) -> str:
        """`wish` as an identifier that nothing else has."""
        name = super().unique(wish)
        while _MACRO.fullmatch(name):
            name = super().unique(name)
        return name


@functools.cache
def prelude(name: str = "prelude") -> str:
    """The text of one of the files that all programs share."""
    return files(__package__).joinpath(f"{name}.h").read_text(encoding="utf-8")


def words(text: str) -> set[str]:
    """The words of a text."""
    return set(re.findall(r"\w+", text))


class Piece(NamedTuple):
    """A function of C, with its rows; or the steps that NumPy runs."""

    name: str
    rows: Sequence[str] = ()
    steps: Sequence[Step] = ()


class Source:
    """The C of a program; what depends on what that may contain is for subclasses."""

    exact = True
    """Whether it computes what NumPy computes, in every bit."""
    library: Sequence[str] = ()
    """What the names of the whole file must not be, either."""
    stops = f"flags |= {STOP}"
    """What says that the call must not go on."""

    def __init__(self, program: Program, sources: list[Value], threads: int = 1) -> None:
        self.program, self.sources, self.threads = program, sources, threads
        """The program, what its step is called with, and how many threads a long loop is divided among."""
        self.plan = place(program)
        for storage in (*self.plan.storages.values(), *self.plan.sources.values()):
            storage.kind = "buffer" if storage.kind == "fresh" else storage.kind
        self.places = Places(program, self.plan)
        self.lasting = {self.plan.sources[memory] for memory in program.stores if memory in self.plan.sources}
        """What it changes that outlives it."""
        self.inputs: dict[Storage, int] = {}
        for i, v in enumerate(sources):
            self.inputs.setdefault(self.plan.storage(v), i)
        self.fixed = self._fixed()
        """What has a place already."""
        self.groups = fuse(self._steps(), self.places, self.lasting)
        self._lay_out()
        self.names = CNames(*self.library)
        self._last = "", ""
        self.fields: dict[Storage, str] = {}
        """By storage whose address does not change: its name in the structure."""
        self.arguments = {i: self.names.unique(self.names.wish(v) or "x") for i, v in enumerate(sources)}
        self.arrays = {i: self.names.unique(f"{name}_array") for i, name in self.arguments.items()}
        self.functions: dict[str, str] = {}  # by text
        self.definitions: list[str] = []
        self.loops: dict[tuple[str, str], str] = {}
        """By ufunc and signature: the name of NumPy's inner loop."""
        self.types = {i: TYPES.get(v.dtype.name, "char") for i, v in enumerate(sources)}
        self.pieces = self._pieces()
        """In order: functions of C, or the steps that NumPy runs."""
        self.source = self._text()
        """The text."""

    # memory

    def _fixed(self) -> Mapping[Storage, Any]:
        return {}

    def _steps(self) -> list[Step]:
        return steps(self.program, self.places, exact=self.exact)

    def _lay_out(self) -> None:
        """Find out what needs memory, since it is read outside the loop that computes it, and for how long."""
        needed = {self.plan.storage(v) for v in self.program.leaving()}
        users: dict[Storage, list[int]] = {}
        for i, group in enumerate(self.groups):
            for step in group.steps:
                for x in step.touches:
                    users.setdefault(x.storage, []).append(i)
        end = len(self.groups)
        self.spans: dict[Storage, tuple[int, int]] = {}
        """The first group that touches a storage of the program's own, and the last."""
        inside: set[Storage] = set()
        for storage in dict.fromkeys((*users, *needed)):
            if storage.kind != "buffer" or storage in self.fixed:
                continue
            first, last = min(users.get(storage, [0])), max(users.get(storage, [end]))
            if storage not in needed and first == last and self.groups[first].kind == "loop":
                inside.add(storage)
            else:
                self.spans[storage] = first, end if storage in needed else last
        every = (step for group in self.groups for step in group.steps if step.result is not None)
        self.stored = {step for step in every if step.result.storage not in inside}

    # names

    def word(self, v: Value) -> str:
        """What to call a value."""
        return re.sub(r"\W+", "_", self.names.wish(v) or "t").strip("_") or "t"

    def pointer(self, place: Place) -> str:
        """An expression for the address of a place."""
        storage = place.storage
        if storage in self.inputs:
            i = self.inputs[storage]
            base, kind = self.arguments[i], self.types[i]
        else:
            base, kind = self._field(storage), TYPES.get(storage.spans.dtype.name, "char")
        size = storage.spans.dtype.itemsize
        kind_here = TYPES[place.dtype.name]
        if place.offset % size == 0:
            at = f" + {place.offset // size}" if place.offset else ""
            return f"{base}{at}" if kind == kind_here else f"({kind_here} *)({base}{at})"
        return f"({kind_here} *)((char *){base} + {place.offset})"

    def _field(self, storage: Storage) -> str:
        return f"m->{self._member(storage)}"

    def _member(self, storage: Storage) -> str:
        """The name of the memory where a storage lies: one for those of equal layout that take turns there."""
        if storage not in self.fields:
            v = storage.spans
            there = v.dtype, v.shape, v.strides, storage.start, self.word(v)
            self.fields[storage] = self.names.name(there if self._takes_turns(storage) else storage, v)
        return self.fields[storage]

    def _takes_turns(self, storage: Storage) -> bool:
        """Whether other values may lie where a storage is, at another time."""
        return storage in self.spans

    @property
    def members(self) -> dict[str, Storage]:
        """The pointers of the structure, in order: a storage that lies there, by name."""
        return {name: storage for storage, name in self.fields.items()}

    def loop(self, ufunc: str, signature: str) -> str:
        """The name of an inner loop of NumPy's."""
        kind = TYPES[np.dtype(signature[0]).name]
        return self.loops.setdefault((ufunc, signature), f"numpy_{ufunc}_{kind}")

    # groups

    def _pieces(self) -> list[Piece]:
        """The rows of all groups, cut where NumPy runs something."""
        pieces: list[Piece] = []
        rows: list[str] = []
        late = False

        def close() -> None:
            if rows:
                rows.append("note();")
                rows.append(f"return {'-' if late else ''}(flags & m->reported);")
                pieces.append(Piece(f"step_{len(pieces)}" if pieces else "step", rows.copy()))
                rows.clear()

        for group in self.groups:
            step = group.steps[-1]
            if group.late and not late:
                if rows:
                    rows += ["note();", "if (flags & m->reported) return flags & m->reported;"]
                rows += ["", "/* up to here nothing has changed that outlives the step */", "flags = 0;"]
                late = True
            if step.kind == "python" or (step.kind == "check" and late):
                close()
                before = pieces.pop().steps if pieces and pieces[-1].steps else ()
                pieces.append(Piece("", (), (*before, step)))
                continue
            rows += [*self._comments(step), *self._call(group)]
        close()
        return pieces

    def _comments(self, step: Step) -> list[str]:
        """The heading of a section that begins, and the user's line, if it is another one."""
        section, where = step.op.section, step.op.where
        rows = ["", f"/* {section} */"] if section != self._last[0] else []
        if where and (section, where) != self._last:
            rows.append(f"/* {where.replace('*/', '* /').replace('/*', '/ *')} */")
        self._last = section, where or self._last[1] * (section == self._last[0])
        return rows

    def _call(self, group: Group) -> list[str]:
        step = group.steps[0]
        write = {"product": self._product, "reduction": self._reduction, "check": self._check}
        if group.kind != "loop":
            return write.get(group.kind, self._gather)(step)
        nest = Nest(group, self.stored, self.threads, self.loop)
        section = group.steps[-1].op.section
        if nest.threads == 1:
            return self._apply(nest.text, nest.arguments, section, nest.labels, nest.parameters)
        name = self._function(nest.text, nest.labels, section, nest.parameters)
        places = ", ".join(map(self.pointer, nest.arguments))
        return [f"divide({name}_part, {nest.lengths[0]}, {nest.piece}, {nest.threads}, (void *[]){{{places}}});"]

    def _apply(
        self, text: str, places: Sequence[Place], section: str, labels: Sequence[Value] = (), first: Iterable[int] = ()
    ) -> list[str]:
        """The call of the function of a text on some places, after which it names things unless there are `labels`."""
        labels = labels or [x.value for x in places]
        return [f"{self._function(text, labels, section, first)}({', '.join(map(self.pointer, places))});"]

    def _function(self, text: str, labels: Sequence[Value], section: str, first: Iterable[int] = ()) -> str:
        """The name of the function of a text, which is written once; `first` say which labels are named first."""
        if text not in self.functions:
            name = self.names.unique(section.rpartition(" ")[2])
            names = CNames(*words(text))
            named = {str(i): names.unique(self.word(labels[i])) for i in dict.fromkeys((*first, *range(len(labels))))}
            self.functions[text] = name
            spelt = re.sub(r"\$(\d+)\$", lambda number: named[number[1]], text)
            self.definitions.append(
                re.sub(r"\b(NAME|PART)\b", lambda word: f"{name}{'_part' * (word[0] == 'PART')}", spelt)
            )
        return self.functions[text]

    def _product(self, step: Step) -> list[str]:
        p: Product = step.spelling
        places = [*step.operands, step.result]
        kind = places[0].dtype
        loop = self.loop("matmul", f"{kind.char * 2}->{kind.char}")
        batch = [(v, *axis) for v, axis in zip(VARIABLES, p.batch, strict=False) if axis[0] > 1]
        arguments = []
        for q, (x, strides) in enumerate(zip(places, (p.a, p.b, p.c), strict=True)):
            at = [f" + {moves[q] // kind.itemsize} * {v}" for v, _, *moves in batch if moves[q]]
            arguments.append(f"{self.pointer(x)}{''.join(at)}, {strides[0]}, {strides[1]}")
        call = f"matmul(&{loop}, {', '.join(arguments)}, {p.m}, {p.k}, {p.n});"
        return around([(v, n) for v, n, *_ in batch], [call], "")

    def _reduction(self, step: Step) -> list[str]:
        name, nest, start, axes, kept = step.spelling
        (x,), z = step.operands, step.result
        if nest is None:
            text = one_by_one(x, z, name, start, axes, kept)
        else:
            loop = self.loop(name, f"{x.dtype.char * 2}->{x.dtype.char}")
            text = reduction(x, z, nest, start, loop, clears=name in ("maximum", "minimum"))
        return self._apply(text, (x, z), name)

    def _check(self, step: Step) -> list[str]:
        """A loop that looks for what must not be."""
        (x,), (word, wrong) = step.operands, step.spelling
        loops = list(zip(VARIABLES, x.shape, strict=False))
        body = [f"const int64_t {word} = $0$[{index_of(x, [v for v, _ in loops])}];"]
        body.append(f"if ({wrong}) {self.stops};")
        return self._apply(function((x,), None, around(loops, body)), (x,), "check")

    def _gather(self, step: Step) -> list[str]:
        """A loop that reads, or writes, where whole numbers say; what is out of bounds stops it."""
        axes, sign = step.spelling
        (first, *indices), last = step.operands, step.result
        x, z = (first, last) if step.kind == "gather" else (last, first)
        shape = np.broadcast_shapes(*(p.shape for p in indices)) + x.shape[len(indices) :]
        loops = list(zip(VARIABLES, shape, strict=False))
        variables = [v for v, _ in loops]
        rows = []
        at = []
        for k, index in enumerate(indices):
            own = variables[axes - len(index.shape) : axes]
            rows.append(f"intptr_t row_{k} = ${k + 1}$[{index_of(index, own)}];")
            if index.dtype.kind == "i":
                rows.append(f"if (row_{k} < 0) row_{k} += {x.shape[k]};")
            rows.append(f"if (row_{k} < 0 || row_{k} >= {x.shape[k]}) {{ {self.stops}; row_{k} = 0; }}")
            at.append((x.strides[k] // x.dtype.itemsize, f"row_{k}"))
        size = x.dtype.itemsize
        at += [(s // size, v) for s, v in zip(x.strides[len(indices) :], variables[axes:], strict=True)]
        pair = [f"$0$[{total(at)}]", f"${len(indices) + 1}$[{index_of(z, variables)}]"]
        target, source = pair if step.kind == "scatter" else pair[::-1]
        body = [*rows, *around(loops[axes:], [f"{target} {sign} {source};"], "")]
        places = [x, *indices, z]
        return self._apply(function(places, last, around(loops[:axes], body)), places, step.kind)

    # the whole

    def _text(self) -> str:
        program = self.program
        shown = "; ".join(f"{self.arguments[i]} {v.shape} {v.dtype}" for i, v in enumerate(self.sources))
        out = [f"/* {program.name}{f', for {shown}' if shown else ''} */", prelude()]
        out += [
            "/* An array of NumPy's, of which C reads where its elements are. */",
            f"typedef struct {{ char head[{object.__basicsize__}]; void *data; }} ndarray;", "",
            "/* What lies where. */", "typedef struct {", "    int reported; /* of the flags of floating point */",
        ]  # fmt: skip
        for name, storage in self.members.items():
            v = storage.spans
            shape = " x ".join(map(str, v.shape)) or "one number"
            out.append(f"    {TYPES.get(v.dtype.name, 'char')} *{name}; /* {shape}{self._kind(storage)} */")
        out += ["} memory;", ""]
        out += [f"static numpy_loop {', '.join(self.loops.values())};", ""] if self.loops else []
        out += ["void bind(const numpy_loop *given) {"]
        out += [f"    {name} = given[{i}];" for i, name in enumerate(self.loops.values())]
        out += ["}", ""]
        if any("divide(" in row for piece in self.pieces for row in piece.rows):
            out.append(prelude("threads"))
        for definition in self.definitions:
            out += [definition, ""]
        parameters = "".join(f", const ndarray *{name}" for name in self.arrays.values())
        for piece in self.pieces:
            if piece.rows:
                out.append(f"int {piece.name}(const memory *m{parameters}) {{")
                out += [f"    {row}" if row else "" for row in (*self._opening(piece.rows), *rolled(piece.rows))]
                out += ["}", ""]
        return "\n".join(out)

    def _opening(self, rows: Sequence[str]) -> list[str]:
        """Where the elements of the arguments are that some rows read."""
        rows_first = []
        used = words(" ".join(rows))
        for i, argument in self.arguments.items():
            if argument in used:
                kind = self.types[i]
                rows_first.append(f"{kind} *{argument} = {self.arrays[i]}->data;")
                rows_first.append(
                    f"if ((uintptr_t){argument} % sizeof({kind})) return {STOP}; /* NumPy would copy it first */"
                )
        return [*rows_first, "flags = 0;", "if (raised()) feclearexcept(FE_ALL_EXCEPT);"]

    def _kind(self, storage: Storage) -> str:
        shown = {"state": ", lasts", "number": ", may change from call to call", "constant": ", constant"}
        return shown.get(storage.kind, "")
