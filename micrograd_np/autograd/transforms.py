"""Functions in, functions out: `grad`, `vjp`, `jvp`, `jacobian`, `hessian`, `hvp`.

Each calls the function on *stand-ins* for the arguments by which it differentiates, and walks back to them. Around an
array the stand-in is a new leaf; around a tensor that itself requires a gradient it is a recorded copy, so whoever
differentiates around us (another transform, or ``backward``) gets through. That is all there is to nesting: the graph
is one, and each level stops the walk at its own stand-ins.

Arrays in, arrays out, tensors in, tensors out. Only where the result can itself be differentiated by something outside,
it is always a tensor, so that no gradient is lost.
"""

from __future__ import annotations

import sys
import threading
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core import trees
from micrograd_np.core.events import QUIET, Events
from micrograd_np.core.messages import require_type
from micrograd_np.core.modes import mode
from micrograd_np.core.vertex import Vertex, source
from micrograd_np.engine.backward import is_gone, reached
from micrograd_np.engine.constant import settled
from micrograd_np.engine.grad_mode import enable_grad
from micrograd_np.engine.tensor import Tensor, get_default_dtype
from micrograd_np.ops.shape import concatenate, reshape
from micrograd_np.ops.state import copy

from .reverse import gradients

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Argnums = int | tuple[int, ...]


class _Depth(threading.local):
    """How many transforms this thread is inside of, and which is the innermost."""

    now: int = 0
    caller: str = ""


_depth = _Depth()


class _Keeper(Events):
    """Watches a function being differentiated for values that leave the graph as Python numbers.

    What Python computes from them would carry no derivative, and the answer would be silently wrong.
    """

    holds = False  # derivatives need no more than without it

    def __init__(self, caller: str) -> None:
        self.caller = caller

    def exported(self, tensor: Tensor, what: str) -> None:
        """A value is wanted as a number."""
        if tensor.requires_grad:
            raise _lost(self.caller, tensor, what)

    def applied(self, _op: Any, _inputs: Any, _static: Any, result: Any) -> None:
        """What was computed is differentiated, too."""
        if type(result) is Tensor and result.requires_grad:
            result.__class__ = _Differentiated


class _Differentiated(Tensor):
    """A tensor in a function that is being differentiated: its memory is not for those who would forget the graph."""

    __slots__ = ()

    @property
    def data(self) -> Any:
        """The array; TypeError for code outside this package, which would take it for a constant."""
        caller = sys._getframe(1).f_globals
        if id(caller) not in _ours and self.requires_grad and _depth.now and mode.recording and not _is_ours(caller):
            raise _lost(_depth.caller, self, ".data")
        return _data(self)

    @data.setter
    def data(self, array: Any) -> None:
        _set_data(self, array)


_data, _set_data = Vertex.__dict__["data"].__get__, Vertex.__dict__["data"].__set__
_PACKAGE = f"{__name__.partition('.')[0]}."
_ours: set[int] = set()  # the ids of the variables of modules of this package


def _is_ours(variables: dict[str, Any]) -> bool:
    name = variables.get("__name__")
    if name is not None and name.startswith(_PACKAGE):
        _ours.add(id(variables))
    return name is None or id(variables) in _ours  # a compiled program has no name


def _mark(tensors: Iterable[Any], before: type[Tensor], now: type[Tensor]) -> None:
    """Those of `tensors` that are exactly `before` become `now`."""
    for x in tensors:
        if type(x) is before:
            x.__class__ = now


def _lost(caller: str, tensor: Tensor, what: str) -> TypeError:
    return TypeError(
        f"{caller}: the function asks for the value of {tensor._title()} ({what}), and what Python or NumPy computes "
        f"from a number or an array carries no derivative. Use the functions of micrograd_np or of NumPy on the tensor "
        f"itself, join results with mg.stack, or say .detach() first if a constant is meant."
    )


