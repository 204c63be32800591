"""NumPy's own functions on tensors, by the protocols ``__array_ufunc__`` and ``__array_function__``.

``np.exp(t)`` calls our `exp`, ``np.sum(t, axis=0)`` our `sum`: the function of the same name in `ops` or `numpy_api`
(or the primitive that names it in ``numpy=``), its arguments matched by name. A function without a derivative rule,
``out=``, ``where=``, a method of a ufunc or an unknown setting raises a TypeError that says so; no call returns an
array that has lost its gradient. Operators do not come this way, except with an ndarray on the left.
"""

import importlib
import inspect
import pkgutil
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from types import FunctionType
from typing import Any, NoReturn

import numpy as np

from micrograd_np import numpy_api, ops
from micrograd_np.core import trees
from micrograd_np.core.messages import use_of_result
from micrograd_np.core.modes import mode
from micrograd_np.core.registry import registry
from micrograd_np.core.vertex import Vertex
from micrograd_np.core.writes import writes

from . import scipy_names

# functions of ours that share a name with one of NumPy's, and mean different things
_HOMONYMS = frozenset({"index.split", "convolve"})
_FOLDERS = (f"{ops.__name__}.", f"{numpy_api.__name__}.")
_DIFFERENT_IN_LINALG = frozenset({"diagonal", "norm", "trace"})  # served by numpy_api.linalg

_INSTEAD_OF = {
    "reduce": "Use sum, prod, max or min.",
    "accumulate": "Use cumsum or cumprod.",
    "outer": "Write x[:, None] and y, and let them broadcast.",
    "at": "Write t[index] on the right, or use a new tensor for what is changed.",
}
_REDUCTIONS = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}

# their results have no gradient: by their meaning, or because a small change of the argument does not change them
_OF_SHAPE = frozenset({np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj, np.isrealobj, np.can_cast})
_FILLED = frozenset({np.zeros_like, np.ones_like, np.empty_like})
_OF_VALUE = frozenset(
    {
        np.allclose, np.array2string, np.array_equal, np.array_equiv, np.array_repr, np.array_str, np.count_nonzero,
        np.isclose, np.may_share_memory, np.shares_memory, np.nonzero, np.flatnonzero, np.argwhere, np.argpartition,
        np.bincount, np.digitize, np.histogram, np.isin, np.isreal, np.lexsort, np.linalg.matrix_rank, np.searchsorted,
        np.tril_indices_from, np.triu_indices_from,
    }
)  # fmt: skip


_WRITERS = frozenset({np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask})


@lru_cache(maxsize=1)
def _table(_: int) -> Mapping[Any, Callable[..., Any]]:
    """NumPy's functions and ours that serve them, while there are so many primitives."""
    return dict(served())


def served() -> Iterable[tuple[Any, Callable[..., Any]]]:
    """Every NumPy function that works on tensors, with ours that serves it; primitives come last, so that they win."""
    for folder, info in [(f, info) for f in (ops, numpy_api) for info in pkgutil.iter_modules(f.__path__)]:
        module = importlib.import_module(f"{folder.__name__}.{info.name}")
        for name, ours in vars(module).items():
            defined_here = isinstance(ours, FunctionType) and ours.__module__ == module.__name__
            if defined_here and not _HOMONYMS & {name, f"{info.name}.{name}"}:
                yield from _numpy_functions(name, ours)
    for op in list(registry.values()):
        own = (op.name,) if op.__module__.startswith(_FOLDERS) and op.name not in _HOMONYMS else ()
        for name in (*own, *op.numpy):
            yield from _numpy_functions(name, op)


def _numpy_functions(name: str, ours: Callable[..., Any]) -> Iterable[tuple[Any, Callable[..., Any]]]:
    special = ours.__module__ == f"{numpy_api.__name__}.linalg"  # what differs under np.linalg
    places = (np.linalg,) if special and name != "matrix_transpose" else (np, np.linalg)
    for place in places:
        theirs = getattr(place, name, None)
        differs = place is np.linalg and not special and name in _DIFFERENT_IN_LINALG
        if callable(theirs) and not isinstance(theirs, type) and name[0] != "_" and not differs:
            yield theirs, ours


