"""Inverses, determinants, powers and norms of matrices; stacks of them along leading axes, as in NumPy.

Sources: Petersen & Pedersen, The Matrix Cookbook (2012), for inverse and determinant; Murray (2016), arXiv:1602.07527,
for the Cholesky factor; Stewart (1998), "On the adjugate matrix", for cofactors by singular values. A singular matrix
has no inverse, so there all derivatives but that of the determinant raise `numpy.linalg.LinAlgError`.
"""

from functools import reduce
from typing import Any

import numpy as np

from micrograd_np.core.domains import Domain
from micrograd_np.core.messages import caller, must_be
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.axes import axes_of, whole
from micrograd_np.ops.elementwise import absolute, zeros_like
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.linear import swap_last_axes as _t
from micrograd_np.ops.operand import as_operand, as_operands
from micrograd_np.ops.reduce import max, min, sum  # noqa: A004
from micrograd_np.ops.routine import Routine, stored
from micrograd_np.ops.shape import reshape

from .arrange import moveaxis
from .diagonal import diag_embed, tril
from .diagonal import diagonal as diagonal_of
from .factors import REGULAR, _solve, svdvals
from .statistics import norm as vector_norm_of


def _definite(rng: Any, shape: tuple[int, ...]) -> Any:
    x = rng.uniform(-1, 1, shape)
    return x @ np.swapaxes(x, -1, -2) + 2 * np.eye(shape[-1])


DEFINITE = Domain("positive definite matrices", draw=_definite)


@primitive("{x}⁻¹", domain=(REGULAR,), shape="(n,n)->(n,n)")
def inv(xp: Any, out: Any, x: Any) -> Any:
    """The inverse of square matrices. LinAlgError for a singular one. To solve equations, `solve` is better."""
    return stored(xp, out, xp.linalg.inv(x))


inv.vjp(x=lambda g, z, x: -matmul(_t(z), matmul(g, _t(z))))


@primitive("det {x}", domain=(REGULAR,), shape="(n,n)->()", onnx="Det")
def det(xp: Any, out: Any, x: Any) -> Any:
    """The determinant of square matrices. Its derivative are the cofactors, which singular matrices have, too.

    Second derivatives raise LinAlgError where there is no inverse.
    """
    return stored(xp, out, xp.linalg.det(x))


@Routine
def put_cofactors(z: Any, x: Any) -> None:
    """Put the cofactors of the matrices x into z: det x times x⁻ᵀ, or by singular values where there is no inverse."""
    d = np.asarray(np.linalg.det(x))
    singular = ((d == 0) | np.isinf(d)) & np.isfinite(x).all((-2, -1))
    regular = ~singular
    z[regular] = d[regular][:, None, None] * np.linalg.inv(x[regular]).swapaxes(-2, -1)
    if singular.any():
        u, s, v = np.linalg.svd(x[singular])
        others = np.stack([np.delete(s, i, -1).prod(-1) for i in range(s.shape[-1])], -1)
        turned = np.linalg.det(u) * np.linalg.det(v)  # 1 or −1
        z[singular] = turned[:, None, None] * (u * others[:, None, :] @ v)


@primitive("cof {x}", domain=(REGULAR,), shape="(3,3)->(3,3)")
def cofactors(xp: Any, out: Any, x: Any) -> Any:
    """The determinants of square matrices without one row and one column, with alternating signs."""
    return put_cofactors(xp, xp.empty(x.shape, x.dtype) if out is ... else out, x)


def _by_minors(g: Any, z: Any, x: Any) -> Any:
    inverse = _t(inv(x))
    return sum(g * z, axis=(-2, -1), keepdims=True) * inverse - matmul(z, matmul(_t(g), inverse))


cofactors.vjp(x=_by_minors)
det.vjp(x=lambda g, z, x: reshape(g, shape=(*g.shape, 1, 1)) * cofactors(x))


@primitive("log |det {x}|", domain=(REGULAR,), shape="(n,n)->()")
def logabsdet(xp: Any, out: Any, x: Any) -> Any:
    """The logarithm of the determinant's absolute value; −inf for a singular matrix."""
    return stored(xp, out, xp.linalg.slogdet(x)[1])


