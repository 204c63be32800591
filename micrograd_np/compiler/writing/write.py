"""A program as Python source: what an expert would have written, with the user's own names and lines in it."""

from __future__ import annotations

import keyword
import re
from functools import lru_cache
from inspect import getsource
from typing import TYPE_CHECKING, Any

import numpy as np

from ..dataflow import static, uniform
from ..program import Line, Loop, Value, values_in

if TYPE_CHECKING:
    from ..passes.memory import Plan
    from ..program import Program

_POSITIONAL_OUT = frozenset(  # maximum and minimum want their destination by keyword
    f"np.{name}"
    for name in vars(np)
    if isinstance(getattr(np, name), np.ufunc) and name not in ("maximum", "minimum", "fmax", "fmin")
) | {"np.dot"}
_WIDTH = 110
_NOUNS = {
    "add": "total", "subtract": "difference", "multiply": "product", "divide": "quotient", "square": "squares",
    "negative": "negated", "matmul": "matrix", "sum": "total", "transpose": "transposed", "sum_to": "total",
    "broadcast_to": "spread", "reshape": "reshaped", "where": "chosen", "view": "part", "scatter_slice": "placed",
    "astype": "converted", "softmax_cross_entropy": "losses", "bce_with_logits": "losses", "bce": "losses",
    "masked_keep": "kept", "masked_zero": "kept", "one_hot_mask": "onehot",
    "embedding_lookup": "rows", "gather_labels": "picked", "scale_and_weight": "scaled", "subtract_mean": "centred",
}  # fmt: skip