def array_ufunc(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """``ufunc(*inputs)`` where one of the inputs is a tensor."""
    op = _table(len(registry)).get(ufunc) or registry.get(scipy_names.primitive_of(ufunc))
    if op is not None and method == "__call__" and not kwargs:
        return op(*inputs)
    name = scipy_names.name_of(ufunc)
    target = kwargs["out"] if "out" in kwargs else inputs[:1] if method == "at" else ()
    if _may_write(target, (inputs, kwargs)):
        return _write_into_arrays(name, getattr(ufunc, method), inputs, kwargs, target)
    if method == "reduce" and ufunc in _REDUCTIONS and len(inputs) == 1:
        return array_function(self, _REDUCTIONS[ufunc], (), inputs, {"axis": 0, **kwargs})
    if method != "__call__":
        raise TypeError(
            f"{name}.{method}: has no derivative rule for tensors. "
            f"{_INSTEAD_OF.get(method, 'Write it in other functions.')} "
            f"If no gradient is wanted, call it on t.detach().numpy()."
        )
    if "out" in kwargs:
        raise TypeError(
            f"{name}: out= an array cannot keep the gradient of a tensor. Write z = {name}(...) instead of giving out "
            f"(and x = x + t instead of x += t); to fill an array without gradient, use t.detach().numpy()."
        )
    if kwargs:
        raise TypeError(
            f"{name}: does not take {_listed(kwargs)} with tensors. Use mg.where for where=, .astype for dtype=."
        )
    if all(signature.endswith("?") for signature in ufunc.types):  # yes or no: there is no gradient to lose
        return _without_gradient(self, ufunc, inputs, {})
    raise _no_rule(name)


def torch_function(function: Any, *_: Any) -> NoReturn:
    """TypeError for a function of PyTorch that is called with our tensors; its own: "must be Tensor, not Tensor"."""
    raise TypeError(
        f"torch.{function.__name__}: takes PyTorch's tensors; found a Tensor of micrograd_np. Write a function of "
        f"micrograd_np, or torch.from_numpy(t.detach().numpy())."
    )


def as_no_array(title: str) -> TypeError:
    """The error of making an array of a tensor that requires a gradient: it says what asks for one, what to write.

    `title` names the tensor. The caller is the method of the tensor that raises it, for it reads the stack.
    """
    if name := scipy_names.asking(sys._getframe(2)):
        instead = scipy_names.instead_of(name) or "it in functions of NumPy or micrograd_np"
        return TypeError(
            f"{name}: works on arrays, and {title} requires a gradient, which an array does not carry. "
            f"Write {instead}; or, if no gradient is wanted, give it t.detach().numpy()."
        )
    if use_of_result(2)[0].startswith("STORE_S"):
        return TypeError(FILLED.format(title=title))
    return TypeError(
        f"{title} requires a gradient, which an array does not carry: write a @ t instead of a.dot(t), "
        f"mg.stack([t, u]) to make one of several, or t.detach().numpy() if no gradient is wanted."
    )


def warn_lost_gradient(tensor: Any, what: str) -> None:
    """Warn where a value becomes a Python number (or an element of an array), and its gradient is lost."""
    use = use_of_result(2)[0]
    if tensor.requires_grad and mode.recording and use != "BINARY_OP":  # text % t: no other operator asks for it
        message = (
            FILLED.format(title=tensor._title())
            if use.startswith("STORE_S")
            else f"{what} of a tensor that requires a gradient: what is computed from the number carries no gradient. "
            f"Say .item() if that is meant; else use functions of micrograd_np, and mg.stack for a list of tensors."
        )
        warnings.warn(message, UserWarning, stacklevel=3)


FILLED = (
    "a[i] = t: {title} requires a gradient, which an array does not carry. Make a tensor to fill, a = "
    "mg.zeros(shape), or collect a list and write mg.stack(list) after the loop; if no gradient is wanted, write "
    "a[i] = t.detach()."
)


def array_function(
    self: Any, function: Any, types: Iterable[type], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """``function(*args, **kwargs)`` where one of the arguments, or an element of one, is a tensor."""
    if not all(issubclass(t, (Vertex, np.ndarray)) for t in types):
        return NotImplemented
    target = args[:1] if function in _WRITERS else (kwargs.get("out"),)
    if _may_write(target, (args, kwargs)):
        return _write_into_arrays(_qualified_name(function), function, args, kwargs, target)
    if function in _OF_SHAPE or function in _FILLED:
        return _without_gradient(self, function, args, kwargs)
    if function in _OF_VALUE or (function is np.where and len(args) + len(kwargs) == 1):
        self._exported(_qualified_name(function))
        return _without_gradient(self, function, args, kwargs)
    ours = _table(len(registry)).get(function)
    if ours is None:
        raise _no_rule(_qualified_name(function))
    positional, keywords = _match_arguments(_qualified_name(function), function, ours, args, kwargs)
    return ours(*positional, **keywords)


def _qualified_name(function: Any) -> str:
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module.replace('numpy', 'np', 1)}.{function.__name__}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"{name}=" for name in names)


def _no_rule(name: str) -> TypeError:
    general = "it in functions that have one (docs/ops.md lists them), declare it with @primitive"
    return TypeError(
        f"{name}: has no derivative rule for tensors. Write {scipy_names.instead_of(name) or general}, or, if no "
        f"gradient is wanted, call it on t.detach().numpy()."
    )


def _without_gradient(self: Any, function: Any, args: Any, kwargs: Mapping[str, Any]) -> Any:
    if function not in _OF_SHAPE:
        mode.events.unrecorded(_qualified_name(function))
    result = _on_arrays(function, args, kwargs)
    return self.result_type(result) if isinstance(result, np.ndarray) or isinstance(function, np.ufunc) else result


def _may_write(targets: tuple[Any, ...], arguments: Any) -> bool:
    """Whether a call with these `arguments` may write into `targets`: all are arrays, and no gradient is lost."""
    arrays = bool(targets) and all(isinstance(target, np.ndarray) for target in targets)
    return arrays and not (mode.recording and any(x.requires_grad for x in trees.instances(arguments, Vertex)))


