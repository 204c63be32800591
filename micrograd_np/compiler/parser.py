"""Programs read from the text that `printer` writes, so that a test says one in three lines."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from .ir import Effect, Memory, Op, Value, natural
from .program import Program

_SOURCES = ("input", "gradient", "state", "constant", "number")
_SPACES = ("copy", "empty", "once")


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
        declared = None if annotation is None else (shape, dtype, strides)
        self._append(name, function, _function(function), args, kwargs, into, declared)

    def _append(self, name: str, function: str, call: Any, args: Any, kwargs: Any, into: Any, declared: Any) -> None:
        z: Value
        effect: Effect
        if into is not None:
            z, effect, of = Value(into.root.shape, into.root.dtype, into.root.strides), "update", into
        elif function in _SPACES:
            shape, dtype, strides = declared or (args[0].shape, args[0].dtype, None)
            z, effect, of = Value(shape, dtype, strides), "new", None
        else:
            z, effect, of = self._computed(function, call, args, kwargs, declared)
        z.label.name = "" if name[0] == "_" else name
        self.values[name] = z
        self.program.ops.append(Op(function, call, args, kwargs, z, effect, of))

    def _computed(
        self, function: str, call: Any, args: Any, kwargs: Any, declared: Any
    ) -> tuple[Value, Effect, Value | None]:
        """What a call gives that writes into nothing that exists: its value, its effect, and what it is a view of."""
        op = Op(function, call, args, kwargs, None, "new")
        shape, dtype = natural(op)
        z = Value(*(declared or (shape, dtype, None)))
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
        function: Any = reduce(getattr, name.split("."), np)
        return function
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
