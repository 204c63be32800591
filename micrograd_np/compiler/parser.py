"""Programs read from the text that `printer` writes, so that a test says one in three lines."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

import numpy as np

from .ir import Loop, Memory, Op, Value, natural
from .operations import usual_effect
from .passes.blocks import settle
from .program import Program

_SOURCES = ("input", "gradient", "state", "constant", "number")


def parse(text: str) -> Program:
    r"""The program that a text says; constants, state and numbers are filled with what stands in their parentheses.

    Names are the user's, but for those that begin with an underscore.

    >>> print(parse("x: float64[2] = input()\ny = np.negative(x)\nreturn y"))
    x: float64[2] = input()
    y: float64[2] = np.negative(x)
    return y
    """
    return _Parser(text).program


class _Parser:
    def __init__(self, text: str) -> None:
        self.program = Program("text")
        self.values: dict[str, Value] = {}
        self.sums: list[tuple[Value, Value]] = []
        self.generator = np.random.default_rng(0)
        rows = "\n".join(f"    {row}" for row in text.strip().splitlines())
        (function,) = ast.parse(f"def program():\n{rows}").body
        assert isinstance(function, ast.FunctionDef)
        self._read(function.body)
        for op in list(self.program.ops):
            if isinstance(op, Loop):
                settle(self.program, op)

    def _read(self, body: Iterable[ast.stmt]) -> None:
        for row in body:
            if isinstance(row, ast.For) and isinstance(row.iter, ast.Call):
                self._loop(row.body, *map(ast.literal_eval, row.iter.args))
            elif isinstance(row, ast.AnnAssign) and isinstance(row.target, ast.Name):
                self._define(row.target.id, row.value, row.annotation)
            elif isinstance(row, ast.Assign) and isinstance(row.targets[0], ast.Name):
                self._define(row.targets[0].id, row.value, None)
            elif isinstance(row, ast.Return):
                self.program.results = self._argument(row.value)
            elif isinstance(row, ast.Expr) and isinstance(row.value, ast.Call):
                self._note(row.value)

    def _loop(self, body: list[ast.stmt], size: int, block: int, threads: int = 1) -> None:
        before, self.program.ops, self.sums = self.program.ops, [], []
        self._read(body)
        loop = Loop(self.program.ops, size, block, threads)
        loop.sums = self.sums
        for _, sums in loop.sums:
            sums.op = loop
        self.program.ops = [*before, loop]

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
            self.program.ops[-1].must_run = True

    def _define(self, name: str, call: Any, annotation: Any) -> None:
        shape, dtype, strides = self._type(annotation) if annotation is not None else ((), np.dtype(float), None)
        if not isinstance(call, ast.Call):  # a part: y[0:2]
            base, index = self._argument(call.value), self._argument(call.slice)
            self._append(name, "getitem", lambda x, i: x[i], (base, index), {}, None, None)
            return
        function = ast.unparse(call.func)
        args = tuple(self._argument(x) for x in call.args)
        kwargs = {str(k.arg): self._argument(k.value) for k in call.keywords}
        if function == "each":
            z = self.values[name] = Value(shape, dtype, strides)
            z.label.name = name
            self.sums.append((args[0], z))
            return
        if function in _SOURCES:
            array = np.array(args[0] if args else np.zeros(shape), dtype).reshape(shape)
            memory = Memory(function, None if function in ("input", "gradient") else array)
            v = self.values[name] = Value(shape, dtype, strides, memory=memory)
            v.label.name = name
            nobody: Any = None
            if function == "input":
                self.program.inputs.append(v)
            elif function == "gradient":
                self.program.gradients_in.append((nobody, v))
            elif function == "state":
                self.program.states[id(v)] = (None, v)
            return
        into = kwargs.pop("into", None)
        declared = None if annotation is None else (shape, dtype, strides)
        self._append(name, function, _function(function), args, kwargs, into, declared)

    def _append(self, name: str, function: str, call: Any, args: Any, kwargs: Any, into: Any, declared: Any) -> None:
        effect, must_run = kwargs.pop("effect", usual_effect(function)), kwargs.pop("must_run", False)
        of = None
        if into is not None:
            declared, effect, of = (into.root.shape, into.root.dtype, into.root.strides), "update", into
        elif function == "copy":
            declared = declared or (args[0].shape, args[0].dtype, None)
        elif effect == "view":
            of = args[0]
        z = Value(*(declared or natural(Op(function, call, args, kwargs, None, "new"))))
        z.label.name = "" if name[0] == "_" else name
        self.values[name] = z
        op = Op(function, call, args, kwargs, z, effect, of)
        if function.startswith("generator."):
            op.function, op.bound = "call", (self.generator, function.partition(".")[2])
        op.must_run = must_run or op.bound is not None
        self.program.ops.append(op)

    def _type(self, annotation: Any) -> tuple[tuple[int, ...], np.dtype[Any], tuple[int, ...] | None]:
        strides = None
        if isinstance(annotation, ast.Call) and isinstance(annotation.func, ast.Attribute):
            annotation, strides = annotation.func.value, tuple(map(ast.literal_eval, annotation.args))
        shape = ast.literal_eval(annotation.slice)
        return shape if isinstance(shape, tuple) else (shape,), np.dtype(ast.unparse(annotation.value)), strides

    def _argument(self, x: Any) -> Any:
        if isinstance(x, ast.Name):
            return self.values[x.id]
        if isinstance(x, ast.Subscript):
            name = f"{ast.unparse(x.value)}_part_{len(self.values)}"
            self._define(name, x, None)
            return self.values[name]
        if isinstance(x, ast.UnaryOp) and isinstance(x.operand, ast.Attribute):
            return -self._argument(x.operand)
        if isinstance(x, ast.Attribute):
            return getattr(np, x.attr) if x.attr in ("nan", "inf") else np.dtype(x.attr)
        if isinstance(x, (ast.Tuple, ast.List)):
            parts = [self._argument(y) for y in x.elts]
            return parts if isinstance(x, ast.List) else tuple(parts)
        if isinstance(x, ast.Slice):
            return slice(*(None if y is None else ast.literal_eval(y) for y in (x.lower, x.upper, x.step)))
        if isinstance(x, ast.Call):
            kind = slice if ast.unparse(x.func) == "slice" else np.dtype(ast.unparse(x.func)[3:]).type
            return kind(*map(ast.literal_eval, x.args))
        return ast.literal_eval(x)


def _function(path: str) -> Callable[..., Any]:
    """What a path such as ``np.add.reduce`` or ``method.reshape`` calls."""
    kind, _, name = path.partition(".")
    if kind == "np":
        function: Any = reduce(getattr, name.split("."), np)
        return function
    if kind == "method":
        return getattr(np.ndarray, name)
    if kind == "routine":
        from micrograd_np.ops import checks, routine

        return getattr(checks, name, None) or getattr(routine, name).function
    if kind == "generator":
        return getattr(np.random.default_rng(0), name)
    calls: dict[str, Any] = {
        "getitem": lambda x, i: x[i],
        "setitem": np.ndarray.__setitem__,
        "attribute": lambda x: x.T,
        "copy": np.copyto,
        "part": lambda x, start, stop, shape, order: x[start:stop].reshape(shape, order=order),
        "after": lambda x, _: x,
    }
    return calls.get(kind, np.empty)
