"""One op, one declaration: a kernel, its derivative rules, and all that tests, tables and pictures need.

A *kernel* is written over a namespace `xp` (NumPy, or one that records) and a destination `out`; `...` as destination
means "a fresh array", and makes NumPy return 0-d arrays instead of scalars. Derivative *rules* are given by input name.

This file knows nothing of `Tensor`: whatever derives from `Vertex` takes part in the graph, and an application returns
the `result_type` of its first tensor argument.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Concatenate, Generic, ParamSpec

import numpy as np

from .domains import Domain
from .errors import KERNEL_ERRORS, as_array, complaint
from .events import QUIET
from .kernel import SignatureOfKernel, arguments_of
from .messages import VALUES_ONLY, caller, require_type, warn_of_unpacking, without_inert, wrong_call
from .modes import USUAL, mode, unusual
from .reads import NOTHING, SHAPE, VALUE, Blank, reads
from .registry import registry
from .vertex import Node, Vertex, edge, preferred, preferred_type
from .views import register_view
from .writes import clock, writes

__all__ = ["Primitive", "primitive"]  # for ops of one's own; the rest is the package's

P = ParamSpec("P")


_Reads = tuple[int, tuple[int, ...], tuple[int, ...], tuple[int, ...] | None, tuple[bool, ...]]
_MOST_READS = 256
_NO_STATIC: Mapping[str, Any] = {}
_ABSENT: Any = object()
_new = object.__new__
_ndarray = np.ndarray
_numpys = (None, np.ndarray.__array_ufunc__, getattr(np.generic, "__array_ufunc__", None))
# types that a kernel takes without conversion; Python's scalars stay bare, so that they never promote (NEP 50)
_ready = frozenset((np.ndarray, float, int, bool, np.float64, np.float32, np.bool_, np.int64))


def wrap_result(
    result_type: type[Vertex], op: Primitive[Any], inputs: tuple[Any, ...], arrays: Sequence[Any],
    static: Mapping[str, Any], data: Any, needs: int,
) -> Vertex:  # fmt: skip
    """The result of an application as a tensor, recorded if one of the inputs requires a gradient.

    Bit i of `needs` says that input number i requires one; the node holds what the rules of these inputs read.
    """
    z = _new(preferred_type(result_type, inputs) if preferred else result_type)
    z.data = data
    z._view = z._views = None
    recording, events = mode.state if unusual else USUAL
    if needs and recording and op.smooth and not (static and data.dtype.kind != "f"):
        z.requires_grad = True
        z.node = node = Node()
        node.op = op
        node.static = static
        node.shape = data.shape
        node.dtype = data.dtype
        of_result, dropped, blank, nothing, needed = op._reads.get(needs) or op.reads_of(needs, len(inputs))
        if events is QUIET or not events.holds:
            node.notes = None
            node.data = data if of_result is VALUE else None if of_result is NOTHING else Blank(data.shape, data.dtype)
            if nothing is not None:
                arrays = nothing
            elif dropped or blank:
                kept: Any = arrays if type(arrays) is list else list(arrays)
                for i in dropped:
                    kept[i] = 0
                for i in blank:
                    if type(kept[i]) is _ndarray:
                        kept[i] = Blank(kept[i].shape, kept[i].dtype)
                arrays = kept
        else:  # a watcher needs everything
            node.notes = {"held": inputs}
            node.data = data
        node.arrays = arrays
        count = len(inputs)  # the most frequent counts are spelled out, for speed
        if count == 1:
            (x,) = inputs
            node.inputs = (x.node or x,)
        elif count == 2:
            x, y = inputs
            of_x, of_y = needed
            node.inputs = (
                (x.node or x) if of_x else edge(x, arrays[0]),
                (y.node or y) if of_y else edge(y, arrays[1]),
            )
        elif count == 3:
            x, y, w = inputs
            of_x, of_y, of_w = needed
            node.inputs = (
                (x.node or x) if of_x else edge(x, arrays[0]),
                (y.node or y) if of_y else edge(y, arrays[1]),
                (w.node or w) if of_w else edge(w, arrays[2]),
            )
        else:
            node.inputs = tuple(
                [(x.node or x) if of_x else edge(x, a) for x, a, of_x in zip(inputs, arrays, needed, strict=True)]
            )
        node.order = clock()
    else:
        z.requires_grad = False
        z.node = z._grad = z._name = z._notes = None
    if op.view and isinstance(inputs[0], Vertex):
        register_view(z, inputs[0], op, static)
    if events is not QUIET:
        events.applied(op, inputs, static, z)
    return z


def describe(op: Primitive[Any]) -> str | None:
    """The docstring of an op: its kernel's. The package replaces it by `check.description`'s, which adds to it."""
    return op.kernel.__doc__


class _Docstring:
    """The `__doc__` of a class of ops and of its instances: the class's own; for an op, what `describe` returns."""

    def __init__(self, of_class: str | None) -> None:
        self.of_class = of_class

    def __get__(self, op: Primitive[Any] | None, _: Any) -> str | None:
        return self.of_class if op is None else describe(op)


