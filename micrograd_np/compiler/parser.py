"""Programs read from the text that `printer` writes, so that a test says one in three lines."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

import numpy as np

from .ir import Loop, Memory, Op, Value, natural
from .operations import usual_effect
from .passes.blocks import settle
from .passes.fuse_updates import part_of
from .program import Program

_CALLS: dict[str, Callable[..., Any]] = {
    "getitem": operator.getitem,
    "setitem": np.ndarray.__setitem__,
    "attribute": lambda x: x.T,
    "copy": np.copyto,
    "part": part_of,
    "after": lambda x, _: x,
}


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
        self.generator = np.random.default_rng(0)
        rows = "\n".join(f"    {row}" for row in text.strip().splitlines())
        function: Any = ast.parse(f"def program():\n{rows}").body[0]
        self._read(function.body)
        for op in list(self.program.ops):
            if isinstance(op, Loop):
                settle(self.program, op)

    def _read(self, body: Iterable[ast.stmt]) -> None:
        for row in body:
            match row:
                case ast.For(iter=ast.Call(args=numbers)):
                    self._loop(row.body, *map(ast.literal_eval, numbers))
                case ast.AnnAssign(target=ast.Name(id=name), value=call, annotation=kind):
                    self._define(name, call, _type(ast.unparse(kind)))
                case ast.Assign(targets=[ast.Name(id=name)], value=call):
                    self._define(name, call, None)
                case ast.Return(value=results):
                    self.program.results = self._argument(results)
                case ast.Expr(value=ast.Call() as call):
                    self._note(ast.unparse(call.func), tuple(map(self._argument, call.args)))

    def _loop(self, body: list[ast.stmt], size: int, block: int, threads: int = 1) -> None:
        before, self.program.ops = self.program.ops, []
        self._read(body)
        self.program.ops = [*before, Loop(self.program.ops, size, block, threads)]

    def _note(self, name: str, args: Any) -> None:
        nobody: Any = None
        if name == "store":
            self.program.stores[args[0].memory] = args[1]
        elif name == "gradient":
            self.program.gradients_out.append((nobody, args[0]))
        else:
            self.program.ops.append(Op(name, self._function(name), args, {}, None, "check", must_run=True))

    def _define(self, name: str, call: Any, declared: Any) -> None:
        if isinstance(call, ast.Call):
            function, args = ast.unparse(call.func), tuple(map(self._argument, call.args))
            kwargs = {str(k.arg): self._argument(k.value) for k in call.keywords}
        else:  # a part: y[0:2]
            index = self._evaluated(f"np.s_[{ast.unparse(call.slice)}]")
            function, args, kwargs = "getitem", (self._argument(call.value), index), {}
        if function in ("input", "gradient", "state", "constant", "number"):
            z = self._source(function, args, *declared)
        else:
            z = self._append(function, args, kwargs, declared)
        z.label.name = "" if name[0] == "_" and z.memory is None else name
        self.values[name] = z

    def _source(self, kind: str, args: Any, shape: Any, dtype: Any, strides: Any) -> Value:
        nobody: Any = None
        array = np.array(args[0] if args else np.zeros(shape), dtype).reshape(shape)
        v = Value(shape, dtype, strides, memory=Memory(kind, None if kind in ("input", "gradient") else array))
        if kind == "input":
            self.program.inputs.append(v)
        elif kind == "gradient":
            self.program.gradients_in.append((nobody, v))
        elif kind == "state":
            self.program.states[id(v)] = (None, v)
        return v

    def _append(self, function: str, args: Any, kwargs: Any, declared: Any) -> Value:
        call, effect, of = self._function(function), kwargs.pop("effect", usual_effect(function)), None
        must_run, into = kwargs.pop("must_run", False), kwargs.pop("into", None)
        if into is not None:
            declared, effect, of = (into.root.shape, into.root.dtype, into.root.strides), "update", into
        elif function == "copy":
            declared = declared or (args[0].shape, args[0].dtype)
        elif effect == "view":
            of = args[0]
        z = Value(*(declared or natural(Op(function, call, args, kwargs, None, "new"))))
        drawn, _, method = function.partition(".")
        bound = (self.generator, method) if drawn == "generator" else None
        name = function if bound is None else "call"
        op = Op(name, call, args, kwargs, z, effect, of, must_run=must_run or bound is not None, bound=bound)
        self.program.ops.append(op)
        return z

    def _argument(self, x: Any) -> Any:
        if isinstance(x, ast.Subscript):
            name = f"{ast.unparse(x.value)}_part_{len(self.values)}"
            self._define(name, x, None)
            return self.values[name]
        return self._evaluated(ast.unparse(x))

    def _evaluated(self, text: str) -> Any:
        return eval(text, {"np": np}, self.values)  # noqa: S307  a program of our own

    def _function(self, path: str) -> Callable[..., Any]:
        """What a path such as ``np.add.reduce`` or ``method.reshape`` calls."""
        from micrograd_np.ops import checks, routine

        kind, _, name = path.partition(".")
        if kind == "routine":
            return getattr(checks, name, None) or getattr(routine, name).function
        owner: Any = {"np": np, "method": np.ndarray, "generator": self.generator}.get(kind)
        return _CALLS.get(kind, np.empty) if owner is None else reduce(getattr, name.split("."), owner)


def _type(text: str) -> tuple[Any, ...]:
    """Shape, type and strides: ``float64[3, 2]``, ``float64[3, 2].strides(8, 24)``."""
    name, shape, _, strides = re.fullmatch(r"(\w+)\[(.+?)\](\.strides\((.*)\))?", text).groups()  # type: ignore[union-attr]
    n = ast.literal_eval(shape)
    return n if isinstance(n, tuple) else (n,), np.dtype(name), strides and ast.literal_eval(f"({strides},)")
