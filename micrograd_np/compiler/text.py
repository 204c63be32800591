"""Programs as text that a person reads, and that a test writes.

    x: float64[8, 2] = input()
    w: float64[2, 3] = state()
    y = np.matmul(x, w)
    w_2 = np.subtract(w, 0.5)
    z = np.copyto(1.0, into=y[0:2])
    return z
    store(w, w_2)

Every line defines one value, with what computes it; a source says what kind of memory it is. ``into=`` is what an
update writes into. The shape and the type of a result may be left out where NumPy gives it without a destination.
"""

from __future__ import annotations

import ast
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from .ir import Effect, Loop, Memory, Op, Program, Value, natural, values_in
from .operations import writes_first
from .writing.naming import Names

if TYPE_CHECKING:
    from collections.abc import Callable

_SOURCES = ("input", "gradient", "state", "constant", "number")
_SPACES = ("copy", "empty", "once")


def printed(program: Program) -> str:
    """The text of a program."""
    names = Names("np", "into", "return", "store", "slice")
    rows: list[str] = []
    declared: set[Value] = set()

    def name(v: Value) -> str:
        return names.name(v, v)

    def literal(x: Any) -> str:
        if isinstance(x, Value):
            return name(x)
        if isinstance(x, (tuple, list)):
            inside = ", ".join(map(literal, x))
            return f"[{inside}]" if isinstance(x, list) else f"({inside}{',' if len(x) == 1 else ''})"
        if isinstance(x, slice):
            return f"slice({x.start}, {x.stop}, {x.step})"
        if isinstance(x, (np.dtype, type)):
            return f"np.{np.dtype(x).name}"
        return "..." if x is Ellipsis else repr(x)

    def declare(v: Value) -> None:
        source = v.root
        if source.memory is not None and source not in declared:
            declared.add(source)
            a = source.constant
            told = a.tolist() if a is not None and a.size <= 4 else ""
            rows.append(f"{name(source)}: {_type(source)} = {source.memory.kind}({told})")

    def add(op: Op, indent: str) -> None:
        for v in (*op.reads, *((op.of,) if op.of is not None else ())):
            declare(v)
        if isinstance(op, Loop):
            rows.append(f"{indent}for block in blocks({op.size}, {op.block}):")
            for one in op.body:
                add(one, indent + "    ")
            return
        args = [*map(literal, op.args), *(f"{k}={literal(v)}" for k, v in op.kwargs.items())]
        args += [f"into={name(op.of)}"] if op.effect == "update" and op.of is not None else []
        call = f"{op.function}({', '.join(args)})"
        rows.append(
            f"{indent}{name(op.result)}: {_type(op.result)} = {call}" if op.result is not None else indent + call
        )

    for v in (*program.inputs, *(v for _, v in program.gradients_in)):
        declare(v)
    for op in program.ops:
        add(op, "")
    for v in program.needed():
        declare(v)
    rows += [f"return {', '.join(map(name, values_in(program.results)))}"] if program.results is not None else []
    rows += [f"gradient({name(v)})" for _, v in program.gradients_out if v is not None]
    first = {v.root.memory: v.root for v in declared}
    rows += [f"store({name(first[m]) if m in first else '?'}, {name(v)})" for m, v in program.stores.items()]
    return "\n".join(rows)


def _type(v: Value) -> str:
    strides = f", strides={v.strides}" if v.strides is not None else ""
    return f"{v.dtype.name}[{', '.join(map(str, v.shape))}{strides}]" if v.shape else f"{v.dtype.name}[()]"


def parse(text: str) -> Program:
    """The program that a text says; constants, state and numbers are filled with what stands in their parentheses.

    >>> print(parse("x: float64[2] = input()\\ny = np.negative(x)\\nreturn y"))
    x: float64[2] = input()
    y: float64[2] = np.negative(x)
    return y
    """
    return _Parser(text).program