def _write_into_arrays(name: str, function: Any, args: Any, kwargs: Mapping[str, Any], targets: Iterable[Any]) -> Any:
    """Let NumPy write values of tensors into arrays, as in ``w.data -= 0.1 * w.grad``, and note the write."""
    mode.events.unrecorded(name)
    result = _on_arrays(function, args, kwargs)
    writes.note_all(targets)
    return result


def _on_arrays(function: Any, args: Any, kwargs: Mapping[str, Any]) -> Any:
    arrays, settings = trees.replaced((tuple(args), dict(kwargs)), Vertex, lambda x: x.data)
    return function(*arrays, **settings)


def _match_arguments(
    name: str, theirs: Any, ours: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call of NumPy's function as ours takes them; TypeError for one that ours does not have."""
    parameters, partners, several = _partners(theirs, ours)
    if not partners:
        return list(args), {key: value for key, value in kwargs.items() if key not in _HARMLESS}
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    excess: list[str] = []
    for theirs_name, value in (*zip(parameters, args, strict=False), *kwargs.items()):
        partner = partners.get(theirs_name)
        if partner is None and theirs_name not in parameters and theirs_name in inspect.signature(ours).parameters:
            partner = theirs_name  # one that NumPy takes by **kwargs
        if partner is None:
            default = parameters[theirs_name].default if theirs_name in parameters else _NO_VALUE
            same = value is default or (isinstance(value, (str, int, bool, type(None))) and value == default)
            if theirs_name not in parameters or not (same or (theirs_name == "where" and value is True)):
                excess.append(theirs_name)
        elif partner == several:
            positional += value
        elif value is not _NO_VALUE:
            keywords[partner] = value
    if excess:
        raise TypeError(
            f"{name}: does not take {_listed(excess)} with tensors, "
            f"only {', '.join(inspect.signature(ours).parameters)}."
            f"{' An array given as out cannot keep a gradient.' if 'out' in excess else ''}"
            f"{' Use .astype.' if 'dtype' in excess else ''}"
        )
    return positional, keywords


_NO_VALUE = inspect.signature(np.sum).parameters["keepdims"].default
_RENAMED = {"a_min": "min", "a_max": "max", "correction": "ddof"}
_HARMLESS = frozenset({"optimize"})  # settings that change no value

# functions written in C, which say how they are called only from NumPy 2.4 on: their signatures there
_CALLED: Mapping[Any, Callable[..., Any]] = {
    np.concatenate: lambda arrays, /, axis=0, out=None, *, dtype=None, casting="same_kind": None,
    np.dot: lambda a, b, out=None: None,
    np.inner: lambda a, b, /: None,
    np.vdot: lambda a, b, /: None,
    np.where: lambda condition, x=None, y=None, /: None,
}


@cache
def _partners(theirs: Any, ours: Any) -> tuple[Mapping[str, inspect.Parameter], Mapping[str, str], str | None]:
    """NumPy's parameters and ours that they fill, and which of ours, if any, takes several arrays.

    The first fills the first, then equal names each other, and the other arrays go in order. Nothing is paired where
    NumPy's function takes everything by position.
    """
    signature = inspect.signature(_CALLED.get(theirs, theirs))
    parameters = inspect.signature(ours).parameters
    several = next((p.name for p in parameters.values() if p.kind is p.VAR_POSITIONAL), None)
    first = next(iter(signature.parameters.values()))
    if first.kind is first.VAR_POSITIONAL:
        return signature.parameters, {}, None
    partners = {first.name: next(iter(parameters))}
    for name in signature.parameters:
        partner = _RENAMED.get(name, name)
        if name != first.name and partner in parameters and partner != partners[first.name]:
            partners[name] = partner
    free = [p.name for p in parameters.values() if p.kind is not p.KEYWORD_ONLY and p.name not in partners.values()]
    for p in signature.parameters.values():
        if p.name not in partners and p.default is p.empty and p.kind is not p.VAR_KEYWORD and free:
            partners[p.name] = free.pop(0)
    return signature.parameters, partners, several


def exportable(array: np.ndarray[Any, Any], *, copies: bool | None) -> np.ndarray[Any, Any]:
    """`array`, or a copy of it that any consumer of DLPack can take: in C order, aligned, writable, native bytes.

    Consumers differ in the strides that they support, and some write into memory that they should only read.
    BufferError where a copy is needed and ``copies`` is False.
    """
    plain = np.require(array, array.dtype.newbyteorder("="), requirements=("C", "A", "W"))
    if copies is False and not np.may_share_memory(plain, array) and array.size:
        raise BufferError(
            f"DLPack: copy=False, and this {array.shape} array is not one that every library can share (C order, "
            f"aligned, writable, native byte order). Leave copy out, or export a copy: np.ascontiguousarray(t.numpy())."
        )
    return plain.ravel().reshape(plain.shape)  # else axes of length 1 and 0 keep odd strides
