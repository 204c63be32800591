"""A program as Python source: what an expert would have written, with the user's own names and lines in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property, lru_cache, partial
from itertools import dropwhile, takewhile
from linecache import getlines
from typing import Any

import numpy as np

from ..ir import OUTLIVES, STATIC, Loop, Memory, Op, Value, values_in
from ..memory import Plan
from ..naming import Names
from ..operations import ELEMENTWISE, PRODUCTS, uniform, writes_first
from ..printer import literal
from ..program import Program
from .layout import under_headings, wrapped
from .rolling import rolled
from .times import Times, Word, fitting, kind_of, repetitions

_POSITIONAL_OUT = (ELEMENTWISE | PRODUCTS) - {"np.maximum", "np.minimum", "np.fmax", "np.fmin"}  # which want a keyword
_MANY = 24  # buffers alike that have a row each
_OWN = (
    "np", "i", "j", "own", "quiet", "partial", "threads", "copy_context", "step", "state", "numbers", "constants",
    "objects", "arena", "build",
)  # fmt: skip
_FIXED = STATIC | {"buffer"}
_OF_LOOPS = ("range", "min", "slice", "ThreadPoolExecutor")


class Literals:
    """Arguments as source; the constants, state, numbers and objects that are met on the way are noted by name."""

    def __init__(self, program: Program) -> None:
        self.every = [one for op in program.ops for one in (op.body if isinstance(op, Loop) else (op,))]
        self.names = Names(*_OWN, *(_OF_LOOPS if len(self.every) > len(program.ops) else ()))
        routines = [op.call.__name__ for op in self.every if op.function.startswith("routine.")]
        self.names.taken.update(routines)  # functions keep their names, values give way
        self.objects: dict[str, Any] = {}
        self.constants: dict[str, Any] = {}
        self.state: dict[str, Memory] = {}
        self.numbers: dict[str, Value] = {}
        self.routines: dict[str, Any] = {}

    def name(self, v: Value) -> str:
        """The name of a value."""
        return self.names.name(v, v)

    def operand(self, v: Value) -> str:
        """A value where it is read."""
        name = self.name(v)
        memory = v.memory
        if memory is not None and memory.kind == "constant":
            self.constants.setdefault(name, memory.array)
        elif memory is not None and memory.kind == "state":
            self.state.setdefault(name, memory)
        elif memory is not None and memory.kind == "number":
            self.numbers.setdefault(name, v)
        return name

    def literal(self, x: Any) -> str:
        """An argument as source."""
        if type(x) is Value:
            return self.operand(x)
        text = x if type(x) is Word else literal(x, self.literal)
        return self.bound(x, "object") if text is None else text

    def index(self, i: Any) -> str:
        """What stands in square brackets."""
        if isinstance(i, slice):
            start, stop = ("" if p is None else self.literal(p) for p in (i.start, i.stop))
            return f"{start}:{stop}" if i.step is None else f"{start}:{stop}:{self.literal(i.step)}"
        if isinstance(i, tuple) and i:
            return ", ".join([self.index(p) for p in i]) + ("," if len(i) == 1 else "")
        return self.literal(i)

    def tight(self, x: Any) -> str:
        """An argument as source, of which an attribute or a part can be taken."""
        return self.literal(x)

    def alias(self, path: str) -> str:
        """What to call a NumPy function."""
        return path

    def call(self, op: Op, f: str, args: Sequence[Any], kwargs: Mapping[str, Any], more: Sequence[str] = ()) -> str:
        """An operation as a call of the function at the path `f`; `more` are further arguments, as source."""
        if f == "attribute.T":
            return f"{self.tight(args[0])}.T"
        if f == "getitem":
            return f"{self.tight(args[0])}[{self.index(args[1])}]"
        f, _, part = f.partition("[")
        if f.startswith("method."):
            f, args = f"{self.tight(args[0])}{f.removeprefix('method')}", args[1:]
        texts = [*map(self.literal, args), *(f"{k}={self.literal(v)}" for k, v in kwargs.items()), *more]
        if op.bound is not None:
            thing, method = op.bound
            f = f"{self.bound(thing)}.{method}"
        elif f.startswith("routine."):
            f = self.routine(op.call)
        elif f.startswith("np."):
            f = self.alias(f)
        return f"{f}({', '.join(texts)}){part and '[' + part}"

    def bound(self, thing: Any, name: str = "generator") -> str:
        """The name of an object that the program is given."""
        for known_as, x in self.objects.items():
            if x is thing:
                return known_as
        name = self.names.unique(name)
        self.objects[name] = thing
        return name

    def routine(self, function: Any) -> str:
        """The name of a routine, whose source the program will contain."""
        self.routines[function.__name__] = function
        return str(function.__name__)

    def routine_sources(self) -> list[str]:
        """The source of the routines that the program calls."""
        rows: list[str] = []
        for routine in self.routines.values():
            head, *body = rows_of(routine)
            rows += [head.replace(": Any", "").replace(" -> None", ""), *body, "", ""]
        return rows

    def bindings(self) -> list[list[str]]:
        """The rows that look up state, numbers, and constants and objects."""
        return [
            [f"{n} = state[{n!r}]  # {m.array.shape} {m.array.dtype}" for n, m in self.state.items()],
            [f"{n} = numbers[{n!r}]" for n in self.numbers],
            [f"{n} = {written(n, a)}" for n, a in self.constants.items()]
            + [f"{n} = objects[{n!r}]" for n in self.objects],
        ]

    def loaded(self) -> dict[str, Any]:
        """The constants that the program does not make itself."""
        return {n: a for n, a in self.constants.items() if "constants[" in written(n, a)}


class Writer(Literals):
    """Writes each operation as the call that it is, on memory laid out by a plan."""

    def __init__(self, program: Program, plan: Plan) -> None:
        super().__init__(program)
        self.program, self.plan = program, plan
        self.aliases: dict[str, str] = {}
        self.views: dict[Any, str] = {}  # by what it shows of what: a view of fixed memory, which is made once
        self.static: dict[Value, bool] = {}  # whether a value's address is the same in every call
        self.value_names: dict[Value, str] = {}
        self.versions: dict[Any, str] = {}  # by storage, label and layout
        self.operands: dict[Value, str] = {}  # those of what has been read
        self.inner: dict[Any, str] = {}  # within a loop: by value, or name of a whole array, that of the block
        self.threads = 1
        self.once: list[tuple[str, Op | None]] = []  # rows that run when the program is built
        self.rows: dict[int, Op] = {}
        """By number of the line in the source: the operation that it does."""
        self.buffers: dict[str, Value] = {}

    # names

    def name(self, v: Value) -> str:
        """The name of a value: versions of one thing share it, and what is called alike in one place of the arena."""
        name = self.value_names.get(v)
        if name is None:
            name = self.value_names[v] = self._name_of_view(v) if v.is_view else self._name_of_memory(v)
        return name

    def _name_of_memory(self, v: Value) -> str:
        storage = self.plan.storage(v)
        if storage.kind != "buffer":
            return self.names.name(storage, v)
        version = storage, v.label, v.shape, v.strides
        name = self.versions.get(version)
        if name is None:
            wish = self.names.wish(v)
            name = self.names.name((storage.start, wish or v, v.shape, v.dtype, v.strides), v)
            self.buffers.setdefault(name, v)
            if wish:
                self.versions[version] = name
        return name

    def _name_of_view(self, v: Value) -> str:
        """The name of a view; one of fixed memory is made when it is named first, once for all that show the same."""
        op = v.op
        assert op is not None
        if op.function == "after":
            return self.operand(op.args[0])
        if not self.is_static(v):
            return self.names.name(v, v)
        key = (op.shows, self.name(op.args[0])) if len(op.reads) == 1 else v
        name = self.views.get(key)
        if name is None:
            text = self.expression(op)
            name = self.views[key] = self.names.name(v, v)
            self.once.append((f"{name} = {text}", op))
        return name

    def operand(self, v: Value) -> str:
        """A value where it is read."""
        name = self.operands.get(v)
        if name is not None and not self.inner:
            return name
        if v in self.inner:
            return self.inner[v]
        if name is None:
            name = self.operands[v] = super().operand(v)
            if v.memory is None and not v.is_view and v.op is not None:
                memory = self.plan.storage(v).memory
                if memory is not None and memory.kind == "state":
                    self.state.setdefault(name, memory)
        return self.inner.get(name, name)

    def alias(self, path: str) -> str:
        """A local name for a NumPy function: bound once, found fast."""
        if path not in self.aliases:
            wish = path.removeprefix("np.").replace(".", "_").replace("method_", "")
            self.aliases[path] = self.names.unique(wish)
        return self.aliases[path]

    def is_static(self, v: Value) -> bool:
        """Whether the address of a value is the same in every call."""
        static = self.static.get(v)
        if static is None:
            op = v.op
            if op is None or op.effect != "view":
                static = self.plan.storage(v).kind in _FIXED
            elif len(op.reads) == 1:
                static = self.is_static(op.reads[0])
            else:
                static = all(map(self.is_static, op.reads))
            self.static[v] = static
        return static

    def is_silent(self, op: Op) -> bool:
        """Whether nothing runs for an operation in each call: its memory is there, or the view is made once."""
        if op.effect == "view":
            return op.function == "after" or (op.result is not None and self.is_static(op.result))
        return op.function in ("empty", "pack")

    # operations

    def expression(self, op: Op) -> str:
        """The right-hand side, or the whole statement of an operation whose memory is there."""
        f, args = op.function, op.args
        if f == "getitem":
            return f"{self.operand(args[0])}[{self.index(args[1])}]"
        out = op.of if op.effect == "update" else op.result if op.effect == "new" else None
        if out is not None and f in _POSITIONAL_OUT and f != "np.dot" and not op.kwargs:
            texts = [self.operand(x) if type(x) is Value else self.literal(x) for x in (*args, out)]
            return f"{self.alias(f)}({', '.join(texts)})"
        if op.effect == "update":
            assert op.of is not None
            if writes_first(f):
                args = (op.of, *args)
        elif f == "copy":
            assert op.result is not None
            f, args = "np.copyto", (op.result, *args)
        if f == "setitem":
            return f"{self.literal(args[0])}[{self.index(args[1])}] = {self.literal(args[2])}"
        if f == "part":
            vector, start, stop, shape, order = args
            ordered = f", order={order!r}" if order == "F" else ""
            return f"{self.operand(vector)}[{start}:{stop}].reshape({shape!r}{ordered})"
        more = []
        if out is not None and f != "np.copyto" and not (op.effect == "update" and writes_first(f)):
            if f == "np.dot" and not op.kwargs:
                args = (*args, out)
            else:
                more.append(f"out={self.operand(out)}")
        if f == "np.dot" and isinstance(args[0], Value):  # the method is found faster than the function, by 0.15 µs
            f = "method.dot"
        return self.call(op, f, args, op.kwargs, more)

    def statements(self, op: Op) -> list[str]:
        """What runs in each call."""
        if isinstance(op, Loop):
            return self._loop(op)
        text = self.expression(op)
        if op.effect in ("fresh", "view") and op.result is not None:
            text = f"{self.name(op.result)} = {text}"
        return [text]

    def _steps(self) -> Iterator[tuple[Op, list[str]]]:
        """The rows of all operations, in order; equal time steps and layers are a loop."""
        ops, name = self._loud, cache(self._fixed)
        numbers: dict[Any, int] = {}
        kinds = [numbers.setdefault(self._kind(op), len(numbers)) for op in ops]
        done = 0
        for start, length, count in repetitions(kinds):

            def make(begin: int, end: int, start: int = start, length: int = length, count: int = count) -> Times:
                first, behind = start + begin * length, start + end * length
                later = ops[behind : behind + length] if end < count else []
                is_own = partial(self._is_own, first)
                return Times(ops[first:behind], length, self._counter, name, is_own, later)

            fit = fitting(make, count)
            if fit is not None:
                times, begin, end = fit
                yield from ((op, self.statements(op)) for op in ops[done : start + begin * length])
                yield from rolled(times, self)
                done = start + end * length
        yield from ((op, self.statements(op)) for op in ops[done:])

    def _kind(self, op: Op) -> Any:
        """What operations have in common that may be one row of a loop."""
        if isinstance(op, Loop) or op.bound is not None or self.changes_state(op):
            return op
        return kind_of(op)

    def _fixed(self, v: Value) -> str | None:
        """As `Times` wants to know it."""
        return None if not self.is_static(v) else "" if v.is_view else self.operand(v)

    @cached_property
    def _loud(self) -> list[Op]:
        """The operations for which something runs in each call."""
        return [op for op in self.program.ops if not self.is_silent(op)]

    @cached_property
    def _last(self) -> dict[Value, float]:
        """By value that the program does not have in fixed memory: the last of its rows that names it."""
        rows = enumerate(self._loud)
        last: dict[Value, float] = {v: i for i, op in rows for v in op.reads if not self.is_static(v)}
        return last | {root: float("inf") for v in self.program.needed() for root in (v, v.root)}

    @cached_property
    def _counter(self) -> str:
        """The variable that numbers time steps and layers."""
        return self.names.unique("t")

    def _is_own(self, start: int, op: Op, end: int) -> bool:
        """As `Times` wants to know it."""
        return op.result is not None and self._last.get(op.result, -1) < start + end

    def _loop(self, loop: Loop) -> list[str]:
        """A passage in blocks: the cuts are made once, where the memory is the program's own.

        With several threads the passage is a function, which each of them runs on blocks and buffers of its own.
        """
        inside = {*loop.slots, *(op.result for op in loop.body if op.effect == "view")}
        for v in loop.reads:  # named here, and not in terms of a block
            self.operand(v)
        arrays = [v for op in loop.body for v in (*op.reads, *op.defines) if v not in inside and v.shape != ()]
        whole = {self.operand(v): v for v in reversed(arrays)}  # by place: the first value that lies there
        fixed = [x for x in reversed(whole) if self.is_static(whole[x])]
        passing = [x for x in reversed(whole) if x not in fixed]
        local = {slot: v for v, slot in loop.slots.items()}
        name = self.names.unique("blocks")
        cuts = [f"{x}{'' if len(whole[x].shape) == 1 else '.reshape(-1)'}[i:j]" for x in fixed]
        cuts += [f"{self.name(slot)}[own]" for slot in local]
        flat = [self.names.unique(f"{x}_all") for x in passing]
        arguments = [f"{x}.reshape(-1)" for x in passing]
        scalars = [v for op in loop.body for v in op.reads if v.shape == () and not self.is_static(v)]
        numbers = list(dict.fromkeys(map(self.operand, scalars)))
        inner: dict[Any, str] = {x: self.names.unique(f"{x}_i") for x in (*fixed, *passing)}
        slots = {slot: self.names.unique(self.names.wish(v) or "block") for slot, v in local.items()}
        inner |= {v: slots[slot] for v, slot in loop.slots.items()}
        per = -(-loop.size // (loop.block * loop.threads))  # blocks for each thread
        once = [f"{name} = []", f"for i in range(0, {loop.size}, {loop.block}):"]
        once.append(f"    j = min(i + {loop.block}, {loop.size})")
        if local:
            share = "" if loop.threads == 1 else f"i // {per * loop.block} * {loop.block}"
            once.append(f"    own = slice({share}, {share} + j - i)" if share else "    own = slice(j - i)")
        once += wrapped(f"    {name}.append((", ["i", "j", *cuts], "))")
        heads = [*(inner[x] for x in fixed), *slots.values()]
        rows = wrapped("for ", ["i", "j", *heads], f" in {name}:")
        rows += [f"    {inner[x]} = {f}[i:j]" for x, f in zip(passing, flat, strict=True)]
        self.inner = inner
        within = under_headings(((op, self._within(op)) for op in loop.body), sections=False)
        rows += [f"    {row}" for row, _ in within]
        self.inner = {}
        comment = f"# {len(loop.body)} lines in blocks of {loop.block:,} elements, which stay in the cache"
        if loop.threads == 1:
            self.once += [(row, None) for row in once]
            return [comment, *(f"{f} = {x}" for f, x in zip(flat, arguments, strict=True)), *rows]
        passage = self.names.unique("passage")
        once.append(f"def {passage}({', '.join((name, *flat, *numbers))}):")
        once += [f"    {row}" for row in rows]
        self.once += [(row, loop) for row in once]
        parts = [f"{name}[{t * per}:{(t + 1) * per}]" for t in range(loop.threads)]
        calls = [", ".join((part, *arguments, *numbers)) for part in parts]
        self.threads = max(self.threads, loop.threads)
        submitted = [f"threads.submit(copy_context().run, {passage}, {call})" for call in calls[1:]]
        return [
            f"{comment}, in {loop.threads} threads",
            *(f"part_{t} = {call}" for t, call in enumerate(submitted, 1)),
            f"{passage}({calls[0]})",
            *(f"part_{t}.result()" for t in range(1, loop.threads)),
        ]

    def _within(self, op: Op) -> list[str]:
        """An operation of a passage, on the blocks of its arrays."""
        text = self.expression(op)
        if op.effect == "view" and op.result is not None:
            inside = self.inner[op.result] = self.names.unique(f"{self.names.wish(op.result) or 'block'}_i")
            text = f"{inside} = {text}"
        return [text]

    # the whole

    def source(self) -> str:
        """The module: ``build(state, numbers, constants, objects)`` binds everything and returns the step."""
        program = self.program
        for f in dict.fromkeys(op.function for op in self.every):
            f = "np.copyto" if f == "copy" else f.rpartition("[")[0] if f.endswith("]") else f  # noqa: PLW2901
            if f.startswith("np.") and f != "np.dot":
                self.alias(f)
        sources = [*program.inputs, *(v for _, v in program.gradients_in)]
        arguments = [self.name(v) for v in sources]
        values = [v for op in program.ops for v in op.reads if v.memory is not None]
        values += [v for op in program.ops if op.effect != "view" for v in op.defines]
        for v in values:  # names from the user first, so that they are not taken: of memory, of what is computed
            if v.label.name and not v.is_view:
                self.name(v)
        body = under_headings(self._steps())
        results = [self._given_away(v) for v in values_in(program.results)]
        returned = f"{', '.join(results)}{',' if len(results) == 1 else ''}"
        body.append((f"return {returned}" if results else "return ()", None))
        outputs = [self.operand(v) for _, v in program.gradients_out if v is not None]
        return self._module(body, arguments, outputs)

    def _given_away(self, v: Value) -> str:
        """A result: a copy, unless its memory was allocated in this call for nobody else."""
        storage = self.plan.storage(v)
        if v.shape == () and storage.kind == "fresh":
            return f"np.array({self.operand(v)})"  # NumPy gives a scalar for some
        own = storage.kind == "fresh" and not v.is_view
        if own and sum(self.plan.storage(w) is storage for w in self.program.leaving()) == 1:
            return self.operand(v)
        return f"{self.operand(v)}.copy({repr('K') if v.is_view or v.strides else ''})"

    def _module(self, body: list[tuple[str, Op | None]], arguments: list[str], outputs: list[str]) -> str:
        program = self.program
        inputs = "; ".join(f"{self.name(v)} {v.shape} {v.dtype}" for v in program.inputs)
        out = [f'"""{program.name}{f", for {inputs}" if inputs else ""}."""', "", *self._imports()]
        out += ["import numpy as np", "", "", *self.routine_sources()]
        out.append("def build(state, numbers, constants, objects):")
        headings = (
            "what outlives the step: parameters, buffers, the optimiser's memory",
            "numbers that may change from call to call",
            "constants",
            "NumPy's functions, under local names",
            f"buffers: one arena of {self.plan.nbytes:,} bytes",
        )
        aliases, arena = [f"{n} = {p}" for p, n in self.aliases.items()], self._arena() if self.buffers else []
        rows: list[str] = []
        for heading, lines in zip(headings, (*self.bindings(), aliases, arena), strict=True):
            rows += ["", f"# {heading}", *lines] if lines else []
        rows = rows[1:] if self.state else rows
        if self.threads > 1:
            rows += ["", f"threads = ThreadPoolExecutor({self.threads - 1})"]
        if self.once:
            rows += ["", "# views, made once"]
        out += [f"    {row}" if row else "" for row in rows]
        self._append(out, self.once, "    ")
        out += ["", f"    def step({', '.join(arguments)}):"]
        self._append(out, body, "        ")
        step = "step"
        if program.silent:
            silenced = ", ".join(f"{k}={v!r}" for k, v in program.silent.items())
            out += [
                "",
                "    # floating-point warnings that some line expects, silenced once for all calls",
                "    quiet = copy_context()",
                f"    quiet.run(np.seterr, {silenced})",
            ]
            step = "partial(quiet.run, step)"
        out += ["", f"    return {step}, [{', '.join(outputs)}]", ""]
        return "\n".join(out)

    def _append(self, out: list[str], rows: list[tuple[str, Op | None]], indent: str) -> None:
        """Add rows to the source, and note which operation each of them does."""
        for row, op in rows:
            out.append(f"{indent}{row}" if row else "")
            if op is not None and not row.startswith("#"):
                self.rows[len(out)] = op

    def changes_state(self, op: Op) -> bool:
        """Whether an operation writes into memory that outlives the step."""
        return op.effect not in ("view", "check") and any(self.plan.storage(v).kind in OUTLIVES for v in op.defines)

    def _imports(self) -> list[str]:
        """What of Python's own library the program needs."""
        rows = ["from concurrent.futures import ThreadPoolExecutor"] if self.threads > 1 else []
        rows += ["from contextvars import copy_context"] if self.threads > 1 or self.program.silent else []
        rows += ["from functools import partial"] if self.program.silent else []
        return [*rows, ""] if rows else []

    def _arena(self) -> list[str]:
        rows = [f"arena = np.zeros({self.plan.nbytes} + 64, np.uint8)"]
        # the branch ends a block of bytecode early: Python moves all of the first one for each name that `step` takes
        rows += ["if arena.ctypes.data % 64:", "    arena = arena[-arena.ctypes.data % 64 :]"]
        alike: dict[str, dict[str, str]] = {}  # by how they are made: by name, where each begins
        for name, v in self.buffers.items():
            call = f"np.ndarray({v.shape!r}, {_dtype(v.dtype)}, arena, {{}}{f', {v.strides}' if v.strides else ''})"
            alike.setdefault(call, {})[name] = str(self.plan.storages[v].start + v.reach[0])
        calls = {name: call for call, names in alike.items() for name in names}
        filled: set[Any] = set()
        for name, v in self.buffers.items():
            call, storage = calls[name], self.plan.storages[v]
            places = alike[call]
            if len(places) <= _MANY:
                rows.append(f"{name} = {call.format(places[name])}")
            elif next(iter(places)) == name:
                rows += wrapped("(", [*places], ") = (")
                rows += wrapped(f"    {call.format('i')} for i in (", [*places.values()], "))")
            if storage.begins is not None and storage not in filled:
                filled.add(storage)
                rows.append(f"{name}.fill({self.literal(storage.begins)})  # as the gaps between its parts stay")
        return rows