logabsdet.vjp(x=lambda g, z, x: reshape(g, shape=(*g.shape, 1, 1)) * _t(inv(x)))


@primitive("sign det {x}", domain=(REGULAR,), shape="(n,n)->()", not_differentiable=("x",))
def signdet(xp: Any, out: Any, x: Any) -> Any:
    """The sign of the determinant: −1, 0 or 1, without gradient."""
    return stored(xp, out, xp.linalg.slogdet(x)[0])


def slogdet(x: Any) -> tuple[Any, Any]:
    """Sign of the determinant, and logarithm of its absolute value: (…,n,n) -> (…), (…). Neither over- nor underflows.

    >>> sign, log = slogdet(np.diag([1e-200, -1e-200]))
    >>> float(sign), round(float(log), 3)
    (-1.0, -921.034)
    """
    return signdet(x), logabsdet(x)


def solve(a: Any, b: Any) -> Any:
    """The x for which a x = b: (…,n,n), (n) -> (…,n), or (…,n,n), (…,n,m) -> (…,n,m). LinAlgError for a singular `a`.

    >>> solve(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([2.0, 2.0]))
    array([1. , 0.5])
    """
    a, b = as_operand(a), as_operand(b)
    if b.ndim != 1:
        return _solve(a, b)
    z = _solve(a, reshape(b, shape=(*b.shape, 1)))
    return reshape(z, shape=z.shape[:-1])


@primitive("chol {x}", domain=(DEFINITE,), shape="(3,3)->(3,3)")
def cholesky(xp: Any, out: Any, x: Any) -> Any:
    """The lower triangle L with L Lᵀ = x, for symmetric positive definite x, else LinAlgError.

    It is the factor of (x + xᵀ) / 2, so that both triangles count, and share the gradient; NumPy reads only the lower.
    """
    z = xp.add(x, xp.swapaxes(x, -1, -2))
    return stored(xp, out, xp.linalg.cholesky(xp.true_divide(z, 2)))


def _by_factored(g: Any, z: Any, x: Any) -> Any:
    inner = tril(matmul(_t(z), g))
    middle = diagonal_of(inner, axis1=-2, axis2=-1)
    inner = inner - diag_embed(0.5 * middle, shape=inner.shape, axis1=-2, axis2=-1)
    whole = _solve(_t(z), _t(_solve(_t(z), _t(inner))))
    return 0.5 * (whole + _t(whole))


cholesky.vjp(x=_by_factored)


def matrix_transpose(x: Any) -> Any:
    """The last two axes exchanged."""
    return _t(as_operand(x))


def diagonal(x: Any, offset: int = 0) -> Any:
    """The diagonals of stacked matrices: ``(…, n, n) -> (…, n)``, `offset` places to the right."""
    return diagonal_of(x, offset=offset, axis1=-2, axis2=-1)


def trace(x: Any, offset: int = 0) -> Any:
    """The sums along the diagonals of stacked matrices: ``(…, n, n) -> (…)``."""
    return sum(diagonal(x, offset), axis=-1)


