"""What the table says of matrices in more than one expression: products, equations, norms, factors."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

import micrograd_np as mg
from micrograd_np.ops.axes import axis_of
from micrograd_np.ops.operand import as_operand

from .results import QR, LeastSquares, Singular
from .rules import _array, _axes, _cast, _constant


def _product(*factors: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    """``beta·input + alpha·(a @ b)``, where a `beta` of 0 leaves the input out."""
    input, a, b = factors
    z = mg.matmul(a, b) if alpha == 1 else mg.matmul(a, b) * alpha
    return mg.broadcast_to(z, shape=np.broadcast_shapes(z.shape, input.shape)) if beta == 0 else beta * input + z


def _power(input: Any, n: int) -> Any:
    if n == 0:
        return mg.where(np.ones(input.shape, bool), np.eye(input.shape[-1], dtype=input.dtype), input)
    return mg.linalg.matrix_power(input, n)


def _solve(A: Any, B: Any, *, left: bool = True) -> Any:
    if B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1]):
        return mg.linalg.solve(A, mg.expand_dims(B, -1)).squeeze(-1)
    return mg.linalg.solve(A, B) if left else mg.linalg.solve(A.mT, B.mT).mT


def _solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    triangle = mg.triu(A) if upper else mg.tril(A)
    if unitriangular:
        eye = np.eye(A.shape[-1], dtype=A.dtype)
        triangle = mg.where(eye > 0, eye, triangle)
    return mg.linalg.solve(triangle, B) if left else mg.linalg.solve(triangle.mT, B.mT).mT


def _tensor_solve(A: Any, B: Any, dims: Any = None) -> Any:
    last = [] if dims is None else [axis_of(a, A.ndim) for a in dims]
    A = mg.permute(A, [*(a for a in range(A.ndim) if a not in last), *last])
    return mg.linalg.solve(A.reshape(B.size, -1), B.reshape(-1)).reshape(A.shape[B.ndim :])


def _norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    x, axis = _cast(input, dtype), _axes(dim)
    if p == "nuc":
        return mg.linalg.norm(x, p, tuple(range(x.ndim)) if axis is None else axis, keepdim)
    return _vector_norm(x, 2 if p in ("fro", None) else p, axis, keepdim)


def _vector_norm(x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    x = _cast(x, dtype)
    if x.ndim == 0:
        return mg.linalg.vector_norm(x.reshape(1), axis=0, ord=ord)
    return mg.linalg.vector_norm(x, axis=_axes(dim), keepdims=keepdim, ord=ord)


def _normed(input: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    x = _cast(input, dtype)
    if ord is None:
        return _vector_norm(x, 2, dim, keepdim)
    axis = tuple(dim) if np.ndim(dim) and len(dim) > 1 else dim[0] if np.ndim(dim) else dim
    return mg.linalg.norm(x, ord, axis, keepdim)


def _cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: Any = None) -> Any:
    difference = mg.expand_dims(x1, -2) - mg.expand_dims(x2, -3)
    return mg.linalg.vector_norm(difference, axis=-1, ord=p)


def _pairs(input: Any, p: float = 2.0) -> Any:
    """The distances of all pairs of rows."""
    first, second = np.triu_indices(len(input), 1)
    return mg.linalg.vector_norm(input[first] - input[second], axis=-1, ord=p)


def _renorm(input: Any, p: float, dim: int, maxnorm: float) -> Any:
    axes = tuple(a for a in range(input.ndim) if a != axis_of(dim, input.ndim))
    norms = mg.linalg.vector_norm(input, axis=axes, ord=p, keepdims=True)
    return mg.where(norms > maxnorm, input * (maxnorm / (norms + 1e-7)), input)


def _covariance(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    x = input.reshape(1, -1) if input.ndim < 2 else input
    weights = np.ones(x.shape[1]) if fweights is None else _array(fweights).astype(float)
    other = 1.0 if aweights is None else aweights
    w = as_operand(weights * other)
    total = w.sum()
    centred = x - (x * w).sum(axis=1, keepdims=True) / total
    divisor = total - correction * (w * other).sum() / total if aweights is not None else total - correction
    z = mg.matmul(centred * w, centred.T) / mg.maximum(divisor, 0)
    return z.reshape(()) if len(x) == 1 else z


def _correlation(input: Any) -> Any:
    z = _covariance(input)
    if z.ndim == 0:
        return z / z
    spread = mg.sqrt(mg.diagonal(z))
    return mg.clip(z / spread.reshape(-1, 1) / spread, -1, 1)


def _no_errors(A: Any) -> Any:
    return _constant(np.zeros(A.shape[:-2], np.int32))


def _symmetric(A: Any, UPLO: str = "L") -> Any:
    """The symmetric matrix whose lower (or upper) triangle is that of `A`; both triangles share the gradient."""
    x = _array(A) if UPLO.upper() == "L" else np.swapaxes(_array(A), -1, -2)
    return A + (np.tril(x) + np.swapaxes(np.tril(x, -1), -1, -2) - _array(A))


def _svd(A: Any, full_matrices: bool = True, *, driver: Any = None) -> Any:
    """As NumPy's; vectors that belong to no singular value are constants."""
    thin = mg.linalg.svd(A, full_matrices=False)
    if not full_matrices or A.shape[-1] == A.shape[-2]:
        return thin
    u, _, vh = np.linalg.svd(_array(A))
    k = builtins.min(A.shape[-2:])
    more_u, more_v = _constant(u[..., k:]), _constant(vh[..., k:, :])
    return thin._replace(U=mg.concatenate([thin.U, more_u], -1), Vh=mg.concatenate([thin.Vh, more_v], -2))