class _Parser:
    def __init__(self, text: str) -> None:
        self.program = Program("text")
        self.values: dict[str, Value] = {}
        rows = "\n".join(f"    {row}" for row in text.strip().splitlines())
        (function,) = ast.parse(f"def program():\n{rows}").body
        assert isinstance(function, ast.FunctionDef)
        for row in function.body:
            if isinstance(row, ast.AnnAssign) and isinstance(row.target, ast.Name):
                self._define(row.target.id, row.value, row.annotation)
            elif isinstance(row, ast.Assign) and isinstance(row.targets[0], ast.Name):
                self._define(row.targets[0].id, row.value, None)
            elif isinstance(row, ast.Return):
                self.program.results = self._argument(row.value)
            elif isinstance(row, ast.Expr) and isinstance(row.value, ast.Call):
                self._note(row.value)

    def _note(self, call: ast.Call) -> None:
        name = ast.unparse(call.func)
        args = [self._argument(x) for x in call.args]
        if name == "store":
            self.program.stores[args[0].memory] = args[1]
        elif name == "gradient":
            nobody: Any = None
            self.program.gradients_out.append((nobody, args[0]))
        else:
            self.program.ops.append(Op(name, _function(name), tuple(args), {}, None, "check"))

    def _define(self, name: str, call: Any, annotation: Any) -> None:
        shape, dtype, strides = self._type(annotation) if annotation is not None else ((), np.dtype(float), None)
        if not isinstance(call, ast.Call):  # a part: y[0:2]
            base, index = self._argument(call.value), self._argument(call.slice)
            self._append(name, "getitem", lambda x, i: x[i], (base, index), {}, None, None)
            return
        function = ast.unparse(call.func)
        args = tuple(self._argument(x) for x in call.args)
        kwargs = {str(k.arg): self._argument(k.value) for k in call.keywords}
        if function in _SOURCES:
            array = np.array(args[0] if args else np.zeros(shape), dtype).reshape(shape)
            memory = Memory(function, None if function in ("input", "gradient") else array)
            v = self.values[name] = Value(shape, dtype, strides, memory=memory)
            v.label.name = name
            if function == "input":
                self.program.inputs.append(v)
            elif function == "state":
                self.program.states[id(v)] = (None, v)
            return
        into = kwargs.pop("into", None)
        known = None if annotation is None else (shape, dtype, strides)
        self._append(name, function, _function(function), args, kwargs, into, known)

    def _append(self, name: str, function: str, call: Any, args: Any, kwargs: Any, into: Any, known: Any) -> None:
        z: Value
        effect: Effect
        if into is not None:
            z, effect, of = Value(into.root.shape, into.root.dtype, into.root.strides), "update", into
            assert writes_first(function) or function.startswith("np.")
        elif function in _SPACES:
            shape, dtype, strides = known or (args[0].shape, args[0].dtype, None)
            z, effect, of = Value(shape, dtype, strides), "new", None
        else:
            z, effect, of = self._computed(function, call, args, kwargs, known)
        z.label.name = name
        self.values[name] = z
        self.program.ops.append(Op(function, call, args, kwargs, z, effect, of))

    def _computed(
        self, function: str, call: Any, args: Any, kwargs: Any, known: Any
    ) -> tuple[Value, Effect, Value | None]:
        """What a call gives that writes into nothing that exists: its value, its effect, and what it is a view of."""
        op = Op(function, call, args, kwargs, None, "new")
        shape, dtype = natural(op)
        z = Value(*(known or (shape, dtype, None)))
        first = args[0] if args else None
        if isinstance(first, Value) and (function == "getitem" or function.startswith(("method.", "attribute."))):
            return z, "view", first
        takes_out = isinstance(call, np.ufunc) or isinstance(getattr(call, "__self__", None), np.ufunc)
        return z, "new" if takes_out or function == "np.dot" else "fresh", None

    def _type(self, annotation: ast.expr) -> tuple[tuple[int, ...], np.dtype[Any], tuple[int, ...] | None]:
        assert isinstance(annotation, ast.Subscript)
        shape = ast.literal_eval(annotation.slice)
        return shape if isinstance(shape, tuple) else (shape,), np.dtype(ast.unparse(annotation.value)), None

    def _argument(self, x: Any) -> Any:
        if isinstance(x, ast.Name):
            return self.values[x.id]
        if isinstance(x, ast.Subscript):
            name = f"{ast.unparse(x.value)}_part_{len(self.values)}"
            self._define(name, x, None)
            return self.values[name]
        if isinstance(x, ast.Attribute):
            return np.dtype(x.attr)
        if isinstance(x, (ast.Tuple, ast.List)):
            parts = [self._argument(y) for y in x.elts]
            return parts if isinstance(x, ast.List) else tuple(parts)
        if isinstance(x, ast.Slice):
            return slice(*(None if y is None else ast.literal_eval(y) for y in (x.lower, x.upper, x.step)))
        if isinstance(x, ast.Call):
            return slice(*map(ast.literal_eval, x.args))
        return ast.literal_eval(x)


def _function(path: str) -> Callable[..., Any]:
    """What a path such as ``np.add.reduce`` or ``method.reshape`` calls."""
    kind, _, name = path.partition(".")
    if kind == "np":
        return reduce(getattr, name.split("."), np)
    if kind == "method":
        return getattr(np.ndarray, name)
    if kind == "routine":
        from micrograd_np.ops import routine

        return getattr(routine, name).function
    calls: dict[str, Any] = {
        "getitem": lambda x, i: x[i],
        "setitem": np.ndarray.__setitem__,
        "attribute": lambda x: x.T,
        "copy": np.copyto,
    }
    return calls.get(kind, np.empty)