class Writer:
    """Names values and writes lines."""

    def __init__(self, program: Program, plan: Plan) -> None:
        self.program, self.plan = program, plan
        self.taken: set[str] = {
            "np",
            "i",
            "j",
            "own",
            "quiet",
            "partial",
            "threads",
            "copy_context",
            "step",
            "state",
            "numbers",
            "constants",
            "objects",
            "arena",
            "build",
        }
        self.counts: dict[str, int] = {}  # by name: the number that the next one of that name gets
        self.names: dict[int, str] = {}
        self.aliases: dict[str, str] = {}
        self.objects: dict[str, Any] = {}
        self.constants: dict[str, Any] = {}
        self.state: dict[str, Value] = {}
        self.numbers: dict[str, Value] = {}
        self.routines: dict[str, Any] = {}
        self.inner: dict[int, str] = {}
        """Within a loop over blocks: the name of each value's block."""
        self.threads = 1
        self.asked: dict[str, str] = {}
        """By row: what eager says where an index is out of bounds."""

    # names

    def unique(self, wish: str) -> str:
        """`wish` as an identifier that nothing else has."""
        tidy = wish.isidentifier() and wish[0] != "_" != wish[-1]
        name = wish if tidy else re.sub(r"\W+", "_", wish).strip("_") or "value"
        if name[0].isdigit():
            name = f"p{name}"
        if keyword.iskeyword(name):
            name += "_"
        if name in self.taken:
            n = self.counts.get(name, 2)
            while f"{name}_{n}" in self.taken:
                n += 1
            self.counts[name] = n + 1
            name = f"{name}_{n}"
        self.taken.add(name)
        return name

    def name(self, v: Value) -> str:
        """The name of a value."""
        known = self.names.get(id(v))
        if known is None:
            if v.name:
                wish = v.name
            elif isinstance(v.hint, tuple):
                relation, of = v.hint
                wish = self.name(of)
                if relation == "part":  # a part of a part is a part
                    wish = re.sub(r"_part(_\d+)?$", "", wish)
                wish = f"{relation}_{wish}" if relation in ("d", "minus_d") else f"{wish}_{relation}"
            else:
                wish = _NOUNS.get(v.hint, v.hint) or (_number_name(v) if v.storage.kind == "constant" else "t")
            known = self.names[id(v)] = self.unique(wish)
        return known

    def alias(self, path: str) -> str:
        """A local name for a NumPy function: bound once, found fast."""
        if path not in self.aliases:
            self.aliases[path] = self.unique(path.removeprefix("np.").replace(".", "_").replace("method_", ""))
        return self.aliases[path]

    # expressions

    def literal(self, x: Any) -> str:
        """An argument as source."""
        if isinstance(x, Value):
            return self.operand(x)
        if isinstance(x, slice):
            parts = [self.literal(p) for p in (x.start, x.stop, x.step)]
            return f"slice({', '.join(parts)})"
        if isinstance(x, tuple):
            return f"({', '.join(self.literal(p) for p in x)}{',' if len(x) == 1 else ''})"
        if isinstance(x, list):
            return f"[{', '.join(self.literal(p) for p in x)}]"
        if x is Ellipsis:
            return "..."
        if isinstance(x, np.dtype):
            return f"np.{x.name}"
        if isinstance(x, type) and x.__module__ == "numpy":
            return f"np.{x.__name__}"
        if isinstance(x, type):
            return x.__name__
        if isinstance(x, np.generic):
            return f"np.{x.dtype.name}({x.item()!r})"
        if isinstance(x, float) and x != x:  # noqa: PLR0124
            return "np.nan"
        if isinstance(x, float) and x in (float("inf"), float("-inf")):
            return "np.inf" if x > 0 else "-np.inf"
        if x is None or isinstance(x, (int, float, str, bool)):
            return repr(x)
        name = self.unique("object")
        self.objects[name] = x
        return name

    def operand(self, v: Value) -> str:
        """A value where it is read."""
        if id(v) in self.inner:
            return self.inner[id(v)]
        kind = v.storage.kind
        if not v.view:
            if kind == "constant":
                self.constants.setdefault(self.name(v), v.storage.array)
            elif kind == "state":
                self.state.setdefault(self.name(v), v)
            elif kind == "number":
                self.numbers.setdefault(self.name(v), v)
        return self.name(v)

    def index(self, i: Any) -> str:
        """What stands in square brackets."""
        if isinstance(i, slice):
            start, stop, step = ("" if p is None else self.literal(p) for p in (i.start, i.stop, i.step))
            return f"{start}:{stop}{f':{step}' if step else ''}"
        if isinstance(i, tuple) and i:
            return ", ".join(self.index(p) for p in i) + ("," if len(i) == 1 else "")
        return self.literal(i)

    def expression(self, line: Line) -> str:
        """The right-hand side, or the whole statement of a line that returns nothing."""
        f = line.function
        args = line.args
        kwargs = {k: v for k, v in line.kwargs.items() if k != "bound"}
        if f == "getitem":
            return f"{self.literal(args[0])}[{self.index(args[1])}]"
        if f == "setitem":
            return f"{self.literal(args[0])}[{self.index(args[1])}] = {self.literal(args[2])}"
        if f == "part":
            flat, start, stop, shape, order = args
            ordered = f", order={order!r}" if order == "F" else ""
            return f"{self.operand(flat)}[{start}:{stop}].reshape({shape!r}{ordered})"
        if f == "attribute.T":
            return f"{self.literal(args[0])}.T"
        part = ""
        if f.endswith("]"):
            f, _, i = f[:-1].rpartition("[")
            part = f"[{i}]"
        told = [self.literal(a) for a in args]
        named = [f"{k}={self.literal(v)}" for k, v in kwargs.items()]
        if line.effect == "out":
            assert line.target is not None
            out = self.operand(line.target)
            if f in _POSITIONAL_OUT and not named:
                told.append(out)
            else:
                named.append(f"out={out}")
        if f == "call":
            thing, method = line.kwargs["bound"].thing
            return f"{self.bound(thing)}.{method}({', '.join((*told, *named))}){part}"
        if f == "np.dot" and isinstance(args[0], Value):  # the method is found faster than the function, by 0.15 µs
            return f"{told[0]}.dot({', '.join((*told[1:], *named))})"
        if f.startswith("routine."):
            self.routines[line.call.__name__] = line.call
            return f"{line.call.__name__}({', '.join(told)})"
        if f.startswith("method."):
            return f"{told[0]}.{f.removeprefix('method.')}({', '.join((*told[1:], *named))}){part}"
        return f"{self.alias(f)}({', '.join((*told, *named))}){part}"

    def loop(self, loop: Loop, once: list[str]) -> list[str]:
        """A passage in blocks: the cuts are made once, where the memory is the program's own.

        With several threads the passage is a function, which each of them runs on blocks and buffers of its own.
        """
        fixed = [v for v in loop.whole() if static(v)]
        given = [v for v in loop.whole() if not static(v)]
        local = list({id(v): v for line in loop.lines if (v := line.target) and id(v) in loop.slots}.values())
        name = self.unique("blocks")
        cuts = [f"{self.operand(v)}{'' if len(v.shape) == 1 else '.reshape(-1)'}[i:j]" for v in fixed]
        cuts += [f"{self.name(loop.slots[id(v)])}[own]" for v in local]
        cuts += [f"{self.operand(parts)}[i // {loop.block}, ...]" for _, parts in loop.sums]
        flat = [self.unique(f"{self.operand(v)}_all") for v in given]
        arguments = [f"{self.operand(v)}.reshape(-1)" for v in given]
        numbers = list(dict.fromkeys(self.operand(v) for v in loop.read() if v.shape == () and not static(v)))
        self.inner = {id(v): self.unique(f"{self.operand(v)}_i") for v in (*fixed, *given)}
        self.inner |= {id(v): self.name(v) for v in (*local, *(part for part, _ in loop.sums))}
        per = loop.blocks_per_thread
        once.append(f"{name} = []")
        once.append(f"for i in range(0, {loop.size}, {loop.block}):")
        once.append(f"    j = min(i + {loop.block}, {loop.size})")
        if local:
            share = "" if loop.threads == 1 else f"i // {per * loop.block} * {loop.block}"
            once.append(f"    own = slice({share}, {share} + j - i)" if share else "    own = slice(j - i)")
        once += _filled(f"    {name}.append((", ["i", "j", *cuts], "))")
        heads = (*fixed, *local, *(part for part, _ in loop.sums))
        rows = _filled("for ", ["i", "j", *(self.inner[id(v)] for v in heads)], f" in {name}:")
        rows += [f"    {self.inner[id(v)]} = {f}[i:j]" for v, f in zip(given, flat, strict=True)]
        rows += [f"    {row}" for row in self._passage(loop)]
        self.inner = {}
        told = f"# {len(loop.lines)} lines in blocks of {loop.block:,} elements, which stay in the cache"
        if loop.threads == 1:
            return [told, *(f"{f} = {x}" for f, x in zip(flat, arguments, strict=True)), *rows]
        passage = self.unique("passage")
        once.append(f"def {passage}({', '.join((name, *flat, *numbers))}):")
        once += [f"    {row}" for row in rows]
        parts = [f"{name}[{t * per}:{(t + 1) * per}]" for t in range(loop.threads)]
        calls = [", ".join((part, *arguments, *numbers)) for part in parts]
        self.threads = max(self.threads, loop.threads)
        return [
            f"{told}, in {loop.threads} threads",
            *(
                f"part_{t} = threads.submit(copy_context().run, {passage}, {call})"
                for t, call in enumerate(calls[1:], 1)
            ),
            f"{passage}({calls[0]})",
            *(f"part_{t}.result()" for t in range(1, loop.threads)),
        ]

    def _passage(self, loop: Loop) -> list[str]:
        """The lines of a passage, on the blocks of its arrays."""
        rows = []
        where = ""
        for line in loop.lines:
            if line.where and line.where != where:
                rows.append(f"# {line.where}"[:_WIDTH])
                where = line.where
            text = self.expression(line)
            if line.effect == "view" and line.target is not None:
                inside = self.inner[id(line.target)] = self.unique(f"{self.name(line.target)}_i")
                text = f"{inside} = {text}"
            rows.append(text)
        return rows

    def bound(self, thing: Any) -> str:
        """The name of an object whose methods are called."""
        for name, known in self.objects.items():
            if known is thing:
                return name
        name = self.unique("generator")
        self.objects[name] = thing
        return name

    def loaded(self) -> dict[str, Any]:
        """The constants that the program does not make itself."""
        return {n: a for n, a in self.constants.items() if "constants[" in written(n, a)}

    # the whole

    def source(self) -> str:
        """The module: ``build(state, numbers, constants, objects)`` binds everything and returns the step."""
        program = self.program
        for line in program.lines:  # functions keep their names, values give way
            for part in line.lines if isinstance(line, Loop) else (line,):
                if part.function.startswith("routine."):
                    self.taken.add(part.call.__name__)
                f = part.function.rpartition("[")[0] if part.function.endswith("]") else part.function
                if f.startswith("np.") and f != "np.dot":
                    self.alias(f)
        for v in program.inputs:
            self.name(v)
        for _, v in program.gradients_in:
            self.name(v)
        for line in program.lines:  # names from the user first, so that they are not taken
            if line.target is not None and line.target.name:
                self.name(line.target)
        body: list[str] = []
        views: list[str] = []
        made_once: set[int] = set()
        section = where = ""
        for line in program.lines:
            sources_stay = all(static(v) and (not v.view or id(v) in made_once) for v in line.read())
            if line.effect == "view" and line.target is not None and sources_stay:
                made_once.add(id(line.target))
                views.append(f"{self.name(line.target)} = {self.expression(line)}")
                continue
            if line.section != section:
                body += ["", f"# {line.section}"] if body else [f"# {line.section}"]
                section, where = line.section, ""
            if line.where and line.where != where:
                body.append(f"# {line.where}"[:_WIDTH])
                where = line.where
            if isinstance(line, Loop):
                body += self.loop(line, views)
                continue
            text = self.expression(line)
            if line.effect in ("view", "fresh"):
                assert line.target is not None
                text = f"{self.name(line.target)} = {text}"
            body.append(text)
            if line.asked:
                self.asked[text] = line.asked
        results = [self._given_away(v) for v in values_in(program.results)]
        returned = ", ".join(results)
        body.append(f"return {returned}{',' if len(results) == 1 else ''}" if results else "return ()")
        outputs = [self.operand(v) for _, v in program.gradients_out if v is not None]
        arguments = [self.name(v) for v in program.inputs] + [self.name(v) for _, v in program.gradients_in]
        return self._module(body, views, arguments, outputs)

    def _given_away(self, v: Value) -> str:
        """A result: a copy, unless its memory was allocated in this call for nobody else."""
        if v.shape == () and v.storage.kind == "fresh":
            return f"np.array({self.operand(v)})"  # NumPy gives a scalar for some
        own = v.storage.kind == "fresh" and not v.view
        if own and sum(w.storage is v.storage for w in self.program.result_values()) == 1:
            return self.operand(v)
        return f"{self.operand(v)}.copy({repr('K') if v.view or v.strides else ''})"

    def _module(self, body: list[str], views: list[str], arguments: list[str], outputs: list[str]) -> str:
        program = self.program
        inputs = "; ".join(f"{self.name(v)} {v.shape} {v.dtype}" for v in program.inputs)
        out = [f'"""{program.name}{f", for {inputs}" if inputs else ""}."""', ""]
        out += self._imports()
        out += ["import numpy as np", "", "", *self.written_routines()]
        out.append("def build(state, numbers, constants, objects):")
        rows: list[str] = []
        if self.state:
            rows.append("# what outlives the step: parameters, buffers, the optimiser's memory")
            rows += [f"{n} = state[{n!r}]  # {v.shape} {v.dtype}" for n, v in self.state.items()]
        if self.numbers:
            rows += ["", "# numbers that may change from call to call"]
            rows += [f"{n} = numbers[{n!r}]" for n in self.numbers]
        if self.constants or self.objects:
            rows += ["", "# constants"]
            rows += [f"{n} = {written(n, a)}" for n, a in self.constants.items()]
            rows += [f"{n} = objects[{n!r}]" for n in self.objects]
        if self.aliases:
            rows += ["", "# NumPy's functions, under local names"]
            rows += [f"{n} = {p}" for p, n in self.aliases.items()]
        buffers = self._buffers()
        if buffers:
            rows += ["", f"# buffers: one arena of {self.plan.nbytes:,} bytes", *buffers]
        if self.threads > 1:
            rows += ["", f"threads = ThreadPoolExecutor({self.threads - 1})"]
        if views:
            rows += ["", "# views, made once", *views]
        out += [f"    {row}" if row else "" for row in rows]
        out += ["", f"    def step({', '.join(arguments)}):"]
        out += [f"        {row}" if row else "" for row in body]
        step = "step"
        if program.silent:
            told = ", ".join(f"{k}={v!r}" for k, v in program.silent.items())
            out += [
                "",
                "    # floating-point warnings that some line expects, silenced once for all calls",
                "    quiet = copy_context()",
                f"    quiet.run(np.seterr, {told})",
            ]
            step = "partial(quiet.run, step)"
        out += ["", f"    return {step}, [{', '.join(outputs)}]", ""]
        return "\n".join(out)

    def _imports(self) -> list[str]:
        """What of Python's own library the program needs."""
        rows = ["from concurrent.futures import ThreadPoolExecutor"] if self.threads > 1 else []
        rows += ["from contextvars import copy_context"] if self.threads > 1 or self.program.silent else []
        rows += ["from functools import partial"] if self.program.silent else []
        return [*rows, ""] if rows else []

    def written_routines(self) -> list[str]:
        """The source of the routines that the program calls."""
        rows: list[str] = []
        for routine in self.routines.values():
            told = [row for row in getsource(routine).splitlines() if not row.startswith("@")]
            rows += [re.sub(r": Any|\s->\sNone", "", told[0]), *told[1:], "", ""]
        return rows

    def _buffers(self) -> list[str]:
        rows = [f"arena = np.zeros({self.plan.nbytes} + 64, np.uint8)", "arena = arena[-arena.ctypes.data % 64 :]"]
        count = len(rows)
        done: set[int] = set()
        for line in self.program.lines:
            for v in (*line.read(), line.target):
                if v is None or id(v) in done or v.storage.kind != "buffer" or v.view or id(v) not in self.names:
                    continue
                done.add(id(v))
                offset = self.plan.offsets[id(v.storage)]
                shape = "" if v.shape == () else f", {v.shape}"
                strides = f", {v.strides}" if v.strides else ""
                rows.append(
                    f"{self.name(v)} = np.ndarray({v.shape!r}, {_dtype(v.dtype)}, arena, {offset}{strides})"
                    if shape or not v.shape
                    else ""
                )
                begins = v.storage.begins
                if begins is not None and begins != 0 and id(v.storage) not in done:  # the arena begins as zeros
                    done.add(id(v.storage))
                    rows.append(f"{self.name(v)}.fill({self.literal(begins)})  # as the gaps between its parts stay")
        return rows if len(rows) > count else []