class Primitive(Generic[P]):
    """An op that can be differentiated, traced, drawn, tested and documented. Created by the decorator `primitive`.

    TypeError for a kernel or a domain of another form, and for names that are no inputs.

    >>> import micrograd_np as mg
    >>> isinstance(mg.matmul, Primitive), mg.matmul.inputs, mg.matmul.shape, mg.matmul.onnx
    (True, ('x', 'y'), '(n,k),(k,m)->(n,m)', 'MatMul')
    """

    __signature__ = SignatureOfKernel()

    def __init__(
        self, kernel: Callable[..., Any], label: str, *, domain: Sequence[Domain], shape: str | None = None,
        examples: Sequence[Mapping[str, Any]] = (), onnx: str | None = None, not_differentiable: Sequence[str] = (),
        view: bool = False, numpy: Sequence[str] = (),
    ) -> None:  # fmt: skip
        inputs, variadic, self.statics, defaults = arguments_of(kernel)
        described = isinstance(domain, (tuple, list))
        require_type(kernel.__name__, "domain", domain, described, "a tuple, with a Domain for each input")
        self.kernel = kernel
        self.name = self.__name__ = kernel.__name__
        self.__qualname__, self.__module__ = kernel.__qualname__, kernel.__module__
        self.inputs = inputs + variadic
        self.variadic = bool(variadic)
        self.fixed = len(inputs)  # inputs before a variadic one
        self.defaults: Mapping[str, Any] = dict(defaults)
        self._static_names = set(self.statics)
        self._optional = len(self.defaults) == len(self.statics)  # whether every setting has a default
        self._bare = -1 if self.statics or self.variadic else len(self.inputs)  # so many arguments need no sorting
        self.label, self.shape, self.onnx, self.view = label, shape, onnx, view
        self.domain, self.examples, self.numpy = tuple(domain), tuple(examples) or ({},), tuple(numpy)
        self.not_differentiable = frozenset(not_differentiable)
        self.rules: tuple[Callable[..., Any] | None, ...] = tuple(
            None if name in not_differentiable else self._missing(name) for name in self.inputs
        )
        self.smooth = len(self.not_differentiable) < len(self.inputs)  # else no result ever requires a gradient
        self.advice: Callable[..., str | None] | None = None
        self.reads_all = False  # whether its rules read the inputs in ways that their code does not show
        self._reads: dict[Any, _Reads] = {}
        for name in not_differentiable:
            self._position(name)

    @cached_property
    def _lenient(self) -> inspect.Signature:
        """The signature with settings by position, too."""
        parameters = self.__signature__.parameters.values()
        return inspect.Signature([p if self.variadic else p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in parameters])

    def _missing(self, name: str) -> Callable[..., Any]:
        def rule(*_: Any, **__: Any) -> Any:
            raise NotImplementedError(
                f"{self.name}: no derivative rule for {name!r}. Give one with {self.name}.vjp({name}=...), or declare "
                f"the input not_differentiable; where no gradient is wanted, detach() it."
            )

        rule.missing = True  # type: ignore[attr-defined]
        return rule

    def _position(self, name: str) -> int:
        if name not in self.inputs:
            raise TypeError(f"{self.name}: there is no input {name!r}; its inputs are {', '.join(self.inputs)}.")
        return self.inputs.index(name)

    def vjp(self, *unnamed: Any, **rules: Callable[..., Any]) -> Primitive[P]:
        """Set the derivative rule of each input by name: ``rule(g, z, *inputs, **static)`` → the input's gradient.

        `g` is the gradient of the output `z`. The rule of a variadic input gets its position among them first. Rules
        are written with operators and primitives only, so that they run on arrays, on tensors and on symbols alike;
        the backward pass undoes broadcasting. Raises TypeError for a name that the kernel does not have.
        """
        if unnamed:
            raise TypeError(f"{self.name}: name the input of each rule: {self.name}.vjp({self.inputs[0]}=...).")
        all_rules = list(self.rules)
        for name, rule in rules.items():
            position = self._position(name)
            if name in self.not_differentiable:
                raise TypeError(f"{self.name}: {name!r} is declared not differentiable, so it cannot have a rule.")
            all_rules[position] = rule
        self.rules = tuple(all_rules)
        self._reads.clear()
        return self

    def reads_of(self, needs: int, count: int) -> _Reads:
        """What is read by the rules of those of `count` inputs whose bits are set in `needs`.

        How much of the result; the inputs of which they read nothing; those of which only shape or dtype; the arrays
        that the rules are given, if they read no input at all; and for each input whether its bit is set.
        """
        key: Any = (needs, count) if self.variadic else needs
        if key in self._reads:
            return self._reads[key]
        needed = tuple([bool(needs >> i & 1) for i in range(count)])
        fixed = zip(self.rules[: self.fixed], needed, strict=False)
        rules = [rule for rule, needs_it in fixed if needs_it and rule is not None]
        if self.variadic and needs >> self.fixed:
            rules.append(self.rules[-1])  # type: ignore[arg-type]
        levels = [VALUE if rules and self.reads_all else NOTHING] * (count + 1)
        for rule in () if self.reads_all else rules:
            levels_of_rule = reads(rule, count + 1, skip=rule is self.rules[-1] and self.variadic)
            levels = [max(pair) for pair in zip(levels, levels_of_rule, strict=True)]
        dropped, blank = (tuple(i for i, x in enumerate(levels[1:]) if x == level) for level in (NOTHING, SHAPE))
        result = levels[0], dropped, blank, (0,) * count if len(dropped) == count else None, needed
        if len(self._reads) < _MOST_READS:  # one of any number of inputs has many
            self._reads[key] = result
        return result

    def rules_for(self, count: int) -> list[Callable[..., Any] | None]:
        """The rules of a variadic primitive applied to `count` inputs, one for each."""
        last = self.rules[-1]
        rest = range(count - self.fixed)
        return [*self.rules[: self.fixed], *(None if last is None else partial(last, i) for i in rest)]

    def advise(self, advice: Callable[..., str | None]) -> Callable[..., str | None]:
        """Register ``advice(*shapes, **static)`` → the sentence to add to an error message, or None."""
        self.advice = advice
        return advice

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Apply to tensors, arrays or numbers: a tensor if any argument is one, otherwise an array."""
        inputs, static = (args, _NO_STATIC) if len(args) == self._bare and not kwargs else self._bind(args, kwargs)
        first = None
        needs = 0
        arrays: list[Any] = []
        for x in inputs:
            if isinstance(x, Vertex):
                if first is None:
                    first = x
                if x.requires_grad:
                    needs |= 1 << len(arrays)
                arrays.append(x.data)
            elif type(x) in _ready:
                arrays.append(x)
            else:
                return self._adapt(inputs, static)
        try:
            data = self.kernel(np, ..., *arrays, **static) if static else self.kernel(np, ..., *arrays)
        except KERNEL_ERRORS as error:
            raise complaint(self, error, inputs, static) from error
        if first is None:
            return self._reported(inputs, static, data)
        return wrap_result(first.result_type, self, inputs, arrays, static, data, needs)

    def _reported(self, inputs: tuple[Any, ...], static: Mapping[str, Any], data: Any) -> Any:
        """The result of an application to arrays only, which is an event but not recorded."""
        if unusual:
            mode.events.applied(self, inputs, static, data)
        return data

    def _bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """Sort arguments into inputs and statics: inputs may come by keyword, statics by position, as in NumPy."""
        if self.variadic or len(args) == len(self.inputs):
            if not kwargs and self._optional:
                return args, self.defaults
            static = {**self.defaults, **kwargs}
            if static.keys() == self._static_names:
                return args, static
        try:
            bound = self._lenient.bind(*args, **kwargs)
        except TypeError as error:
            rest = without_inert(caller(self.name), kwargs, self.__signature__.parameters)
            if len(rest) < len(kwargs):
                return self._bind(args, rest)
            raise wrong_call(caller(self.name), self.__signature__, kwargs, error) from None
        if self.name in VALUES_ONLY and isinstance(args[0], np.ndarray):
            warn_of_unpacking(3)  # a tensor says so itself, when it is unpacked
        bound.apply_defaults()
        static = {name: bound.arguments[name] for name in self.statics}
        if self.variadic:
            return args, static
        return tuple(bound.arguments[name] for name in self.inputs), static

    def _adapt(self, inputs: tuple[Any, ...], static: Mapping[str, Any]) -> Any:
        """Apply to inputs that must be converted first: symbols, lists, NumPy scalars, other objects."""
        adapted = []
        for x in inputs:
            handler = getattr(type(x), "__primitive__", None)
            if handler is not None:
                return handler(self, inputs, static)
            if isinstance(x, Vertex) or type(x) in _ready:
                adapted.append(x)
                continue
            result = self._deferred(x, inputs)
            if result is not NotImplemented:
                return result
            adapted.append(as_array(x, self.name))
        return self(*adapted, **static)

    def _deferred(self, x: Any, inputs: tuple[Any, ...]) -> Any:
        """What `x` computes, if its type has its own arithmetic and another input is a tensor; else NotImplemented.

        A type with its own ``__array_ufunc__`` comes first: ``tensor * labelled`` is as ``labelled * tensor``. Where
        that is None, the reflected method is called.
        """
        theirs = getattr(type(x), "__array_ufunc__", None)
        ufunc = getattr(np, self.name, None)
        if theirs is None and hasattr(type(x), "__array_ufunc__") and len(inputs) == 2 and x is inputs[1]:
            reflected = getattr(type(x), _REFLECTED.get(self.name, ""), None)  # as NumPy's arrays defer to it
            return NotImplemented if reflected is None else reflected(x, inputs[0])
        elementwise = isinstance(ufunc, np.ufunc) and ufunc.signature is None
        if theirs in _numpys or not elementwise or not any(isinstance(y, Vertex) for y in inputs):
            return NotImplemented
        try:
            return theirs(x, ufunc, "__call__", *inputs)
        except TypeError:  # it converts tensors to arrays, which raises where they require a gradient
            return NotImplemented

    def write(self, target: Vertex, *inputs: Any, **static: Any) -> None:
        """Run the kernel with the memory of `target` as its destination: the only way in which values change in place.

        Where a kernel ignores its destination (a view, a gather), its result is copied. The write is logged for
        backward. Raises ValueError where the result does not fit the target.
        """
        mode.events.writes(target)
        arrays = [x.data if isinstance(x, Vertex) or hasattr(type(x), "__primitive__") else x for x in inputs]
        try:
            result = self.kernel(np, target.data, *arrays, **static)
            if not fills(result, target.data):
                np.copyto(target.data, result)
        except KERNEL_ERRORS as error:
            raise complaint(self, error, inputs, static) from error
        writes.note(target.data)
        del arrays, result  # a watcher may count who else holds them
        mode.events.written(self, target, inputs, static)

    def __repr__(self) -> str:
        return f"{self.name}{self.__signature__}"

    def __reduce__(self) -> str:
        return self.__qualname__


_in_any_form: Callable[..., Any] = Primitive.__call__


class Unary(Primitive[P]):
    """A primitive of one input: the same as the general case, without its loop."""

    def __call__(self, x: Any = _ABSENT, *args: Any, **static: Any) -> Any:
        """Apply to a tensor, an array or a number."""
        if args or x is _ABSENT or (static and len(static) != len(self.statics)):
            return _in_any_form(self, *((x,) if x is not _ABSENT else ()), *args, **static)
        if not static:  # nor is the empty dict of this call kept
            if not self._optional:
                return _in_any_form(self, x)
            static = self.defaults  # type: ignore[assignment]
        recordable = isinstance(x, Vertex)
        if recordable:
            array = x.data
        elif type(x) in _ready:
            array = np.asarray(x)
        else:
            return self._adapt((x,), static) if static.keys() == self._static_names else _in_any_form(self, x, **static)
        try:
            data = self.kernel(np, ..., array, **static) if static else self.kernel(np, ..., array)
        except KERNEL_ERRORS as error:
            if static.keys() != self._static_names:  # which the kernel has refused
                return _in_any_form(self, x, **static)
            raise complaint(self, error, (x,), static) from error
        if recordable:
            return wrap_result(x.result_type, self, (x,), (array,), static, data, 1 if x.requires_grad else 0)
        return self._reported((x,), static, data)


class Binary(Primitive[P]):
    """A primitive of two inputs and nothing else: the same as the general case, without its loop."""

    def __call__(self, x: Any = _ABSENT, y: Any = _ABSENT, *args: Any, **static: Any) -> Any:
        """Apply to tensors, arrays or numbers."""
        if isinstance(x, Vertex):
            if isinstance(y, Vertex):
                a, b = x.data, y.data
                first = x
                needs = (3 if y.requires_grad else 1) if x.requires_grad else 2 if y.requires_grad else 0
            elif type(y) in _ready:
                a, b = x.data, y
                first, needs = x, 1 if x.requires_grad else 0
            else:
                return _in_any_form(self, *(v for v in (x, y) if v is not _ABSENT), *args, **static)
        elif type(x) is np.ndarray and type(y) is np.ndarray:
            a, b, first = x, y, None
        elif isinstance(y, Vertex) and type(x) in _ready:
            a, b = x, y.data
            first, needs = y, 2 if y.requires_grad else 0
        else:
            return _in_any_form(self, *(v for v in (x, y) if v is not _ABSENT), *args, **static)
        if args or static:
            return _in_any_form(self, x, y, *args, **static)
        try:
            data = self.kernel(np, ..., a, b)
        except KERNEL_ERRORS as error:
            raise complaint(self, error, (x, y), _NO_STATIC) from error
        if first is None:
            return self._reported((x, y), _NO_STATIC, data) if unusual else data
        return wrap_result(first.result_type, self, (x, y), (a, b), _NO_STATIC, data, needs)


class Ternary(Primitive[P]):
    """A primitive of three inputs and nothing else, such as a layer: the same as the general case, without its loop."""

    def __call__(self, *args: Any, **static: Any) -> Any:
        """Apply to tensors, arrays or numbers."""
        if len(args) == 3 and not static:
            x, y, w = args
            if isinstance(x, Vertex) and isinstance(y, Vertex) and isinstance(w, Vertex):
                arrays = [x.data, y.data, w.data]
                try:
                    data = self.kernel(np, ..., *arrays)
                except KERNEL_ERRORS as error:
                    raise complaint(self, error, args, _NO_STATIC) from error
                needs = x.requires_grad | y.requires_grad << 1 | w.requires_grad << 2
                return wrap_result(x.result_type, self, args, arrays, _NO_STATIC, data, needs)
        return _in_any_form(self, *args, **static)


for _class in (Primitive, Unary, Binary, Ternary):
    _class.__doc__ = _Docstring(_class.__doc__)  # type: ignore[assignment]

_REFLECTED = {
    "add": "__radd__", "subtract": "__rsub__", "multiply": "__rmul__", "divide": "__rtruediv__", "power": "__rpow__",
    "matmul": "__rmatmul__", "remainder": "__rmod__", "floor_divide": "__rfloordiv__", "bitwise_and": "__rand__",
    "bitwise_or": "__ror__", "bitwise_xor": "__rxor__", "less": "__gt__", "less_equal": "__ge__", "greater": "__lt__",
    "greater_equal": "__le__",
}  # fmt: skip
"""The methods of the right operand of an operator."""


def fills(result: Any, target: Any) -> bool:
    """Whether `result`, which a kernel returned for the destination `target`, is that memory, so that it is written."""
    return result is target or (
        isinstance(result, np.ndarray)
        and (result.shape, result.strides, result.dtype) == (target.shape, target.strides, target.dtype)
        and result.__array_interface__["data"] == target.__array_interface__["data"]
    )


def primitive(
    label: str,
    *,
    domain: Sequence[Domain],
    shape: str | None = None,
    examples: Sequence[Mapping[str, Any]] = (),
    onnx: str | None = None,
    not_differentiable: Sequence[str] = (),
    view: bool = False,
    numpy: Sequence[str] = (),
) -> Callable[[Callable[Concatenate[Any, Any, P], Any]], Primitive[P]]:
    """Declare an op. The decorated kernel ``(xp, out, *inputs, *, **static)`` becomes a `Primitive`.

    - `label`: the text of pictures and the op table, a format string over the names of inputs and settings.
    - `domain`: for each input, where it is defined and smooth (`micrograd_np.core.domains`); tests draw from it.
    - `shape`: the shape contract in NumPy's gufunc notation, ``"(n,k),(k,m)->(n,m)"``; None for elementwise.
    - `examples`: values of the settings for tests and tables.
    - `onnx`: the name of the equivalent ONNX operator, if there is one.
    - `not_differentiable`: inputs that have no derivative by nature (labels, indices, masks).
    - `view`: the result may share memory with the first input.
    - `numpy`: NumPy functions that it implements besides the one of its name, e.g. ``("absolute",)``.

    TypeError for a kernel that does not begin with ``(xp, out)``.

    >>> import numpy as np
    >>> from micrograd_np.core.domains import REALS
    >>> from micrograd_np.core.primitive import primitive
    >>> @primitive("{x}³", domain=(REALS,))
    ... def cube(xp, out, x):
    ...     "Elementwise third power."
    ...     return xp.multiply(xp.multiply(x, x), x, out=out)
    >>> cube.vjp(x=lambda g, z, x: 3 * g * x * x)
    cube(x)
    >>> cube(np.array([1.0, 2.0]))
    array([1., 8.])
    """
    declaration = locals()

    def declare(kernel: Callable[Concatenate[Any, Any, P], Any]) -> Primitive[P]:
        inputs, variadic, settings, _ = arguments_of(kernel)
        fast: Any = {1: Unary, 2: Binary, 3: Ternary}.get(len(inputs), Primitive)
        plain = not variadic and (fast is Unary or not settings)
        op: Primitive[P] = (fast if plain else Primitive)(kernel, **declaration)
        earlier = registry.declared.get(op.name)
        taken = earlier is not None and earlier.__module__ != op.__module__  # another module's op keeps its name
        registry[f"{op.__module__}.{op.name}" if taken else op.name] = op
        return op

    return declare