class _Call:
    """One call of `f` on stand-ins: what came out, and how to walk back to what went in."""

    def __init__(self, caller: str, f: Callable[..., Any], args: Sequence[Any], argnums: Argnums, kwargs: Any) -> None:
        self.caller = caller
        _callable(caller, f)
        chosen = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        for n in chosen:
            if not -len(args) <= n < len(args):
                raise TypeError(f"{caller}: argnums asks for argument {n}, and {len(args)} were given by position.")
        self.recording = mode.recording
        self.trees = [args[n] for n in chosen]
        self.given = [x for tree in self.trees for x in trees.values(tree)]
        self.speaks_tensor = any(isinstance(x, Tensor) for arg in (*args, *kwargs.values()) for x in trees.values(arg))
        self.alone = False
        passed = list(args)
        self.stand_ins: list[Tensor] = []
        with enable_grad():
            for n, tree in zip(chosen, self.trees, strict=True):
                if trees.is_module(tree):
                    self.stand_ins += trees.values(tree)  # a module is called with its own parameters
                    continue
                mine = [self._stand_in(x, n, tree) for x in trees.values(tree)]
                self.stand_ins += mine
                passed[n] = trees.rebuild(tree, iter(mine))
            before = mode.events
            if before is QUIET:
                mode.set(events=_Keeper(caller))
            _depth.now += 1
            _depth.caller, outer = caller, _depth.caller
            _mark(self.stand_ins, Tensor, _Differentiated)
            try:
                self.result = f(*passed, **kwargs)
            finally:
                _depth.now -= 1
                _depth.caller = outer
                mode.set(events=before)
                _mark(self.stand_ins, _Differentiated, Tensor)
        if not _depth.now:
            _mark(trees.values(self.result), _Differentiated, Tensor)

    def _stand_in(self, x: Any, n: int, tree: Any) -> Tensor:
        if isinstance(x, Tensor):
            return copy(x) if x.requires_grad else x.detach().requires_grad_()
        if isinstance(x, (bool, int, float)):
            return settled(np.asarray(x, get_default_dtype())).requires_grad_()
        told = f"{self.caller}: argument {n}"
        if not isinstance(x, (np.ndarray, np.generic)):
            path = next(path for path, y in trees.leaves(tree) if y is x)
            raise TypeError(f"{told}{path} must be an array, a Tensor or a number; found {type(x).__name__}.")
        if x.dtype.kind != "f":
            path = next(path for path, y in trees.leaves(tree) if y is x)
            raise TypeError(
                f"{told}{path} has dtype {x.dtype}; only floating arrays have derivatives. "
                f"Convert it with .astype(float), or leave it out of argnums."
            )
        return Tensor(np.asarray(x), requires_grad=True)

    def create(self, outputs: Sequence[Tensor]) -> bool:
        """Whether somebody outside could want to differentiate the derivatives: then they must be recorded."""
        own = set(map(source, self.stand_ins))
        leaves = [z for z in reached(*outputs) if z.requires_grad and z.op is None]
        self.alone = own.issuperset(leaves) and all(isinstance(x, Vertex) for x in own)
        return self.recording and (_depth.now > 0 or not own.issuperset(leaves))

    def pull(self, outputs: Sequence[Tensor], seeds: Sequence[Any], *, retain: bool, create: bool) -> list[Tensor]:
        """The derivatives by all stand-ins, zeros where nothing depends on one."""
        found = gradients(outputs, seeds, self.stand_ins, retain=retain or create, create=create, alone=self.alone)
        return [settled(np.zeros_like(x.data)) if g is None else g for x, g in zip(self.stand_ins, found, strict=True)]

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

    def as_given(self, found: Sequence[Any], argnums: Argnums) -> Any:
        """Derivatives in the structure of the arguments, each as array or tensor like the leaf it belongs to."""
        rest = iter([_like(g, x) for g, x in zip(found, self.given, strict=True)])
        parts = tuple(trees.rebuild(tree, rest) for tree in self.trees)
        return parts[0] if isinstance(argnums, int) else parts

    def spoken(self, tree: Any) -> Any:
        """Values as tensors if tensors came in, otherwise as arrays; without the graph that ends at our stand-ins."""
        return trees.mapped(self._say, tree)

    def _say(self, x: Any) -> Any:
        if not isinstance(x, Tensor):
            return x
        if x.requires_grad and not is_gone(source(x)) and self.create([x]):
            return x
        return x.detach() if self.speaks_tensor else x.data


