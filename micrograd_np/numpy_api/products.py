"""Products in NumPy's notations: the primitive `einsum`, and products of matrices, stacked vectors and blocks."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from micrograd_np.core.domains import REALS
from micrograd_np.core.messages import caller
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.axes import axes_of, axis_of, whole
from micrograd_np.ops.elementwise import multiply
from micrograd_np.ops.index import getitem
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.operand import as_operand, with_axes
from micrograd_np.ops.reduce import sum  # noqa: A004
from micrograd_np.ops.routine import stored
from micrograd_np.ops.shape import broadcast_to, reshape, sum_to

from .arrange import moveaxis, ravel
from .diagonal import diagonal

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@primitive(
    "einsum {subscripts}: {xs}", domain=(REALS, REALS), shape="(3,4),(4,2)->(3,2)", onnx="Einsum",
    examples=tuple({"subscripts": s} for s in ("ij,jk->ik", "ij,jk->k", "ij,kl->lj", "ij,jk->ijk")),
)  # fmt: skip
def _einsum(xp: Any, out: Any, *xs: Any, subscripts: str) -> Any:
    """Σ of products over the letters that the result lacks. Each operand has a letter for each axis, all different."""
    left, result = subscripts.split("->")
    terms = left.split(",")
    z = _contract(xp, terms[0], terms[1], result, *xs) if len(xs) == 2 else None
    if z is not None:
        return stored(xp, out, z)
    z = xp.einsum(subscripts, *xs, optimize=len(xs) > 2)  # not with out=, which would sum in another order
    return xp.array(z) if out is ... else stored(xp, out, z)  # it may be a view of the only operand


def _contract(xp: Any, a: str, b: str, result: str, x: Any, y: Any) -> Any:
    """Two operands by one matrix product, which NumPy's einsum does not use; None where its loop is as fast."""
    shared = [c for c in a if c in b]
    inner = [c for c in shared if c not in result]
    rows, columns = [c for c in a if c not in b], [c for c in b if c not in a]
    lengths = dict(zip(b, y.shape, strict=True)) | dict(zip(a, x.shape, strict=True))
    fits = all(x.shape[a.index(c)] == y.shape[b.index(c)] for c in shared)
    if not inner or not (rows or columns) or not fits or not set(rows + columns) <= set(result):
        return None
    batch = [c for c in shared if c in result]
    sizes = [[lengths[c] for c in part] for part in (batch, rows, inner, columns)]
    m, k, n = (prod(size) for size in sizes[1:])
    x = xp.reshape(xp.transpose(x, [a.index(c) for c in batch + rows + inner]), (*sizes[0], m, k))
    y = xp.reshape(xp.transpose(y, [b.index(c) for c in batch + inner + columns]), (*sizes[0], k, n))
    z = xp.reshape(xp.matmul(x, y), (*sizes[0], *sizes[1], *sizes[3]))
    letters = batch + rows + columns
    return xp.transpose(z, [letters.index(c) for c in result])


def _by_operand(i: int, g: Any, z: Any, *xs: Any, subscripts: str) -> Any:
    """The same sum with `g` in place of operand `i`, broadcast along the axes that only this operand has."""
    left, result = subscripts.split("->")
    terms = left.split(",")
    own = terms.pop(i)
    others = [x for j, x in enumerate(xs) if j != i]
    elsewhere = {*result, *"".join(terms)}
    kept = "".join(c for c in own if c in elsewhere)
    g = _einsum(g, *others, subscripts=f"{','.join((result, *terms))}->{kept}")
    if kept == own and g.shape == xs[i].shape:
        return g
    lengths = dict(zip(kept, g.shape, strict=True))
    shape = tuple(lengths.get(c, 1) for c in own)
    summed = tuple(min(n, m) for n, m in zip(shape, xs[i].shape, strict=True))  # a length of 1 broadcast, here or there
    return broadcast_to(sum_to(reshape(g, shape=shape), shape=summed), shape=tuple(xs[i].shape))


_einsum.vjp(xs=_by_operand)


def einsum(subscripts: Any, *operands: Any) -> Any:
    """Σ of products in Einstein's notation, as in NumPy: ``"ij,jk->ik"`` is a matrix product, ``"ii"`` a trace.

    Letters that the result lacks are summed; without ``->`` the result has those that occur once, in alphabetical
    order; ``...`` stands for the axes not named. Two operands go through one matrix product. Raises ValueError for
    subscripts that do not fit the operands. Instead of letters there may be numbers, in a list after each operand, and
    last, for the result: ``einsum(a, [0, 1], b, [1, 2], [0, 2])``.

    >>> import numpy as np
    >>> einsum("ij,ij->i", np.array([[1.0, 2.0], [3.0, 4.0]]), np.ones((2, 2)))
    array([3., 7.])
    """
    if not isinstance(subscripts, str):
        subscripts, operands = _with_letters(subscripts, *operands)
    xs = [as_operand(x) for x in operands]
    terms, result = _expanded(subscripts, xs)
    for i, term in enumerate(terms):
        while len(set(terms[i])) < len(terms[i]):
            term = terms[i]  # noqa: PLW2901
            letter = next(c for c in term if term.count(c) > 1)
            first = term.index(letter)
            second = term.index(letter, first + 1)
            n, m = xs[i].shape[first], xs[i].shape[second]
            if n != m:
                raise ValueError(f"einsum: {letter!r} has lengths {n} and {m} in {subscripts!r}.")
            xs[i] = diagonal(xs[i], axis1=first, axis2=second)
            terms[i] = "".join(c for j, c in enumerate(term) if j not in (first, second)) + letter
    return _einsum(*xs, subscripts=f"{','.join(terms)}->{result}")