def rows_of(function: Any) -> list[str]:
    """The rows of a function of a module, without decorators; `inspect.getsource` takes 2 ms to read the first one."""
    code = function.__code__
    file = getlines(code.co_filename, function.__globals__)
    rows = dropwhile(lambda row: row[0] == "@", file[code.co_firstlineno - 1 :])
    return "".join([next(rows), *takewhile(lambda row: row[0].isspace(), rows)]).rstrip().splitlines()


@lru_cache(maxsize=64)
def _dtype(dtype: Any) -> str:
    """A type as source; asking one for its name takes 10 µs."""
    return f"np.{dtype.name}"


def filled(shape: tuple[int, ...], dtype: Any, number: Any) -> str:
    """What makes an array of one number, or for None of whatever."""
    plain = number is None or (number in (0, 1) and not np.signbit(number))
    function = {0: "zeros", 1: "ones", None: "empty"}[number] if plain else "full"
    return f"np.{function}({shape}, {'' if plain else f'{literal(number, str)}, '}np.{dtype.name})"


def written(name: str, array: Any) -> str:
    """What makes a constant: a call of NumPy if it is one number, else the dict that the program is given."""
    if array.ndim == 0:
        return f"np.array({array.item()!r}, np.{array.dtype.name})" if np.isfinite(array) else f"constants[{name!r}]"
    floats = array.size > 1 and array.dtype.kind == "f" and array.flags.c_contiguous
    if floats and np.isfinite(number := array.flat[0].item()) and not np.signbit(number) and uniform(array):
        return filled(array.shape, array.dtype, number)
    return f"constants[{name!r}]  # {array.shape} {array.dtype}"
