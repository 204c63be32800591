"""Equations, and factors of matrices: eigenvalues of symmetric ones, singular values, QR, as in NumPy.

A factorisation is one primitive, whose result holds all factors one above the other, so that its rule has them all.
Sources: Giles (2008), "Collected matrix derivative results for forward and reverse mode algorithmic differentiation",
for eigenvalues; Townsend (2016), "Differentiating the singular value decomposition"; Walter and Lehmann (2010),
doi:10.1007/s10589-008-9201-2, for QR; Golub and Pereyra (1973), doi:10.1137/0710036, for the pseudoinverse. Where two
eigenvalues or singular values are equal, their vectors have no derivative: a gradient that arrives there becomes
infinite, and what asks for the values alone has its own.
"""

from typing import Any, NamedTuple

import numpy as np

from micrograd_np.core.domains import REALS, Domain
from micrograd_np.core.messages import caller, require_choice
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.elementwise import divide_or_zero, square, zero_safe_divide, zeros_like
from micrograd_np.ops.index import view
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.linear import swap_last_axes as _t
from micrograd_np.ops.operand import with_axes
from micrograd_np.ops.routine import stored
from micrograd_np.ops.shape import concatenate

from .diagonal import diag_embed, tril, triu


def _orthogonal(rng: Any, n: int) -> Any:
    return np.linalg.qr(rng.normal(size=(n, n)))[0]


def _spread_out(rng: Any, shape: tuple[int, ...]) -> Any:
    """A matrix with singular values 1, 2, …; square ones are symmetric."""
    u, k = _orthogonal(rng, shape[-2]), min(shape)
    v = u if shape[-1] == shape[-2] else _orthogonal(rng, shape[-1])
    return (u[:, :k] * np.arange(1.0, k + 1)) @ v[:, :k].T


REGULAR = Domain("regular matrices", draw=lambda rng, shape: rng.uniform(-1, 1, shape) + 3 * np.eye(shape[-1]))
SPREAD = Domain("matrices without two equal eigenvalues or singular values", draw=_spread_out)


class Eigen(NamedTuple):
    """Eigenvalues, ascending, and their vectors, as columns."""

    eigenvalues: Any
    eigenvectors: Any


class Singular(NamedTuple):
    """``x = U diag(S) Vh``, singular values descending."""

    U: Any
    S: Any
    Vh: Any


class QR(NamedTuple):
    """``x = Q R``: orthonormal columns, and an upper triangle."""

    Q: Any
    R: Any


def _rows(x: Any, start: int, stop: int) -> Any:
    return view(x, index=(..., slice(start, stop), slice(None)))


def _diagonal(x: Any) -> Any:
    """(…, 1, n) -> (…, n, n), with it on the diagonal."""
    n = x.shape[-1]
    flat = view(x, index=(..., 0, slice(None)))
    return diag_embed(flat, shape=(*x.shape[:-2], n, n), axis1=-2, axis2=-1)


