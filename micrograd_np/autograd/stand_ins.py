"""A call of a function on stand-ins for the arguments by which it is differentiated, and the way back to them.

Around an array the stand-in is a new leaf; around a tensor that itself requires a gradient it is a recorded copy, so
that gradients also reach an outer transform or ``backward``. So transforms nest: they share one graph, and each level
ends its walk at its own stand-ins.
"""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from micrograd_np.core import trees
from micrograd_np.core.events import QUIET, Events
from micrograd_np.core.messages import describe_value, must_be, require_type
from micrograd_np.core.modes import mode
from micrograd_np.core.vertex import Vertex, source
from micrograd_np.engine.backward import is_freed, reached
from micrograd_np.engine.constant import as_constant
from micrograd_np.engine.grad_mode import enable_grad
from micrograd_np.engine.tensor import Tensor, get_default_dtype
from micrograd_np.ops.state import copy

from .reverse import gradients, or_zeros

Argnums = int | tuple[int, ...]


class _Depth(threading.local):
    """How many transforms this thread is inside of, and the name of the innermost."""

    now: int = 0
    caller: str = ""


_depth = _Depth()


class _Guard(Events):
    """Watches a function that is differentiated for values that leave the graph as Python numbers.

    Whatever Python computes from them has no derivative, so the result would be silently wrong.
    """

    holds = False  # derivatives need no more than without it

    def __init__(self, caller: str) -> None:
        self.caller = caller

    def exported(self, tensor: Tensor, what: str) -> None:
        """A value becomes a number."""
        if tensor.requires_grad:
            raise _escape(self.caller, tensor, what)

    def applied(self, _op: Any, _inputs: Any, _static: Any, result: Any) -> None:
        """A result is differentiated, too."""
        if type(result) is Tensor and result.requires_grad:
            result.__class__ = _Differentiated


class _Differentiated(Tensor):
    """A tensor in a function that is differentiated: only this package may read its array."""

    __slots__ = ()

    @property
    def data(self) -> Any:
        """The array; TypeError for code outside this package, which would take it for a constant."""
        caller = sys._getframe(1).f_globals
        if id(caller) not in _ours and self.requires_grad and _depth.now and mode.recording and not _is_ours(caller):
            raise _escape(_depth.caller, self, ".data")
        return _data(self)

    @data.setter
    def data(self, array: Any) -> None:
        _set_data(self, array)


_data, _set_data = Vertex.__dict__["data"].__get__, Vertex.__dict__["data"].__set__
_PACKAGE = f"{__name__.partition('.')[0]}."
_ours: set[int] = set()  # the ids of the global variables of this package's modules


def _is_ours(variables: dict[str, Any]) -> bool:
    name = variables.get("__name__")
    if name is not None and name.startswith(_PACKAGE):
        _ours.add(id(variables))
    return name is None or id(variables) in _ours  # a compiled program has no name


def _convert(tensors: Iterable[Any], before: type[Tensor], after: type[Tensor]) -> None:
    """Change the class of those `tensors` that are exactly `before`."""
    for x in tensors:
        if type(x) is before:
            x.__class__ = after


def _escape(caller: str, tensor: Tensor, what: str) -> TypeError:
    return TypeError(
        f"{caller}: the function asks for the value of {tensor._title()} ({what}), and what Python or NumPy computes "
        f"from a number or an array carries no derivative. Use the functions of micrograd_np or of NumPy on the tensor "
        f"itself, join results with mg.stack or write them into mg.zeros(shape) instead of an array, or say .detach() "
        f"first if a constant is meant."
    )


def check_callable(caller: str, f: Any) -> None:
    """TypeError unless `f` is a function."""
    hint = "; autograd.grad(outputs, inputs) differentiates tensors" if isinstance(f, Vertex) else ""
    require_type(caller, "f", f, callable(f), f"a function{hint}")


def as_arguments(caller: str, name: str, values: Any) -> tuple[Any, ...]:
    """`values`, one for each argument of a function, as a tuple; TypeError for an array or a number in their place."""
    several = isinstance(values, (tuple, list)) or (isinstance(values, Iterator) and not isinstance(values, Vertex))
    if not several:
        advice = f"For one argument, write ({name[0]},)."
        raise TypeError(
            must_be(caller, name, "a tuple or list, one for each argument of f", describe_value(values), advice)
        )
    return tuple(values)