def _filled(head: str, parts: list[str], tail: str) -> list[str]:
    """``head part, part, … tail`` on as many lines as it takes."""
    rows = [head]
    for i, part in enumerate(parts):
        told = part + (", " if i < len(parts) - 1 else "")
        if len(rows[-1]) + len(told) > _WIDTH:
            rows[-1] = rows[-1].rstrip() + " \\" if "(" not in head else rows[-1].rstrip()
            rows.append(" " * (len(head) - len(head.lstrip()) + 4))
        rows[-1] += told
    rows[-1] += tail
    return rows


@lru_cache(maxsize=64)
def _dtype(dtype: Any) -> str:
    """A type as source; asking one for its name takes 10 µs."""
    return f"np.{dtype.name}"


def _number_name(v: Value) -> str:
    """A constant's name: its value in words or digits, where it is one number."""
    a = v.storage.array
    if a is not None and v.shape and a.size and a.flat[0] in (0, 1) and bool((a == a.flat[0]).all()):
        return "ones" if a.flat[0] else "zeros"
    if v.shape != () or a is None or not np.isfinite(a):
        return "constant"
    x = a.item()
    words = {0: "zero", 1: "one", 2: "two", 0.5: "half", -1: "minus_one"}
    if x in words:
        return words[x]
    return f"c{x:.4g}".replace("-", "m").replace(".", "p").replace("+", "")


def _uniform(a: Any) -> bool:
    """Whether all elements are one finite number, of one sign."""
    return bool(np.isfinite(a.flat[0])) and uniform(a) and not np.signbit(a.flat[0])


def written(name: str, array: Any) -> str:
    """What makes a constant: a call of NumPy if it is one number, else the dict that the program is given."""
    if array.ndim == 0:
        return f"np.array({array.item()!r}, np.{array.dtype.name})" if np.isfinite(array) else f"constants[{name!r}]"
    if array.size > 1 and array.dtype.kind == "f" and array.flags.c_contiguous and _uniform(array):
        number, dtype = array.flat[0].item(), f"np.{array.dtype.name}"
        made = {0.0: "zeros", 1.0: "ones"}.get(number)
        return f"np.{made}({array.shape}, {dtype})" if made else f"np.full({array.shape}, {number!r}, {dtype})"
    return f"constants[{name!r}]  # {array.shape} {array.dtype}"