@primitive("{x}⁻¹ {y}", domain=(REGULAR, REALS), shape="(n,n),(n,m)->(n,m)")
def _solve(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """The matrix whose product with `x` is `y`."""
    return stored(xp, out, xp.linalg.solve(x, y))


_solve.vjp(x=lambda g, z, x, y: -matmul(_solve(_t(x), g), _t(z)), y=lambda g, z, x, y: _solve(_t(x), g))


def _over_gaps(x: Any, values: Any) -> Any:
    """`x` (…, n, n) over the distances of `values` (…, 1, n): 0 on the diagonal, and where x is 0 already."""
    return zero_safe_divide(x, values - _t(values) + _diagonal(zeros_like(values) + np.inf))


@primitive("eigen {x}", domain=(SPREAD,), shape="(3,3)->(4,3)")
def _eigen(xp: Any, out: Any, x: Any) -> Any:
    """The eigenvalues of (x + xᵀ) / 2, ascending, and below them the eigenvectors, as columns."""
    values, vectors = xp.linalg.eigh(xp.true_divide(xp.add(x, xp.swapaxes(x, -1, -2)), 2))
    return stored(xp, out, xp.concatenate((values[..., None, :], vectors), axis=-2))


def _by_eigen(g: Any, z: Any, x: Any) -> Any:
    n = x.shape[-1]
    values, vectors = _rows(z, 0, 1), _rows(z, 1, n + 1)
    inner = _over_gaps(matmul(_t(vectors), _rows(g, 1, n + 1)), values) + _diagonal(_rows(g, 0, 1))
    whole = matmul(matmul(vectors, inner), _t(vectors))
    return 0.5 * (whole + _t(whole))


_eigen.vjp(x=_by_eigen)


@primitive("svd {x}", domain=(SPREAD,), shape="(3,2)->(6,2)")
def _singular(xp: Any, out: Any, x: Any) -> Any:
    """The left singular vectors as columns, below them the singular values, descending, and the right vectors."""
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    return stored(xp, out, xp.concatenate((u, s[..., None, :], xp.swapaxes(vh, -1, -2)), axis=-2))


def _by_singular(g: Any, z: Any, x: Any) -> Any:
    m, n = x.shape[-2:]
    (u, s, v), (gu, gs, gv) = ((_rows(p, 0, m), _rows(p, m, m + 1), _rows(p, m + 1, m + 1 + n)) for p in (z, g))
    j, k = (_over_gaps(matmul(_t(p), gp), square(s)) for p, gp in ((u, gu), (v, gv)))
    inner = (j + _t(j)) * s + _t(s) * (k + _t(k)) + _diagonal(gs)
    total = matmul(matmul(u, inner), _t(v))
    if m > n:  # what the vectors leave of the whole space
        left = divide_or_zero(gu - matmul(u, matmul(_t(u), gu)), s)
        total = total + matmul(left, _t(v))
    if n > m:
        right = divide_or_zero(gv - matmul(v, matmul(_t(v), gv)), s)
        total = total + matmul(u, _t(right))
    return total


_singular.vjp(x=_by_singular)


@primitive("qr {x}", domain=(SPREAD,), shape="(3,2)->(5,2)")
def _factored(xp: Any, out: Any, x: Any) -> Any:
    """Q with orthonormal columns, and below it the transpose of R, for x with no more columns than rows."""
    q, r = xp.linalg.qr(x)
    return stored(xp, out, xp.concatenate((q, xp.swapaxes(r, -1, -2)), axis=-2))


def _by_factored(g: Any, z: Any, x: Any) -> Any:
    m, n = x.shape[-2:]
    (q, r), (gq, gr) = ((_rows(p, 0, m), _t(_rows(p, m, m + n))) for p in (z, g))
    inner = matmul(r, _t(triu(gr))) - matmul(_t(gq), q)
    inner = tril(inner) + _t(tril(inner, k=-1))
    return _t(_solve(r, _t(gq + matmul(q, inner))))


_factored.vjp(x=_by_factored)


@primitive("{x}⁺", domain=(SPREAD,), shape="(3,2)->(2,3)")
def _inverted(xp: Any, out: Any, x: Any, *, rcond: Any = 1e-15, rtol: Any = None) -> Any:
    """The pseudoinverse of Moore and Penrose."""
    return stored(xp, out, xp.linalg.pinv(x, rcond if rtol is None else rtol))


def _by_pseudoinverse(g: Any, z: Any, x: Any, **static: Any) -> Any:
    left = matmul(_t(g), matmul(z, _t(z)))
    right = matmul(matmul(_t(z), z), _t(g))
    outside, inside = left - matmul(x, matmul(z, left)), right - matmul(matmul(right, z), x)
    return outside + inside - matmul(_t(z), matmul(g, _t(z)))


_inverted.vjp(x=_by_pseudoinverse)


def eigh(a: Any) -> Eigen:
    """Eigenvalues and eigenvectors of symmetric matrices: (…,n,n) -> (…,n), (…,n,n), the values ascending.

    They are those of (a + aᵀ) / 2, so that both triangles count, and share the gradient; NumPy reads only the lower.
    The result does not depend on the signs that the vectors have; nor should what is made of it. LinAlgError where
    they are not found, ValueError unless the matrices are square.

    >>> values, vectors = eigh(np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> values
    array([1., 3.])
    """
    a = with_axes(a, 2, "a")
    if a.shape[-1] != a.shape[-2]:
        raise ValueError(f"{caller('eigh')}: a is {tuple(a.shape)}; only square matrices have eigenvalues.")
    z = _eigen(a)
    return Eigen(view(z, index=(..., 0, slice(None))), _rows(z, 1, a.shape[-1] + 1))


def eigvalsh(a: Any) -> Any:
    """The eigenvalues of symmetric matrices, ascending: (…,n,n) -> (…,n); see `eigh`, also for errors (ValueError).

    >>> eigvalsh(np.array([[2.0, 1.0], [1.0, 2.0]]))
    array([1., 3.])
    """
    return eigh(a)[0]


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular vectors and values, ``a = U diag(S) Vh``: (…,m,n) -> (…,m,k), (…,k), (…,k,n), with k = min(m, n).

    Without `compute_uv` the values alone, as `svdvals`. Vectors that belong to no singular value have no derivative:
    unless m = n, say ``full_matrices=False``, or NotImplementedError is raised. The gradient is right for what does not
    depend on the signs of the vectors. LinAlgError where they are not found.

    >>> U, S, Vh = svd(np.array([[3.0, 0.0], [0.0, -4.0], [0.0, 0.0]]), full_matrices=False)
    >>> S
    array([4., 3.])
    """
    a = with_axes(a, 2, "a")
    m, n = a.shape[-2:]
    if full_matrices and compute_uv and m != n:
        raise NotImplementedError(
            f"svd: a is {tuple(a.shape)}, and vectors beyond its singular values have no derivative; say "
            f"full_matrices=False."
        )
    z = _singular(a)
    s = view(z, index=(..., m, slice(None)))
    return Singular(_rows(z, 0, m), s, _t(_rows(z, m + 1, m + 1 + n))) if compute_uv else s


def svdvals(a: Any) -> Any:
    """The singular values, descending: (…,m,n) -> (…,k), with k = min(m, n). LinAlgError where they are not found.

    >>> svdvals(np.array([[3.0, 0.0], [0.0, -4.0]]))
    array([4., 3.])
    """
    return svd(a, compute_uv=False)


def qr(a: Any, mode: str = "reduced") -> QR:
    """Orthonormal columns and an upper triangle, ``a = Q R``: (…,m,n) -> (…,m,k), (…,k,n), with k = min(m, n).

    The derivative needs the first k columns to be independent, and raises LinAlgError otherwise. NotImplementedError
    for another `mode` than "reduced", unless `a` is square, ValueError for one that NumPy has not.

    >>> Q, R = qr(np.array([[0.0, 1.0], [2.0, 3.0]]))
    >>> abs(R)
    array([[2., 3.],
           [0., 1.]])
    """
    a = with_axes(a, 2, "a")
    m, n = a.shape[-2:]
    require_choice("qr", "mode", mode, "reduced", "complete", "r", "raw")
    if mode != "reduced" and (mode != "complete" or m > n):
        raise NotImplementedError(f"qr: a is {tuple(a.shape)}, and mode={mode!r} has no derivative; leave it out.")
    z = _factored(view(a, index=(..., slice(min(m, n)))))
    q, r = _rows(z, 0, m), _t(_rows(z, m, m + min(m, n)))
    if n > m:
        r = concatenate(r, matmul(_t(q), view(a, index=(..., slice(m, None)))), axis=-1)
    return QR(q, r)


def pinv(a: Any, rcond: Any = 1e-15, rtol: Any = None) -> Any:
    """The pseudoinverse of Moore and Penrose: (…,m,n) -> (…,n,m).

    Singular values count as 0 up to `rcond` (or `rtol`) times the largest. The derivative is that among matrices of
    the same rank. LinAlgError where the singular values are not found.

    >>> pinv(np.array([[2.0], [0.0]]))
    array([[0.5, 0. ]])
    """
    return _inverted(with_axes(a, 2, "a"), rcond=rcond, rtol=rtol)