class Call:
    """One call of `f` on stand-ins, and its `result`."""

    def __init__(
        self, caller: str, f: Callable[..., Any], args: Sequence[Any],
        argnums: Argnums | None = None, kwargs: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        check_callable(caller, f)
        kwargs = kwargs or {}
        self.caller, self.argnums = caller, tuple(range(len(args))) if argnums is None else argnums
        positions = (self.argnums,) if isinstance(self.argnums, int) else self.argnums
        listed: Any = positions
        whole = isinstance(listed, (tuple, list)) and all(isinstance(n, int) for n in listed)
        require_type(caller, "argnums", argnums, whole, "the position of an argument, or several of them")
        for n in positions:
            if not -len(args) <= n < len(args):
                raise TypeError(f"{caller}: argnums asks for argument {n}, and {len(args)} were given by position.")
        self.recording = mode.recording
        self.trees = [args[n] for n in positions]
        self.tensors_in = any(isinstance(x, Tensor) for x in trees.values((*args, *kwargs.values())))
        self.alone = False
        arguments = list(args)
        self.stand_ins: list[Tensor] = []
        with enable_grad():
            for n, tree in zip(positions, self.trees, strict=True):
                if trees.is_module(tree):
                    self.stand_ins += trees.values(tree)  # a module is called with its own parameters
                    continue
                stand_ins = [self._stand_in(x, f"argument {n}{path}") for path, x in trees.leaves(tree)]
                self.stand_ins += stand_ins
                arguments[n] = trees.rebuild(tree, iter(stand_ins))
            events, outer = mode.events, _depth.caller
            if events is QUIET:
                mode.set(events=_Guard(caller))
            _depth.now += 1
            _depth.caller = caller
            _convert(self.stand_ins, Tensor, _Differentiated)
            try:
                self.result = f(*arguments, **kwargs)
            except (TypeError, AttributeError) as error:
                for n, tree in zip(positions, self.trees, strict=True):
                    if isinstance(tree, list) and any(isinstance(x, (int, float)) for x in tree):
                        error.add_note(
                            f"{caller}: argument {n} is a list, and f gets a list of tensors. If an array is meant, "
                            f"pass np.array({tree!r:.40})."
                        )
                raise
            finally:
                _depth.now -= 1
                _depth.caller = outer
                mode.set(events=events)
                _convert(self.stand_ins, _Differentiated, Tensor)
        if not _depth.now:
            _convert(trees.values(self.result), _Differentiated, Tensor)

    def _stand_in(self, x: Any, where: str) -> Tensor:
        if isinstance(x, Tensor):
            return copy(x) if x.requires_grad else x.detach().requires_grad_()
        if isinstance(x, (bool, int, float)):
            return as_constant(np.asarray(x, get_default_dtype())).requires_grad_()
        suits = isinstance(x, (np.ndarray, np.generic))
        require_type(self.caller, where, x, suits, "an array, a Tensor or a number")
        if x.dtype.kind != "f":
            raise TypeError(
                f"{self.caller}: {where} has dtype {x.dtype}; only floating arrays have derivatives. "
                f"Convert it with .astype(float), or leave it out of argnums."
            )
        return Tensor(np.asarray(x), requires_grad=True)

    def create(self, outputs: Sequence[Tensor]) -> bool:
        """Whether the derivatives must be recorded, because an outer transform or backward may differentiate them."""
        own = set(map(source, self.stand_ins))
        closed = own.issuperset(z for z in reached(*outputs) if z.requires_grad and z.op is None)
        self.alone = closed and all(isinstance(x, Vertex) for x in own)
        return self.recording and (_depth.now > 0 or not closed)

    def pull(self, outputs: Sequence[Tensor], seeds: Sequence[Any], *, retain: bool, create: bool) -> list[Tensor]:
        """The derivatives by all stand-ins, zeros where nothing depends on one."""
        derivatives = gradients(
            outputs, seeds, self.stand_ins, retain=retain or create, create=create, alone=self.alone
        )
        return or_zeros(derivatives, self.stand_ins)

    def scalar(self, y: Any) -> Tensor:
        """The result as the scalar that a gradient starts from."""
        if isinstance(y, (int, float, np.generic, np.ndarray)):
            y = Tensor(np.asarray(y, get_default_dtype()))  # depends on nothing, so all derivatives are zero
        if not isinstance(y, Tensor):
            raise TypeError(
                f"{self.caller}: the function must return a scalar, found {type(y).__name__}. If it returns (value, "
                f"something else), say has_aux=True; if it returns many values, ask for jacobian."
            )
        if y.size != 1:
            raise ValueError(
                f"{self.caller}: the function returned shape {y.shape}; a gradient starts from a scalar. Return its "
                f".sum() or .mean(), or ask for jacobian."
            )
        return y

    def outputs(self) -> list[Tensor]:
        """The tensors in the result; numbers and arrays among them depend on nothing."""
        tensors = []
        for path, y in trees.leaves(self.result):
            if not isinstance(y, (Tensor, np.ndarray, np.generic, int, float)):
                raise TypeError(
                    f"{self.caller}: the function must return tensors or arrays, found {type(y).__name__} at "
                    f"result{path}."
                )
            tensors.append(y if isinstance(y, Tensor) else Tensor(np.asarray(y, get_default_dtype())))
        return tensors

    def like_arguments(self, derivatives: Sequence[Tensor]) -> Any:
        """Derivatives in the structure of the arguments, each an array or a tensor like its argument."""
        pairs = zip(derivatives, trees.values(self.trees), strict=True)
        leaves = iter([g if isinstance(x, Tensor) or g.requires_grad else g.data for g, x in pairs])
        parts = tuple(trees.rebuild(tree, leaves) for tree in self.trees)
        return parts[0] if isinstance(self.argnums, int) else parts

    def returned(self, tree: Any) -> Any:
        """Values as tensors if an argument is one, otherwise as arrays; without the graph down to the stand-ins."""
        return trees.mapped(self._returned, tree)

    def _returned(self, x: Any) -> Any:
        if not isinstance(x, Tensor) or (x.requires_grad and not is_freed(source(x)) and self.create([x])):
            return x
        return x.detach() if self.tensors_in else x.data


def seeds_like(tensors: Iterable[Tensor], values: Iterable[Any]) -> Iterator[Any]:
    """`values`, tensors as they are, anything else as arrays of the dtypes of `tensors`."""
    return (v if isinstance(v, Tensor) else np.asarray(v, y.dtype) for y, v in zip(tensors, values, strict=True))
