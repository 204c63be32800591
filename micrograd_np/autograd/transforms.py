"""Functions in, functions out: `grad`, `vjp`, `jvp`, `jacobian`, `hessian`, `hvp`.

They take and return arrays or tensors, whichever the arguments are. Only a result that can itself be differentiated
from outside is always a tensor, so that no gradient is lost. How they nest: `stand_ins`.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any

import numpy as np

from micrograd_np.core import trees
from micrograd_np.core.events import QUIET
from micrograd_np.core.messages import explain_all_keywords
from micrograd_np.core.modes import mode
from micrograd_np.engine.constant import as_constant
from micrograd_np.engine.grad_mode import enable_grad
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.shape import reshape, stack
from micrograd_np.ops.state import astype

from .reverse import gradients, or_zeros
from .stand_ins import Argnums, Call, as_arguments, check_callable, seeds_like

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns ``(f(*args), gradient)``, the gradient by argument `argnums`; for a tuple, a tuple.

    `f` returns a scalar, or with `has_aux` ``(scalar, anything)``, and then the value returned is that pair. Arguments
    are arrays, tensors, numbers, nested lists, tuples and dicts of them, or a module, which stands for the dict of its
    parameters that require a gradient. Gradients have the structure of the argument, zeros where nothing depends on it.
    ValueError if `f` does not return a scalar, TypeError for arguments without a derivative, such as integers.

    Derivatives are recorded, and can be differentiated, inside another transform or when `f` uses a tensor from outside
    that requires a gradient; by a module's own parameters, nest the transforms or use ``autograd.grad``.

    >>> import numpy as np
    >>> def loss(weights, x):
    ...     return ((x @ weights["w"] + weights["b"]) ** 2).sum()
    >>> value_and_grad(loss)({"w": np.array([1.0, 2.0]), "b": 0.5}, np.array([[3.0, -1.0]]))
    (array(2.25), {'w': array([ 9., -3.]), 'b': array(3.)})
    """
    check_callable("grad", f)

    @wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        call = Call("grad", f, args, argnums, kwargs)
        y, aux = call.result if has_aux else (call.result, None)
        y = call.scalar(y)
        create = call.create([y])
        derivatives = call.pull([y], [as_constant(np.ones_like(y.data))], retain=False, create=create)
        value = call.returned(y)
        return (value, call.returned(aux)) if has_aux else value, call.like_arguments(derivatives)

    return transformed


def grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the gradient of `f`, or with `has_aux` ``(gradient, anything)``: see `value_and_grad`.

    >>> sin_and_more = lambda x: x ** 3 + 2 * x
    >>> grad(sin_and_more)(2.0), grad(grad(sin_and_more))(2.0)
    (array(14.), array(12.))
    """
    with_value = value_and_grad(f, argnums, has_aux)

    @wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        value, derivatives = with_value(*args, **kwargs)
        return (derivatives, value[1]) if has_aux else derivatives

    return transformed


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., tuple[Any, ...]]]:
    """``(f(*primals), pull)``, where ``pull(g)``, for `g` like the value, is the tuple of gᵀJ by each of `primals`.

    `pull` can be called several times.

    >>> import numpy as np
    >>> y, pull = vjp(lambda x: x * x, np.array([1.0, 2.0]))
    >>> y, pull(np.array([1.0, 10.0]))
    (array([1., 4.]), (array([ 2., 40.]),))
    """
    call = Call("vjp", f, primals)
    outputs = call.outputs()
    create = call.create(outputs)

    def pull(g: Any) -> tuple[Any, ...]:
        seeds = list(seeds_like(outputs, trees.matched(g, call.result, "vjp", "the argument of pull")))
        return call.like_arguments(call.pull(outputs, seeds, retain=True, create=create or _recorded(seeds)))

    return call.returned(call.result), pull


def _recorded(values: Sequence[Any]) -> bool:
    return mode.recording and any(isinstance(x, Tensor) and x.requires_grad for x in values)


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """``(f(*primals), Jv)``: the value, and how it changes when the primals move along `tangents` (v).

    gᵀJ is linear in g, so its derivative by g along v is Jv: two backward walks replace a forward one.
    See docs/decisions/forward-mode.md.

    >>> import numpy as np
    >>> jvp(lambda x: x * x, (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    (array([1., 4.]), array([ 2., 40.]))
    """
    primals, tangents = as_arguments("jvp", "primals", primals), as_arguments("jvp", "tangents", tangents)
    call = Call("jvp", f, primals)
    moves = trees.matched(tangents, primals, "jvp", "tangents")
    outputs = call.outputs()
    create = call.create(outputs) or _recorded(moves)
    with enable_grad():
        g = [as_constant(np.zeros_like(y.data)).requires_grad_() for y in outputs]
        back = gradients(outputs, g, call.stand_ins, retain=True, create=True)
    rows = [b for b in back if b is not None]
    seeds = list(seeds_like(rows, [v for v, b in zip(moves, back, strict=True) if b is not None]))
    ahead = or_zeros(gradients(rows, seeds, g, retain=create, create=create), outputs)
    tensors = call.tensors_in or any(isinstance(t, Tensor) for t in moves)
    moved = iter([d if tensors or d.requires_grad else d.data for d in ahead])
    return call.returned(call.result), trees.rebuild(call.result, moved)


def jacobian(f: Callable[..., Any], argnums: Argnums = 0, *, forward: bool = False) -> Callable[..., Any]:
    """A function that returns ∂f/∂x, of shape ``f(x).shape + x.shape``, by argument `argnums` (a tuple gives a tuple).

    If `f` returns a structure, or the argument is one, it has the structure of the value, and in each place that of the
    argument. It takes one backward walk for each element of the value; with `forward`, one `jvp` for each element of
    the argument, about twice as long, with the same numbers within rounding: say so where `f` has few inputs and many
    outputs.

    >>> import numpy as np
    >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    >>> jacobian(lambda x: x * np.arange(3.0), forward=True)(np.array([2.0]))
    array([[0.],
           [1.],
           [2.]])
    """
    check_callable("jacobian", f)

    @wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        call = Call("jacobian", f, args, argnums, kwargs)
        outputs = call.outputs()
        blocks = (_columns if forward else _rows)(call, outputs, create=call.create(outputs))
        return trees.rebuild(call.result, iter([call.like_arguments(b) for b in blocks]))

    return transformed


def _rows(call: Call, outputs: Sequence[Tensor], *, create: bool) -> list[list[Tensor]]:
    """∂y/∂x for every output and every stand-in x: one row for each element of y."""
    blocks = []
    for y in outputs:
        rows = [call.pull([y], [seed], retain=True, create=create) for seed in _units(y)]
        blocks.append([_joined([row[j] for row in rows], 0, y, x, create) for j, x in enumerate(call.stand_ins)])
    return blocks


def _columns(call: Call, outputs: Sequence[Tensor], *, create: bool) -> list[list[Tensor]]:
    """What `_rows` returns: one column for each element of x, all outputs at once, as `jvp` computes it."""
    with enable_grad():
        g = [as_constant(np.zeros(y.shape, np.result_type(y.dtype, np.float16))).requires_grad_() for y in outputs]
        back = gradients(outputs, g, call.stand_ins, retain=True, create=True)
    blocks: list[list[Tensor]] = [[] for _ in outputs]
    for x, b in zip(call.stand_ins, back, strict=True):
        paths = [b] if b is not None else []  # none where nothing depends on x
        seeds = ([seed] for seed in _units(x) if paths)
        columns = [or_zeros(gradients(paths, seed, g, retain=True, create=create), g) for seed in seeds]
        for n, y in enumerate(outputs):
            blocks[n].append(_joined([column[n] for column in columns], -1, y, x, create))
    return blocks


def _units(x: Tensor) -> Iterator[Tensor]:
    """For each element of `x` an array of its shape that is 1 there and 0 elsewhere."""
    for i in range(x.size):
        unit = np.zeros(x.size, x.dtype)
        unit[i] = 1
        yield as_constant(unit.reshape(x.shape))


def _joined(parts: Sequence[Tensor], axis: int, y: Tensor, x: Tensor, create: bool) -> Tensor:
    """Rows or columns as one block of ∂y/∂x."""
    shape = (*y.shape, *x.shape)
    if not parts:
        return as_constant(np.zeros(shape, x.dtype))
    if create or mode.events is not QUIET:  # the parts are recorded or watched
        block = reshape(stack(parts, axis), shape=shape)
        return block if block.dtype == x.dtype else astype(block, dtype=x.dtype)
    return Tensor(np.stack([part.data for part in parts], axis).reshape(shape).astype(x.dtype, copy=False))


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns the second derivatives of a scalar `f`, ``x.shape + x.shape``: `jacobian` of `grad`.

    >>> import numpy as np
    >>> hessian(lambda x: (x ** 3).sum())(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The product of the Hessian of a scalar `f` with `tangents`, as a tuple like `primals`; no Hessian is computed.

    The Hessian is symmetric, so this is the gradient of ⟨∇f, v⟩: two walks.

    >>> import numpy as np
    >>> hvp(lambda x: (x ** 3).sum(), (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),))
    (array([ 6., 12.]),)
    """
    primals, tangents = as_arguments("hvp", "primals", primals), as_arguments("hvp", "tangents", tangents)
    everything = tuple(range(len(primals)))
    moves = trees.matched(tangents, primals, "hvp", "tangents")

    def slope(*args: Any) -> Any:
        derivatives = trees.values(grad(f, everything)(*args))
        return sum(((g * v).sum() for g, v in zip(derivatives, moves, strict=True)), start=0.0)

    return grad(slope, everything)(*primals)


explain_all_keywords(__all__, globals(), always=True)