def _callable(caller: str, f: Any) -> None:
    wanted = (
        "a function; autograd.grad(outputs, inputs) differentiates tensors" if isinstance(f, Vertex) else "a function"
    )
    require_type(caller, "f", f, callable(f), wanted)


def _like(g: Any, x: Any) -> Any:
    if isinstance(x, Tensor) or (isinstance(g, Tensor) and g.requires_grad):
        return g
    return g.data


def _outputs(result: Any, caller: str) -> list[Tensor]:
    """The tensors that a function returned; numbers and arrays among them depend on nothing."""
    found = []
    for path, y in trees.leaves(result):
        if not isinstance(y, (Tensor, np.ndarray, np.generic, int, float)):
            raise TypeError(
                f"{caller}: the function must return tensors or arrays, found {type(y).__name__} at result{path}."
            )
        found.append(y if isinstance(y, Tensor) else Tensor(np.asarray(y, get_default_dtype())))
    return found


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns ``(f(*args), gradient)``, the gradient by argument `argnums`, or a tuple for a tuple of
    them.

    `f` returns a scalar, or with `has_aux` ``(scalar, anything)``, and then the value returned is that pair. Arguments
    are arrays, tensors, numbers, nested lists, tuples and dicts of them, or a module, which stands for the dict of its
    parameters that require a gradient. Gradients have the structure of the argument, zeros where nothing depends on it.
    ValueError if `f` does not return a scalar, TypeError for what has no derivative, such as integers.

    Derivatives are recorded, and can be differentiated, inside another transform or when `f` reaches a tensor outside
    that requires a gradient; by a module's own parameters, nest the transforms or use ``autograd.grad``.

    >>> import numpy as np
    >>> def loss(weights, x):
    ...     return ((x @ weights["w"] + weights["b"]) ** 2).sum()
    >>> value_and_grad(loss)({"w": np.array([1.0, 2.0]), "b": 0.5}, np.array([[3.0, -1.0]]))
    (array(2.25), {'w': array([ 9., -3.]), 'b': array(3.)})
    """
    _callable("grad", f)

    @wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        call = _Call("grad", f, args, argnums, kwargs)
        y, aux = call.result if has_aux else (call.result, None)
        y = call.scalar(y)
        create = call.create([y])
        found = call.pull([y], [settled(np.ones_like(y.data))], retain=False, create=create)
        value = call.spoken(y)
        return (value, call.spoken(aux)) if has_aux else value, call.as_given(found, argnums)

    return transformed


def grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the gradient of `f`, or with `has_aux` ``(gradient, anything)``; else as
    `value_and_grad`.

    >>> sin_and_more = lambda x: x ** 3 + 2 * x
    >>> grad(sin_and_more)(2.0), grad(grad(sin_and_more))(2.0)
    (array(14.), array(12.))
    """
    both = value_and_grad(f, argnums, has_aux)

    @wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        value, found = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return transformed


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., tuple[Any, ...]]]:
    """``(f(*primals), pull)``, where ``pull(g)``, for `g` like the value, is the tuple of gᵀJ by each of `primals`.

    `pull` can be called again, for other `g`.

    >>> import numpy as np
    >>> y, pull = vjp(lambda x: x * x, np.array([1.0, 2.0]))
    >>> y, pull(np.array([1.0, 10.0]))
    (array([1., 4.]), (array([ 2., 40.]),))
    """
    call = _Call("vjp", f, primals, tuple(range(len(primals))), {})
    outputs = _outputs(call.result, "vjp")
    create = call.create(outputs)

    def pull(g: Any) -> tuple[Any, ...]:
        seeds = trees.matched(g, call.result, "vjp", "the argument of pull")
        seeds = [s if isinstance(s, Tensor) else np.asarray(s, y.dtype) for s, y in zip(seeds, outputs, strict=True)]
        lost = any(isinstance(s, Tensor) and s.requires_grad for s in seeds) and mode.recording
        found = call.pull(outputs, seeds, retain=True, create=create or lost)
        return call.as_given(found, tuple(range(len(primals))))

    return call.spoken(call.result), pull


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """``(f(*primals), Jv)``: the value, and how it changes when the primals move along `tangents` (v).

    gᵀJ is linear in g, so its derivative by g along v is Jv: two walks back make one forward.
    See docs/decisions/forward-mode.md.

    >>> import numpy as np
    >>> jvp(lambda x: x * x, (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    (array([1., 4.]), array([ 2., 40.]))
    """
    primals, tangents = tuple(primals), tuple(tangents)
    call = _Call("jvp", f, primals, tuple(range(len(primals))), {})
    moves = trees.matched(tangents, primals, "jvp", "tangents")
    outputs = _outputs(call.result, "jvp")
    create = call.create(outputs) or (mode.recording and any(isinstance(t, Tensor) and t.requires_grad for t in moves))
    with enable_grad():
        g = [settled(np.zeros_like(y.data)).requires_grad_() for y in outputs]
        back = gradients(outputs, g, call.stand_ins, retain=True, create=True)
    pairs = [
        (b, v if isinstance(v, Tensor) else np.asarray(v, b.dtype))
        for b, v in zip(back, moves, strict=True)
        if b is not None
    ]
    ahead = gradients([b for b, _ in pairs], [v for _, v in pairs], g, retain=create, create=create)
    found = [settled(np.zeros_like(y.data)) if d is None else d for d, y in zip(ahead, outputs, strict=True)]
    speaks = call.speaks_tensor or any(isinstance(t, Tensor) for t in moves)
    moved = iter([d if speaks or d.requires_grad else d.data for d in found])
    return call.spoken(call.result), trees.rebuild(call.result, moved)


def jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns ∂f/∂x, of shape ``f(x).shape + x.shape``, by argument `argnums` (a tuple gives a tuple).

    Where `f` returns a structure, or the argument is one, it is the structure of the value, with the structure of the
    argument in each place. One walk back for each element of the value.

    >>> import numpy as np
    >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    _callable("jacobian", f)

    @wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        call = _Call("jacobian", f, args, argnums, kwargs)
        outputs = _outputs(call.result, "jacobian")
        create = call.create(outputs)
        blocks = iter([call.as_given(_rows(call, y, create=create), argnums) for y in outputs])
        return trees.rebuild(call.result, blocks)

    return transformed


def _rows(call: _Call, y: Tensor, *, create: bool) -> list[Tensor]:
    """∂y/∂x for every stand-in x: one row for each element of y, put together."""
    rows = []
    for i in range(y.size):
        seed = np.zeros(y.size, y.dtype)
        seed[i] = 1
        rows.append(call.pull([y], [settled(seed.reshape(y.shape))], retain=True, create=create))
    found = []
    for j, x in enumerate(call.stand_ins):
        shape = (*y.shape, *x.shape)
        if not rows:
            found.append(settled(np.zeros(shape, x.dtype)))
        elif create or mode.events is not QUIET:  # or the rows are to be seen
            found.append(reshape(concatenate(*(reshape(row[j], shape=(1, *x.shape)) for row in rows)), shape=shape))
        else:
            found.append(Tensor(np.stack([row[j].data for row in rows]).reshape(shape)))
    return found


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns the second derivatives of a scalar `f`, of shape ``x.shape + x.shape``: `jacobian` of
    `grad`.

    >>> import numpy as np
    >>> hessian(lambda x: (x ** 3).sum())(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The product of the Hessian of a scalar `f` with `tangents`, as a tuple like `primals`, without making the
    Hessian.

    The Hessian is symmetric, so this is the gradient of ⟨∇f, v⟩: two walks.

    >>> import numpy as np
    >>> hvp(lambda x: (x ** 3).sum(), (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),))
    (array([ 6., 12.]),)
    """
    primals, tangents = tuple(primals), tuple(tangents)
    everything = tuple(range(len(primals)))
    moves = trees.matched(tangents, primals, "hvp", "tangents")

    def slope(*args: Any) -> Any:
        found = [g for _, g in trees.leaves(grad(f, everything)(*args))]
        return sum(((g * v).sum() for g, v in zip(found, moves, strict=True)), start=0.0)

    return grad(slope, everything)(*primals)