def _with_letters(*args: Any) -> tuple[str, tuple[Any, ...]]:
    """The subscripts as letters, and the operands, of a call with a list of axis numbers after each operand."""
    lists = [*args[1::2], *(args[-1:] if len(args) % 2 else [])]
    if len(args) < 2 or not all(isinstance(axes, (list, tuple)) for axes in lists):
        message = "einsum: give subscripts such as 'ij,jk->ik' first, or after each operand the list of its axes."
        raise TypeError(message)
    wrong = [c for axes in lists for c in axes if c is not ... and not 0 <= whole(c, "an axis") < len(_LETTERS)]
    if wrong:
        raise ValueError(f"einsum: axes are numbered from 0 to {len(_LETTERS) - 1}, found {wrong[0]!r}.")
    *terms, last = ["".join("..." if c is ... else _LETTERS[c] for c in axes) for axes in lists]
    if len(args) % 2:
        return f"{','.join(terms)}->{last}", args[:-1:2]
    return ",".join([*terms, last]), args[::2]


def _expanded(subscripts: str, xs: Sequence[Any]) -> tuple[list[str], str]:
    """The letters of each operand and of the result; ``...`` and a missing result are written out."""
    left, arrow, result = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(xs):
        raise ValueError(f"einsum: {subscripts!r} speaks of {len(terms)} operands, found {len(xs)}.")
    free = [c for c in _LETTERS if c not in subscripts]
    most = 0
    for i, (term, x) in enumerate(zip(terms, xs, strict=True)):
        named = len(term.replace("...", ""))
        hidden = x.ndim - named
        if hidden < 0 or (hidden and "..." not in term):
            raise ValueError(f"einsum: operand {i} is {x.shape}, but {term!r} in {subscripts!r} names {named} axes.")
        most = max(most, hidden)
        terms[i] = term.replace("...", "".join(free[:hidden][::-1]))  # the last hidden axis is the same letter in all
    hidden_letters = "".join(free[:most][::-1])
    if arrow:
        result = result.replace("...", hidden_letters)
    else:
        seen = "".join(terms)
        once = sorted(c for c in set(seen) if seen.count(c) == 1 and c not in hidden_letters)
        result = hidden_letters + "".join(once)
    if len(set(result)) < len(result) or not set(result) <= set("".join(terms)):
        message = f"einsum: the result of {subscripts!r} must have each letter once, and only letters of the operands."
        raise ValueError(message)
    return terms, result


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Σ of products over `axes`: a number (so many last ones of `a` and first ones of `b`), or a pair of lists.

    The axes of `a` that are left come first. ValueError where the lengths differ.

    >>> import numpy as np
    >>> tensordot(np.ones((2, 3)), np.ones((3, 4)), axes=1).shape
    (2, 4)
    """
    a, b = as_operand(a), as_operand(b)
    if np.ndim(axes) == 0:
        n = whole(axes, "axes", least=0)
        if n > min(a.ndim, b.ndim):
            raise ValueError(f"{caller()}: a is {a.shape} and b is {b.shape}; there are not {n} axes in both.")
        of_a, of_b = tuple(range(a.ndim - n, a.ndim)), tuple(range(n))
    else:
        of_a, of_b = (axes_of(tuple(i) if np.ndim(i) else i, x.ndim, "axes") for i, x in zip(axes, (a, b), strict=True))
    if [a.shape[i] for i in of_a] != [b.shape[j] for j in of_b]:
        match = f"axes {list(of_a)} of a must match {list(of_b)} of b in length"
        raise ValueError(f"{caller()}: a is {a.shape} and b is {b.shape}; {match}.")
    letters = list(_LETTERS[: a.ndim])
    others = list(_LETTERS[a.ndim : a.ndim + b.ndim])
    for i, j in zip(of_a, of_b, strict=True):
        others[j] = letters[i]
    result = [c for c in letters if c not in others] + [c for c in others if c not in letters]
    return _einsum(a, b, subscripts=f"{''.join(letters)},{''.join(others)}->{''.join(result)}")


def dot(a: Any, b: Any) -> Any:
    """NumPy's dot: a product of vectors or matrices, elementwise with a scalar.

    With more axes, the sum goes over the last one of `a` and the second last of `b`.

    >>> import numpy as np
    >>> dot(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array(11.)
    """
    a, b = as_operand(a), as_operand(b)
    if not a.ndim or not b.ndim:
        return multiply(a, b)
    if b.ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, axes=([a.ndim - 1], [b.ndim - 2]))


def inner(a: Any, b: Any) -> Any:
    """Σ of products over the last axis of both; elementwise with a scalar.

    >>> import numpy as np
    >>> inner(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array(11.)
    """
    a, b = as_operand(a), as_operand(b)
    if not a.ndim or not b.ndim:
        return multiply(a, b)
    return tensordot(a, b, axes=([a.ndim - 1], [b.ndim - 1]))


def outer(a: Any, b: Any) -> Any:
    """Every element of `a` times every element of `b`: (…), (…) -> (n, m), both flattened.

    >>> import numpy as np
    >>> outer(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([[3., 4.],
           [6., 8.]])
    """
    a, b = as_operand(a), as_operand(b)
    return multiply(reshape(a, shape=(a.size, 1)), reshape(b, shape=(1, b.size)))


def vdot(a: Any, b: Any) -> Any:
    """Σ of products of all elements; both arrays are flattened.

    >>> import micrograd_np as mg
    >>> mg.vdot(mg.Tensor([[1.0, 2.0]]), mg.Tensor([[3.0, 4.0]]))
    Tensor(11.)
    """
    return matmul(ravel(a), ravel(b))


def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    """Σ of products along one axis, the others broadcasting: ``(…, n), (…, n) -> (…)``.

    ValueError for vectors of different lengths.

    >>> import micrograd_np as mg
    >>> mg.vecdot(mg.Tensor([[1.0, 2.0], [3.0, 4.0]]), mg.Tensor([1.0, 1.0]))
    Tensor([3., 7.])
    """
    x1, x2 = with_axes(x1, 1, "x1"), with_axes(x2, 1, "x2")
    if x1.shape[axis_of(axis, x1.ndim)] != x2.shape[axis_of(axis, x2.ndim)]:
        message = f"vecdot: x1 is {tuple(x1.shape)} and x2 is {tuple(x2.shape)}; their vectors must be equally long."
        raise ValueError(message)
    return sum(multiply(x1, x2), axis=axis)


def matvec(x1: Any, x2: Any) -> Any:
    """Matrices times vectors: ``(…, m, n), (…, n) -> (…, m)``.

    >>> import micrograd_np as mg
    >>> mg.matvec(mg.Tensor([[1.0, 2.0], [3.0, 4.0]]), mg.Tensor([1.0, 0.0]))
    Tensor([1., 3.])
    """
    x1, x2 = with_axes(x1, 2, "x1"), with_axes(x2, 1, "x2")
    z = matmul(x1, reshape(x2, shape=(*x2.shape, 1)))
    return reshape(z, shape=z.shape[:-1])


def vecmat(x1: Any, x2: Any) -> Any:
    """Vectors times matrices: ``(…, n), (…, n, m) -> (…, m)``.

    >>> import micrograd_np as mg
    >>> mg.vecmat(mg.Tensor([1.0, 0.0]), mg.Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([1., 2.])
    """
    x1, x2 = with_axes(x1, 1, "x1"), with_axes(x2, 2, "x2")
    z = matmul(reshape(x1, shape=(*x1.shape[:-1], 1, x1.shape[-1])), x2)
    return reshape(z, shape=(*z.shape[:-2], z.shape[-1]))


def kron(a: Any, b: Any) -> Any:
    """Kronecker product: a block of `b` times each element of `a`, ``(n, m), (k, l) -> (n k, m l)``, in any dimension.

    >>> import numpy as np
    >>> kron(np.array([1.0, 10.0]), np.array([1.0, 2.0]))
    array([ 1.,  2., 10., 20.])
    """
    a, b = as_operand(a), as_operand(b)
    d = max(a.ndim, b.ndim)
    of_a, of_b = ((1,) * (d - x.ndim) + tuple(x.shape) for x in (a, b))
    z = multiply(
        reshape(a, shape=tuple(m for n in of_a for m in (n, 1))),
        reshape(b, shape=tuple(m for n in of_b for m in (1, n))),
    )
    return reshape(z, shape=tuple(n * m for n, m in zip(of_a, of_b, strict=True)))


def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The cross product of vectors of length 3: ``(…, 3), (…, 3) -> (…, 3)``. ValueError for another length.

    The vectors lie along `axisa` of `a` and `axisb` of `b`, those of the result along its `axisc`; `axis` replaces all
    three.

    >>> import numpy as np
    >>> cross(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    array([0., 0., 1.])
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        message = f"cross: a is {a.shape} and b is {b.shape}, with their vectors last; vectors must have length 3."
        raise ValueError(message)
    next_, last = (..., [1, 2, 0]), (..., [2, 0, 1])
    z = multiply(getitem(a, next_), getitem(b, last)) - multiply(getitem(a, last), getitem(b, next_))
    return moveaxis(z, -1, axisc)