def _thin_svd(input: Any, *, some: bool) -> Any:
    z = _svd(input, not some)
    return Singular(z.U, z.S, z.Vh.mT)


def _first_singular(A: Any, q: int) -> Any:
    """The `q` largest singular values and their vectors: exactly, where PyTorch takes random directions."""
    z = mg.linalg.svd(A, full_matrices=False)
    return Singular(z.U[..., :q], z.S[..., :q], z.Vh.mT[..., :q])


def _qr(A: Any, mode: str = "reduced") -> Any:
    if mode == "r" or (mode == "complete" and A.shape[-2] > A.shape[-1]):
        z: Any = np.linalg.qr(_array(A), mode)  # type: ignore[call-overload]
        return QR(*map(_constant, z)) if mode == "complete" else QR(_constant(np.zeros(0, A.dtype)), _constant(z))
    return mg.linalg.qr(A, mode)


def _limits(A: Any, atol: Any, rtol: Any, tol: Any = None) -> Any:
    """Up to where a singular value counts as 0: PyTorch's rule."""
    largest = _array(mg.linalg.svdvals(A.detach())).max(-1, initial=0) if A.size else np.zeros(A.shape[:-2])
    atol = np.asarray(0.0 if atol is None else _array(atol))
    if rtol is None:
        rtol = np.where(atol > 0, 0, builtins.max(A.shape[-2:]) * np.finfo(A.dtype).eps)
    return np.maximum(atol, _array(rtol) * largest), largest


def _pseudoinverse(A: Any, rcond: Any = None, *, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Any:
    A = _symmetric(A) if hermitian else A
    limit, largest = _limits(A, atol, rcond if rtol is None else rtol)
    return mg.linalg.pinv(A, np.where(largest > 0, limit / np.where(largest > 0, largest, 1), 0))


def _rank(A: Any, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Any:
    A = _symmetric(A) if hermitian else A
    limit, _ = _limits(A, atol, rtol) if tol is None else (_array(tol), None)
    return _constant((_array(mg.linalg.svdvals(A.detach())) > limit[..., None]).sum(-1))


def _condition(A: Any, p: Any = None) -> Any:
    if p in (None, 2, -2):
        s = mg.linalg.svdvals(A)
        first, last = s[..., 0], s[..., -1]
        return last / first if p == -2 else first / last
    return mg.linalg.norm(A, p, (-2, -1)) * mg.linalg.norm(mg.linalg.inv(A), p, (-2, -1))


def _least_squares(A: Any, B: Any, *, rcond: Any = None, driver: Any = None) -> Any:
    """By the pseudoinverse, so that the gradient is right; rank and singular values as NumPy's drivers give them."""
    flat = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    right = mg.expand_dims(B, -1) if flat else B
    x = mg.matmul(_pseudoinverse(A, rtol=rcond), right)
    m, n = A.shape[-2:]
    rest = (
        ((mg.matmul(A, x) - right) ** 2).sum(axis=-2)
        if m > n and driver != "gelsy"
        else _constant(np.zeros(0, A.dtype))
    )
    ranked = driver not in (None, "gels")
    ranks = _rank(A, rtol=rcond) if ranked else _constant(np.zeros(0, np.int64))
    values = mg.linalg.svdvals(A) if driver in ("gelss", "gelsd") else _constant(np.zeros(0, A.dtype))
    return LeastSquares(x.squeeze(-1) if flat else x, rest, ranks, values)


def _exponential(A: Any) -> Any:
    """exp of square matrices: Taylor's series of A / 2ˢ, squared s times. Source: Higham (2008), chapter 10."""
    norm = np.abs(_array(A)).sum(-2).max(initial=0)
    squarings = builtins.max(0, int(np.ceil(np.log2(norm))) + 1) if norm > 0 else 0
    x, n = A / 2.0**squarings, A.shape[-1]
    z = term = mg.broadcast_to(as_operand(np.eye(n, dtype=A.dtype)), shape=A.shape)
    for k in range(1, 19):
        term = mg.matmul(term, x) / k
        z = z + term
    for _ in range(squarings):
        z = mg.matmul(z, z)
    return z


def _raw_qr(a: Any) -> Any:
    h, tau = np.linalg.qr(a, "raw")
    return np.swapaxes(h, -1, -2), tau


def _reflected(input: Any, tau: Any, columns: Any = None) -> Any:
    """The first columns of the product of reflections I − τ v vᵀ, whose v stand below the diagonal of `input`."""
    m, n = input.shape[-2:]
    k = n if columns is None else columns
    z = as_operand(np.broadcast_to(np.eye(m, k, dtype=input.dtype), (*input.shape[:-2], m, k)))
    below = mg.tril(input, k=-1) + np.eye(m, n, dtype=input.dtype)
    for i in reversed(range(tau.shape[-1])):
        v = below[..., i : i + 1]
        z = z - tau[..., i : i + 1, None] * mg.matmul(v, mg.matmul(v.mT, z))
    return z


def _times_reflected(input: Any, tau: Any, other: Any, left: bool = True, transpose: bool = False) -> Any:
    q = _reflected(input, tau, input.shape[-2])
    q = q.mT if transpose else q
    return mg.matmul(q, other) if left else mg.matmul(other, q)