def matrix_power(a: Any, n: int) -> Any:
    """A square matrix times itself, `n` factors in all, in about log₂ n products; of the inverse for a negative `n`.

    ValueError unless it is square.

    >>> matrix_power(np.array([[1.0, 1.0], [0.0, 1.0]]), 5)
    array([[1., 5.],
           [0., 1.]])
    """
    n, a = whole(n, "n"), as_operand(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ValueError(f"matrix_power: a is {tuple(a.shape)}; only square matrices have powers.")
    a = inv(a) if n < 0 else a
    n = abs(n)
    if not n:
        ones = zeros_like(diagonal(a)) + 1
        return diag_embed(ones, shape=tuple(a.shape), axis1=-2, axis2=-1)
    power, result = a, None
    while True:
        n, odd = divmod(n, 2)
        if odd:
            result = power if result is None else matmul(result, power)
        if not n:
            return result
        power = matmul(power, power)


def multi_dot(arrays: Any) -> Any:
    """The product of a row of matrices, from left to right; the first and the last may be vectors.

    ValueError for fewer than two.

    >>> import micrograd_np as mg
    >>> mg.linalg.multi_dot([mg.ones(2, 3), mg.ones(3, 4), mg.ones(4)])
    Tensor([12., 12.])
    """
    arrays = as_operands(arrays)
    if len(arrays) < 2:
        raise ValueError(f"multi_dot: a product needs two matrices or more, found {len(arrays)}.")
    return reduce(matmul, arrays)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm of vectors along one axis, or of the matrices in two, as ``np.linalg.norm``.

    Without `axis` and `ord` it is the root of the sum of all squares. The norm of a matrix with `ord` 1 is the largest
    sum of the absolute values in a column, with inf in a row; −1 and −inf take the smallest sum, "fro" the root of the
    sum of all squares, 2 the largest singular value, −2 the smallest, and "nuc" their sum. ValueError for another
    `ord`. `mg.norm` treats all elements as one vector.

    >>> x = np.array([[1.0, -2.0], [3.0, 4.0]])
    >>> norm(x, 1), norm(x, np.inf), norm(x, 1, axis=1)
    (array(6.), array(7.), array([3., 7.]))
    """
    x = as_operand(x)
    if ord is None or (x.ndim == 1 if axis is None else not isinstance(axis, tuple)):
        return vector_norm_of(x, ord, axis, keepdims)
    if axis is None and x.ndim != 2:
        raise ValueError(f"{caller()}: x is {x.shape}; a norm with ord={ord!r} needs a vector, a matrix or an axis.")
    axes = (0, 1) if axis is None else axes_of(axis, x.ndim)
    if len(axes) != 2:
        raise ValueError(f"{caller()}: a matrix norm goes over two axes, found axis={axis!r}.")
    if ord == "fro":
        return vector_norm_of(x, None, axes, keepdims)
    if ord in {2, -2, "nuc"}:
        values = svdvals(moveaxis(x, axes, (-2, -1)))
        z = sum(values, axis=-1) if ord == "nuc" else max(values, axis=-1) if ord == 2 else min(values, axis=-1)
        whole = tuple(1 if i in {a % x.ndim for a in axes} else n for i, n in enumerate(x.shape))
        return reshape(z, shape=whole) if keepdims else z
    if ord not in {1, -1, np.inf, -np.inf}:
        possible = "'fro', 'nuc', 1, −1, 2, −2, inf or −inf"
        raise ValueError(must_be(caller(), "ord of a matrix", possible, f"{ord!r}", "For rows, name one axis."))
    rows, columns = axes
    sums = sum(absolute(x), axis=rows if abs(ord) == 1 else columns, keepdims=True)
    nothing = not sums.shape[rows] * sums.shape[columns]
    if nothing and ord < 0:
        raise ValueError(f"{caller()}: x is {tuple(x.shape)}, and of nothing there is no norm of the order {ord}.")
    extreme = sum if nothing else max if ord > 0 else min  # the sum of nothing is 0
    z = extreme(sums, axis=(rows, columns), keepdims=True)
    return z if keepdims else reshape(z, shape=tuple(n for i, n in enumerate(x.shape) if i not in {rows, columns}))


def vector_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """The norm of vectors along `axis`, or of all elements: (Σ |x|^ord)^(1/ord).

    >>> import micrograd_np as mg
    >>> mg.linalg.vector_norm(mg.Tensor([3.0, 4.0]))
    Tensor(5.)
    """
    return vector_norm_of(x, ord, axis, keepdims)


def matrix_norm(x: Any, keepdims: bool = False, ord: Any = "fro") -> Any:
    """The norm of stacked matrices, in the last two axes; see `norm`.

    >>> import micrograd_np as mg
    >>> mg.linalg.matrix_norm(mg.Tensor([[3.0, 0.0], [0.0, 4.0]]))
    Tensor(5.)
    """
    return norm(x, ord, (-2, -1), keepdims)
