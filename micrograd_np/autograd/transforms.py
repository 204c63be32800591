"""Functions in, functions out: `grad`, `vjp`, `jvp`, `jacobian`, `hessian`, `hvp`.

They take and return arrays or tensors, whichever the arguments are. Only a result that can itself be differentiated
from outside is always a tensor, so that no gradient is lost. How they nest: `stand_ins`.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from micrograd_np.core import trees
from micrograd_np.core.events import QUIET
from micrograd_np.core.modes import mode
from micrograd_np.engine.constant import as_constant
from micrograd_np.engine.grad_mode import enable_grad
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.shape import concatenate, reshape

from .reverse import gradients, or_zeros
from .stand_ins import Argnums, Call, check_callable, seeds_like


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
    primals, tangents = tuple(primals), tuple(tangents)
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


def jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns ∂f/∂x, of shape ``f(x).shape + x.shape``, by argument `argnums` (a tuple gives a tuple).

    If `f` returns a structure, or the argument is one, it has the structure of the value, and in each place that of the
    argument. It takes one backward walk for each element of the value.

    >>> import numpy as np
    >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    check_callable("jacobian", f)

    @wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        call = Call("jacobian", f, args, argnums, kwargs)
        outputs = call.outputs()
        create = call.create(outputs)
        blocks = iter([call.like_arguments(_rows(call, y, create=create)) for y in outputs])
        return trees.rebuild(call.result, blocks)

    return transformed


def _rows(call: Call, y: Tensor, *, create: bool) -> list[Tensor]:
    """∂y/∂x for every stand-in x: one row for each element of y."""
    rows = []
    for i in range(y.size):
        seed = np.zeros(y.size, y.dtype)
        seed[i] = 1
        rows.append(call.pull([y], [as_constant(seed.reshape(y.shape))], retain=True, create=create))
    blocks = []
    for j, x in enumerate(call.stand_ins):
        shape = (*y.shape, *x.shape)
        if not rows:
            blocks.append(as_constant(np.zeros(shape, x.dtype)))
        elif create or mode.events is not QUIET:  # the rows are recorded or watched
            blocks.append(reshape(concatenate(*(reshape(row[j], shape=(1, *x.shape)) for row in rows)), shape=shape))
        else:
            blocks.append(Tensor(np.stack([row[j].data for row in rows]).reshape(shape)))
    return blocks


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
    primals, tangents = tuple(primals), tuple(tangents)
    everything = tuple(range(len(primals)))
    moves = trees.matched(tangents, primals, "hvp", "tangents")

    def slope(*args: Any) -> Any:
        derivatives = trees.values(grad(f, everything)(*args))
        return sum(((g * v).sum() for g, v in zip(derivatives, moves, strict=True)), start=0.0)

    return grad(slope, everything)(*primals)
