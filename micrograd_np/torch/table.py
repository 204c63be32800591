"""The table: each function of PyTorch, with PyTorch's arguments and defaults, in terms of this package.

A row is ``names = function``, where ``*`` stands for the name, or ``names(arguments) = expression``; a line that begins
with spaces goes on with the row above. In the expressions tensors have this package's meanings (`data` is an array,
``max(axis)`` the values); what takes more than an expression stands in `rules`. Methods, methods that write in place
(``add_``) and ``out=`` are made of the rows, and the section says how dtypes are promoted:

- floats: functions of one tensor, which make integers floating.
- elementwise: tensors and numbers take the dtype to which all of them are promoted; these have in-place forms too.
- in place too, shapes, values: functions and methods. functions, methods: only that (and `CASTS`, such as ``long()``).
  creation: functions that make tensors. linalg, special: functions of ``torch.linalg`` and ``torch.special``.
"""

from __future__ import annotations

import builtins
import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import micrograd_np as mg
from micrograd_np.core.vertex import Vertex
from micrograd_np.ops.fused.scipy_special import scipys

from . import creation, matrices, results, rules
from .dtypes import CASTS, check_device, default, named, promote, result_type
from .tensor import Tensor, as_torch, common, floating, runtime_error, wrapped

TABLE = """
[floats]
cos, cosh, exp, exp2, expm1, erf, log, log10, log1p, log2, sigmoid, sin, sinh, sqrt, tan, tanh, reciprocal
    = mg.*
acos, arccos = mg.arccos
acosh, arccosh = mg.arccosh
asin, arcsin = mg.arcsin
asinh, arcsinh = mg.arcsinh
atan, arctan = mg.arctan
atanh, arctanh = mg.arctanh
deg2rad = mg.radians
rad2deg = mg.degrees
rsqrt(input) = mg.power(input, -0.5)
digamma, erfc, erfinv = mg.special.*
lgamma = mg.special.gammaln
i0(input) = mg.special.bessel_i(input)
mvlgamma(input, p) = mg.special.multigammaln(input, p)
logit(input, eps=None) = mg.log((x := input if eps is None else mg.clip(input, eps, 1 - eps)) / (1 - x))
sinc = _sinc

[elementwise]
add = _linear_combination(1)
sub, subtract = _linear_combination(-1)
rsub(input, other, *, alpha=1) = mg.subtract(other, input if alpha == 1 else input * alpha)
mul, multiply = mg.multiply
div, divide, true_divide = _division
floor_divide, remainder, fmod, maximum, minimum = mg.*
atan2, arctan2(input, other) = mg.arctan2(floating(input), floating(other))
hypot, logaddexp = mg.*
logaddexp2(input, other) = mg.logaddexp(input * math.log(2), other * math.log(2)) / math.log(2)
xlogy(input, other) = mg.xlogy(floating(input), floating(other))
igamma(input, other) = mg.special.gammainc(floating(input), floating(other))
igammac(input, other) = mg.special.gammaincc(floating(input), floating(other))
pow(input, exponent) = input ** exponent if isinstance(input, Vertex) else mg.power(input, exponent)
fmax(input, other) = mg.where(np.isnan(_array(input)), other, mg.where(np.isnan(_array(other)), input,
    mg.maximum(input, other)))
fmin(input, other) = mg.where(np.isnan(_array(input)), other, mg.where(np.isnan(_array(other)), input,
    mg.minimum(input, other)))
copysign(input, other) = mg.absolute((x := floating(input))) * np.copysign(1, _array(other)).astype(x.dtype)
ldexp(input, other) = floating(input) * mg.exp2((half := mg.floor(floating(other) / 2))) * mg.exp2(floating(other) -
    half)
lerp(input, end, weight) = mg.where(mg.absolute(weight) < 0.5, input + weight * (end - input), end - (end - input) *
    (1 - weight))
addcmul(input, tensor1, tensor2, *, value=1) = input + value * tensor1 * tensor2
addcdiv(input, tensor1, tensor2, *, value=1) = input + value * (tensor1 / tensor2)
eq = mg.equal
ne, not_equal = mg.not_equal
lt, less = mg.less
le, less_equal = mg.less_equal
gt, greater = mg.greater
ge, greater_equal = mg.greater_equal
logical_and, logical_or, logical_xor, bitwise_and, bitwise_or, bitwise_xor = mg.*
nextafter(input, other) = input + (np.nextafter(_array(input), _array(other)) - _array(input))
heaviside = _by_numpy(np.heaviside)
gcd = _by_numpy(np.gcd)
lcm = _by_numpy(np.lcm)
bitwise_left_shift = _by_numpy(np.left_shift)
bitwise_right_shift = _by_numpy(np.right_shift)
float_power(input, exponent) = mg.power(_cast(as_operand(input), np.float64), exponent)

[in place too]
abs, absolute, ceil, floor, trunc, square, relu, isfinite, isinf, isnan, logical_not = mg.*
neg, negative = mg.negative
sign, sgn = mg.sign
fix = mg.trunc
positive, real, conj, conj_physical, resolve_conj, resolve_neg(input) = input
round(input, *, decimals=0) = mg.round(input, decimals=decimals)
frac(input) = input - mg.trunc(input)
bitwise_not = mg.invert
clamp, clip = _clamp
clamp_min(input, min) = _clamp(input, min)
clamp_max(input, max) = _clamp(input, None, max)
nan_to_num(input, nan=None, posinf=None, neginf=None) = mg.nan_to_num(input, nan or 0.0, posinf, neginf)
tril(input, diagonal=0) = mg.tril(input, k=diagonal)
triu(input, diagonal=0) = mg.triu(input, k=diagonal)
masked_fill(input, mask, value) = mg.where(mask, _cast(as_operand(value), input.dtype), input)
masked_scatter = _masked_scatter
index_fill, index_copy = _indexed
index_add(input, dim, index, source, *, alpha=1) = mg.index_add(*_line(input, dim, index, source),
    alpha=alpha).reshape(input.shape)
index_put = _put
put = _flat_put
scatter = _scatter
scatter_add(input, dim, index, src) = _as_lines(mg.scatter_add, input, dim, index, src)
scatter_reduce = _scatter_reduce
index_reduce = _index_reduce
cumsum = _cumulative(mg.cumsum)
cumprod = _cumulative(mg.cumprod)
renorm = _renorm
addmm(input, mat1, mat2, *, beta=1, alpha=1) = _product(input, mat1, mat2, beta=beta, alpha=alpha)
addmv(input, mat, vec, *, beta=1, alpha=1) = _product(input, mat, vec, beta=beta, alpha=alpha)
baddbmm(input, batch1, batch2, *, beta=1, alpha=1) = _product(input, batch1, batch2, beta=beta, alpha=alpha)
addbmm(input, batch1, batch2, *, beta=1, alpha=1) = _product(input, mg.concatenate(mg.unstack(batch1), 1) if
    len(batch1) else batch1.reshape(batch1.shape[1], 0), batch2.reshape(-1, batch2.shape[2]), beta=beta,
    alpha=alpha)
addr(input, vec1, vec2, *, beta=1, alpha=1) = _product(input, mg.expand_dims(vec1, 1), mg.expand_dims(vec2, 0),
    beta=beta, alpha=alpha)
fill(input, value) = mg.where(np.ones(input.shape, bool), _cast(as_operand(value), input.dtype), input)

[shapes]
reshape = _many('shape', lambda input, shape: mg.reshape(input, shape=shape))
flatten(input, start_dim=0, end_dim=-1) = mg.flatten(input, start_dim, end_dim) if input.ndim else input.reshape(1)
unflatten(input, dim, sizes) = input.reshape(*input.shape[:(a := axis_of(dim, input.ndim))], *sizes, *input.shape[a
    + 1:])
ravel(input) = input.reshape(-1)
permute = _many('dims', mg.permute)
transpose, swapaxes, swapdims(input, dim0, dim1) = input.swapaxes(dim0, dim1) if input.ndim else input
t(input) = input.T
adjoint(input) = input.mT
movedim, moveaxis = mg.moveaxis
squeeze = _squeezed
unsqueeze(input, dim) = mg.expand_dims(input, dim)
broadcast_to(input, size) = mg.expand(input, *size)
split, unsafe_split, split_with_sizes = _split
chunk, unsafe_chunk(input, chunks, dim=0) = tuple(mg.chunk(input, chunks, dim))
tensor_split = _tensor_split
hsplit(input, parts) = _tensor_split(input, parts, 1 if input.ndim > 1 else 0)
vsplit(input, parts) = _tensor_split(input, parts, 0)
dsplit(input, parts) = _tensor_split(input, parts, 2)
unbind(input, dim=0) = tuple(mg.unstack(input, dim))
narrow(input, dim, start, length) = input[along(axis_of(dim, input.ndim), slice(int(start) %
    builtins.max(input.shape[dim], 1) if int(start) < 0 else int(start), (int(start) + input.shape[dim] if
    int(start) < 0 else int(start)) + length))]
select(input, dim, index) = input[along(axis_of(dim, input.ndim), int(index))]
select_scatter(input, src, dim, index) = _inserted(input, src, along(axis_of(dim, input.ndim), int(index)))
slice_scatter(input, src, dim=0, start=None, end=None, step=1) = _inserted(input, src, along(axis_of(dim,
    input.ndim), slice(start, end, step)))
diagonal_scatter = _diagonal_scatter
flip = _many('dims', lambda input, dims: mg.flip(input, dims) if dims else input.clone())
fliplr, flipud = mg.*
rot90(input, k=1, dims=(0, 1)) = mg.rot90(input, k, tuple(dims))
roll = _roll
tile = _many('dims', mg.tile)
repeat_interleave = _repeat_interleave
as_strided = _as_strided
as_strided_scatter(input, src, size, stride, storage_offset=0) =
    _flat_put(input, _places(size, stride, storage_offset), src)
alias_copy(input) = input.clone()
expand_copy(input, size) = mg.expand(input, *size).clone()
view_copy(input, size) = mg.reshape(input, shape=tuple(size)).clone()
unfold_copy = cloned(_windows)
diag(input, diagonal=0) = mg.diag(input, diagonal)
diagonal(input, offset=0, dim1=0, dim2=1) = mg.diagonal(input, offset=offset, axis1=dim1, axis2=dim2)
diag_embed = _diag_embed
diagflat(input, offset=0) = mg.diag(input.reshape(-1), offset)
trace(input) = mg.trace(input)
clone(input, *, memory_format=None) = input.clone()
detach(input) = input.detach()
gather = _gathered
take(input, index) = input.reshape(-1)[_array(index)]
take_along_dim(input, indices, dim=None) = mg.take_along_axis(input.reshape(-1), _array(indices).reshape(-1),
    axis=0) if dim is None else mg.take_along_axis(*_broadcast_but(input, _array(indices), dim), axis=dim)
index_select(input, dim, index) = mg.index_select(_whole(input, dim)[0], dim, _array(index).reshape(-1)).reshape(()
    if input.ndim == 0 else (*input.shape[:(a := axis_of(dim, input.ndim))], _array(index).size, *input.shape[a +
    1:]))
masked_select(input, mask) = (parts := mg.broadcast_arrays(input, mask))[0][_array(parts[1]).astype(bool)]
cross(input, other, dim=None) = mg.cross(*mg.broadcast_arrays(input, other), axis=next((a for a, n in
    enumerate(input.shape) if n == 3)) if dim is None else dim)
diff(input, n=1, dim=-1, prepend=None, append=None) = input.clone() if n == 0 else mg.diff(mg.concatenate([x for x
    in (prepend, input, append) if x is not None], dim), n, dim)
unique_consecutive = _count_runs
unique = _unique

[values]
sum = _reduced(mg.sum, each=True)
nansum = _reduced(mg.nansum, each=True)
mean = _reduced(mg.mean)
nanmean = _reduced(mg.nanmean)
prod = _reduced(mg.prod, each=True)
amax = _reduced(mg.max)
amin = _reduced(mg.min)
max = _extreme('max')
min = _extreme('min')
argmax = _position('argmax')
argmin = _position('argmin')
all = _logical('all')
any = _logical('any')
std = _spread('std')
var = _spread('var')
std_mean = _spread('std', mean=True)
var_mean = _spread('var', mean=True)
logsumexp(input, dim, keepdim=False) = mg.logsumexp(floating(input), axis=_axes(dim) if input.ndim else None,
    keepdims=keepdim and input.ndim > 0)
logcumsumexp = _logcumsumexp
cummax = _running('max')
cummin = _running('min')
median = _median
kthvalue = _kth
quantile = _quantile
nanquantile = partial(_quantile, nans=True)
frexp(input) = Parts(input * np.exp2(-(e := np.frexp(_array(input))[1])).astype(input.dtype), _constant(e))
nonzero_static = _nonzero_places
norm = _norm
dist(input, other, p=2) = _vector_norm(input - other, p)
sort = _sort
argsort = _order
msort(input) = _sort(input, 0).values
topk(input, k, dim=-1, largest=True, sorted=True) = Pair(*(x[along(axis_of(dim, input.ndim), slice(k))] if
    input.ndim else x for x in _sort(input, dim, largest)))
aminmax(input, *, dim=None, keepdim=False) = Extremes(*(op(input, axis=dim if input.ndim else None, keepdims=keepdim
    and dim is not None) for op in (mg.min, mg.max)))
count_nonzero(input, dim=None) = _constant(np.count_nonzero(_array(input), axis=_axes(dim) if input.ndim else None))
softmax = _softmax(mg.softmax)
log_softmax = _softmax(mg.log_softmax)
matmul, mm, bmm, mv = mg.matmul
dot, vdot = mg.vecdot
inner = mg.*
outer, ger = mg.outer
kron = mg.*
chain_matmul(*matrices) = mg.linalg.multi_dot(matrices)
cov = _covariance
corrcoef = _correlation
trapezoid, trapz = _trapezoid
cumulative_trapezoid = partial(_trapezoid, cumulative=True)
allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False) = bool(np.allclose(_array(input), _array(other),
    rtol, atol, equal_nan))
equal(input, other) = input.shape == other.shape and bool((_array(input) == _array(other)).all())
isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False) = _constant(np.isclose(_array(input), _array(other),
    rtol, atol, equal_nan))
isin(elements, test_elements, *, assume_unique=False, invert=False) = _constant(np.isin(_array(elements),
    _array(test_elements), assume_unique, invert))
isposinf = _by_numpy(np.isposinf)
isneginf = _by_numpy(np.isneginf)
signbit = _by_numpy(np.signbit)
isreal(input) = _constant(np.ones(input.shape, bool))
argwhere = _by_numpy(np.argwhere)
nonzero(input, *, as_tuple=False) = tuple(map(_constant, np.nonzero(np.atleast_1d(_array(input))))) if as_tuple else
    _constant(np.argwhere(_array(input)))
bincount(input, weights=None, minlength=0) = _constant(np.bincount(_array(input), None if weights is None else
    _array(weights), minlength))
bucketize(input, boundaries, *, out_int32=False, right=False) = _constant(np.searchsorted(_array(boundaries),
    _array(input), 'right' if right else 'left'), np.int32 if out_int32 else np.int64)
histc(input, bins=100, min=0, max=0) = _constant(np.histogram((x := _array(input)), bins, None if min == max and
    (not x.size) else (x.min(), x.max()) if min == max == 0 else (min, max))[0], x.dtype)
histogram(input, bins, *, range=None, weight=None, density=False) = Histogram(*(_constant(x, input.dtype) for x in
    np.histogram(_array(input), _array(bins) if isinstance(bins, Vertex) else bins, range, density, None if weight is
    None else _array(weight))))
histogramdd(input, bins, *, range=None, weight=None, density=False) = Histogram(*_counts_in_boxes(input, bins, range,
    weight, density))
hash_tensor(input, dim=None, keepdim=False, *, mode=0) = _constant(np.bitwise_xor.reduce(_array(input).astype('f8' if
    input.dtype.kind == 'f' else 'i8').view('u8'), axis=_axes(dim) if input.ndim else None, keepdims=keepdim))
gradient = _gradient
det = mg.linalg.det
logdet(input) = mg.where((parts := mg.linalg.slogdet(input))[0] < 0, np.nan, parts[1])
slogdet(input) = Determinant(*mg.linalg.slogdet(input))
inverse = mg.linalg.inv
matrix_power = _power
cholesky(input, upper=False) = mg.linalg.cholesky(input).mT if upper else mg.linalg.cholesky(input)
cholesky_solve(input, L, upper=False) = mg.linalg.solve(L.mT @ L if upper else L @ L.mT, input)
cholesky_inverse(L, upper=False) = mg.linalg.inv(L.mT @ L if upper else L @ L.mT)
svd(input, some=True, compute_uv=True) = _thin_svd(input, some=some)
qr(input, some=True) = _qr(input, 'reduced' if some else 'complete')
pinverse(input, rcond=1e-15) = mg.linalg.pinv(input, rcond)
triangular_solve(b, A, upper=True, transpose=False, unitriangular=False) = Solution(_solve_triangular(A.mT if transpose
    else A, b, upper=upper != transpose, unitriangular=unitriangular), A.clone())
svd_lowrank(A, q=6, niter=2, M=None) = _first_singular(A if M is None else A - M, q)
pca_lowrank(A, q=None, center=True, niter=2) = _first_singular(A - A.mean(axis=-2, keepdims=True) if center else A,
    builtins.min(6, *A.shape[-2:]) if q is None else q)
matrix_exp = _exponential
geqrf(input) = Reflections(*(_constant(x) for x in _raw_qr(_array(input))))
orgqr = _reflected
ormqr = _times_reflected
mode = _most_frequent
nanmedian = partial(_median, nans=True)
angle(input) = mg.where(np.isnan(_array(input)), input, mg.where(_array(input) < 0, math.pi, 0) + 0 * input)
numel(input) = int(input.size)
is_floating_point(input) = input.dtype.kind == 'f'
is_complex(input) = False
is_nonzero(input) = bool(input)
multinomial(input, num_samples, replacement=False, *, generator=None) = _constant(_drawn(_array(input), num_samples,
    replacement, generator))
bernoulli(input, p=None, *, generator=None) = _constant(_generator(generator).uniform(size=input.shape) <
    (_array(input) if p is None else p), input.dtype)

[functions]
atleast_1d, atleast_2d, atleast_3d = _each(mg.*)
cat, concat, concatenate(tensors, dim=0) = _joined(tensors, dim)
stack(tensors, dim=0) = mg.stack(common(*tensors), dim)
hstack(tensors) = mg.hstack(common(*tensors))
vstack, row_stack(tensors) = mg.vstack(common(*tensors))
dstack(tensors) = mg.dstack(common(*tensors))
column_stack(tensors) = mg.column_stack(common(*tensors))
broadcast_tensors(*tensors) = tuple(mg.broadcast_arrays(*tensors))
meshgrid(*tensors, indexing='ij') = tuple(mg.meshgrid(*_tensors(tensors), indexing=indexing))
where = _where
einsum(equation, *operands) = mg.einsum(equation, *_tensors(operands))
tensordot = _tensordot
grid_sampler, grid_sampler_2d, grid_sampler_3d(input, grid, interpolation_mode, padding_mode, align_corners) =
    mg.functional.grid_sample(input, grid, ('bilinear', 'nearest', 'bicubic')[interpolation_mode], ('zeros', 'border',
    'reflection')[padding_mode], align_corners)
native_layer_norm = _layer_statistics
native_group_norm = _group_statistics
native_batch_norm = _batch_statistics
cdist = _cdist
block_diag = _block_diag
constant_pad_nd(input, pad, value=0) = mg.functional.pad(input, pad, 'constant', value)
cartesian_prod(*tensors) = _combined(*tensors)
combinations = _combinations
searchsorted = _searchsorted
vander(x, N=None, increasing=False) = _vander(x, N, increasing=increasing)
result_type(tensor1, tensor2) = named(result_type(tensor1, tensor2))
promote_types(type1, type2) = named(promote(type1, type2))
can_cast(from_, to) = np.can_cast(np.dtype(from_), np.dtype(to), 'same_kind')
is_tensor(obj) = isinstance(obj, Tensor)
polygamma(n, input) = mg.special.polygamma(n, floating(input))
broadcast_shapes(*shapes) = np.broadcast_shapes(*shapes)
normal(mean, std=1.0, size=None, *, generator=None, dtype=None, device=None, layout=None, pin_memory=None) =
    _constant(_generator(generator).normal(_array(mean), _array(std), size), dtype or (result_type(*tensors) if
    (tensors := [x for x in (mean, std) if isinstance(x, Vertex)]) else default()))

[methods]
polygamma(input, n) = mg.special.polygamma(n, floating(input))
new_zeros = _new(mg.zeros)
new_ones = _new(mg.ones)
new_empty = _new(mg.empty)
view(input, *shape) = input.to(shape[0]) if shape and (not np.ndim(shape[0])) and (not isinstance(shape[0], (int,
    np.integer))) else mg.reshape(input, shape=_listed(shape))
view_as, reshape_as(input, other) = mg.reshape(input, shape=other.shape)
expand = _many('size', lambda input, size: mg.expand(input, *size))
expand_as(input, other) = mg.expand(input, *other.shape)
repeat = _many('repeats', mg.tile)
unfold = _windows
sum_to_size = _sum_to_size
where(input, condition, other) = _where(condition, input, other)
dim, ndimension(input) = input.ndim
nelement(input) = int(input.size)
element_size(input) = input.data.itemsize
type_as(input, other) = input.to(other.dtype)
is_contiguous(input, memory_format=None) = bool(input.data.flags.c_contiguous)
stride(input, dim=None) = (s := tuple((n // input.data.itemsize for n in input.data.strides))) if dim is None else
    input.data.strides[dim] // input.data.itemsize
data_ptr(input) = input.data.ctypes.data
get_device(input) = -1
new_tensor(input, data, *, dtype=None, device=None, requires_grad=False) = wrapped(np.array(_array(data), dtype or
    input.dtype)).requires_grad_(requires_grad)
new_empty_strided(input, size, stride, **settings) = _new(mg.empty)(input, size, **settings)
new_full(input, size, fill_value, *, dtype=None, device=None, requires_grad=False) = mg.full(tuple(size),
    fill_value, dtype or input.dtype).requires_grad_(requires_grad)
normal_(input, mean=0, std=1, *, generator=None) = _filled(input, generator, 'normal', mean, std)
uniform_(input, low=0, high=1, *, generator=None) = _filled(input, generator, 'uniform', low, high)
random_(input, low=0, high=None, *, generator=None) = _filled(input, generator, 'integers', *((0, low) if high is None
    else (low, high)))
bernoulli_(input, p=0.5, *, generator=None) = _filled(input, generator, 'binomial', 1, _array(p))
exponential_(input, lambd=1, *, generator=None) = _filled(input, generator, 'exponential', 1 / lambd)
log_normal_(input, mean=1, std=2, *, generator=None) = _filled(input, generator, 'lognormal', mean, std)
geometric_(input, p, *, generator=None) = _filled(input, generator, 'geometric', p)
cauchy_(input, median=0, sigma=1, *, generator=None) =
    _filled(input, generator, 'standard_cauchy').mul_(sigma).add_(median)
fill_diagonal_(input, value, wrap=False) = input.copy_(_diagonal_scatter(input,
    wrapped(np.full(builtins.min(input.shape), value, input.dtype))))

[linalg]
inv, det = mg.linalg.*
matmul = mg.matmul
matrix_power = _power
slogdet(A) = Determinant(*mg.linalg.slogdet(A))
solve = _solve
cholesky(input, *, upper=False) = mg.linalg.cholesky(input).mT if upper else mg.linalg.cholesky(input)
multi_dot(tensors) = mg.linalg.multi_dot(tensors)
vector_norm = _vector_norm
norm = _normed
matrix_norm(A, ord='fro', dim=(-2, -1), keepdim=False, *, dtype=None) =
    mg.linalg.norm(_cast(A, dtype), ord, tuple(dim), keepdim)
svdvals = mg.linalg.svdvals
svd = _svd
eigh(A, UPLO='L') = mg.linalg.eigh(_symmetric(A, UPLO))
eigvalsh(A, UPLO='L') = mg.linalg.eigvalsh(_symmetric(A, UPLO))
qr = _qr
pinv = _pseudoinverse
matrix_rank = _rank
cond = _condition
lstsq = _least_squares
matrix_exp = _exponential
householder_product = _reflected
inv_ex(A, *, check_errors=False) = Inverse(mg.linalg.inv(A), _no_errors(A))
solve_ex(A, B, *, left=True, check_errors=False) = Solved(_solve(A, B, left=left), _no_errors(A))
cholesky_ex(A, *, upper=False, check_errors=False) = Triangle(mg.linalg.cholesky(A).mT if upper else
    mg.linalg.cholesky(A), _no_errors(A))
solve_triangular = _solve_triangular
tensorinv(A, ind=2) = mg.linalg.inv(A.reshape(math.prod(A.shape[:ind]), -1)).reshape(A.shape[ind:] + A.shape[:ind])
tensorsolve = _tensor_solve
cross(input, other, *, dim=-1) = mg.cross(*mg.broadcast_arrays(input, other), axis=dim)
diagonal(A, *, offset=0, dim1=-2, dim2=-1) = mg.diagonal(A, offset=offset, axis1=dim1, axis2=dim2)
vecdot(x, y, *, dim=-1) = (x * y).sum(axis=dim)
vander(x, *, N=None) = _vander(x, N)

[special]
ndtr, ndtri, log_ndtr, erfcx = mg.special.*
expit = mg.sigmoid
gammaln = mg.special.gammaln
psi = mg.special.digamma
multigammaln(a, p) = mg.special.multigammaln(a, p)
gammainc(input, other) = mg.special.gammainc(input, floating(other))
gammaincc(input, other) = mg.special.gammaincc(input, floating(other))
zeta(input, other) = mg.special.zeta(input, floating(other))
entr(input) = mg.where(input < 0, -np.inf, -mg.xlogy(input, mg.where(input > 0, input, 1.0)))
xlog1py = _x_log1p_y
bessel_j0(x) = mg.special.bessel_j(x)
bessel_j1(x) = mg.special.bessel_j(x, 1)
bessel_y0(x) = mg.special.bessel_y(x)
bessel_y1(x) = mg.special.bessel_y(x, 1)
modified_bessel_i0(x) = mg.special.bessel_i(x)
i1, modified_bessel_i1(x) = mg.special.bessel_i(x, 1)
i0e(x) = mg.special.bessel_i(x, scaled=True)
i1e(x) = mg.special.bessel_i(x, 1, scaled=True)
modified_bessel_k0(x) = mg.special.bessel_k(x)
modified_bessel_k1(x) = mg.special.bessel_k(x, 1)
scaled_modified_bessel_k0(x) = mg.special.bessel_k(x, scaled=True)
scaled_modified_bessel_k1(x) = mg.special.bessel_k(x, 1, scaled=True)
spherical_bessel_j0(x) = mg.where(x == 0, 1.0, mg.sin(x) / mg.where(x == 0, 1.0, x))
airy_ai(x) = _by_numpy(scipys('airy'))(x)[0]
chebyshev_polynomial_t(x, n) = _polynomial('chebyt', x, n)
chebyshev_polynomial_u(x, n) = _polynomial('chebyu', x, n)
chebyshev_polynomial_v(x, n) = _polynomial('chebyu', x, n, -1)
chebyshev_polynomial_w(x, n) = _polynomial('chebyu', x, n, 1)
shifted_chebyshev_polynomial_t(x, n) = _polynomial('chebyt', 2 * x - 1, n)
shifted_chebyshev_polynomial_u(x, n) = _polynomial('chebyu', 2 * x - 1, n)
shifted_chebyshev_polynomial_v(x, n) = _polynomial('chebyu', 2 * x - 1, n, -1)
shifted_chebyshev_polynomial_w(x, n) = _polynomial('chebyu', 2 * x - 1, n, 1)
hermite_polynomial_h(x, n) = _polynomial('hermite', x, n)
hermite_polynomial_he(x, n) = _polynomial('hermitenorm', x, n)
laguerre_polynomial_l(x, n) = _polynomial('laguerre', x, n)
legendre_polynomial_p(x, n) = _polynomial('legendre', x, n)

[nn.functional]
softmax = _softmax(mg.softmax)
log_softmax = _softmax(mg.log_softmax)
softmin = _softmax(mg.softmax, -1)
pdist = _pairs
upsample, upsample_nearest = mg.functional.interpolate
upsample_bilinear(input, size=None, scale_factor=None) =
    mg.functional.interpolate(input, size, scale_factor, 'bilinear', align_corners=True)
batch_norm(input, *settings, **more) =
    input.clone() if input.shape == (0,) else mg.functional.batch_norm(input, *settings, **more)
gaussian_nll_loss(input, target, *settings, **more) =
    mg.functional.gaussian_nll_loss(input, mg.broadcast_to(target, shape=input.shape), *settings, **more)
multi_margin_loss(input, target, *settings, **more) = mg.functional.multi_margin_loss(input if input.ndim else
    input.reshape(1), target.reshape(input.shape[:-1]), *settings, **more)
multilabel_margin_loss(input, target, *settings, **more) = mg.functional.multilabel_margin_loss(*(x if x.ndim else
    x.reshape(1) for x in (input, target)), *settings, **more)
linear_cross_entropy = _linear_cross_entropy
multi_head_attention_forward = _attention

[signal.windows]
general_cosine(M, *, a, sym=True, dtype=None) = _cosines(a, M, sym, dtype)
general_hamming(M, *, alpha=0.54, sym=True, dtype=None) = _cosines([alpha, 1 - alpha], M, sym, dtype)
hann(M, *, sym=True, dtype=None) = _cosines([0.5, 0.5], M, sym, dtype)
hamming(M, *, sym=True, dtype=None) = _cosines([0.54, 0.46], M, sym, dtype)
blackman(M, *, sym=True, dtype=None) = _cosines([0.42, 0.5, 0.08], M, sym, dtype)
nuttall(M, *, sym=True, dtype=None) = _cosines([0.3635819, 0.4891775, 0.1365995, 0.0106411], M, sym, dtype)
bartlett(M, *, sym=True, dtype=None) = _spread_out(lambda t: 1 - np.abs(2 * t - 1), M, sym, dtype)
cosine(M, *, sym=True, dtype=None) = _spread_out(lambda t: np.sin(np.pi * t), M, sym, dtype, ends=0.5)
gaussian(M, *, std=1.0, sym=True, dtype=None) = _about_middle(lambda t: np.exp(-(t / std) ** 2 / 2), M, sym, dtype)
exponential(M, *, center=None, tau=1.0, sym=True, dtype=None) =
    _about_middle(lambda t: np.exp(-np.abs(t) / tau), M, sym, dtype, center)
kaiser(M, *, beta=12.0, sym=True, dtype=None) = _window(lambda n: np.kaiser(n, beta), M, not sym, dtype)

[creation]
zeros, ones, empty = _sized(mg.*)
rand, randn = _sized(mg.random.*)
zeros_like(input, dtype=None) = mg.zeros(input.shape, dtype=dtype or input.dtype)
ones_like(input, dtype=None) = mg.ones(input.shape, dtype=dtype or input.dtype)
empty_like(input, dtype=None) = mg.empty(input.shape, dtype=dtype or input.dtype)
full_like(input, fill_value, dtype=None) = mg.full(input.shape, fill_value, dtype or input.dtype)
rand_like(input, dtype=None, generator=None) =
    mg.random.rand(input.shape, dtype=dtype or input.dtype, generator=generator)
randn_like(input, dtype=None, generator=None) =
    mg.random.randn(input.shape, dtype=dtype or input.dtype, generator=generator)
randint = _whole_numbers
randint_like(input, *bounds, dtype=None) = _whole_numbers(*bounds, input.shape, dtype=dtype or input.dtype)
randperm(n, *, generator=None, dtype=None) = mg.random.permutation(n, generator)
full = _full
arange = _arange
range(start, end, step=1, dtype=None) = mg.arange(start, end + step / 2, step, dtype=dtype or default())
linspace(start, end, steps, *, dtype=None) = np.linspace(_array(start), _array(end), steps, dtype=dtype or default())
logspace(start, end, steps, base=10.0, *, dtype=None) =
    np.power(float(base), np.linspace(_array(start), _array(end), steps)).astype(np.dtype(dtype or default()))
eye(n, m=None, *, dtype=None) = mg.eye(n, m, dtype=dtype or default())
empty_strided(size, stride, dtype=None) = mg.empty(size, dtype=dtype or default())
empty_permuted(size, physical_layout, dtype=None) = mg.empty(size, dtype=dtype or default())
scalar_tensor(s, *, dtype=None) = np.asarray(s, dtype or default())
tril_indices(row, col, offset=0, *, dtype=None) = np.array(np.tril_indices(row, offset, col))
triu_indices(row, col, offset=0, *, dtype=None) = np.array(np.triu_indices(row, offset, col))
hann_window(n, periodic=True, *, dtype=None) = _window(np.hanning, n, periodic, dtype)
hamming_window(n, periodic=True, *, dtype=None) = _window(np.hamming, n, periodic, dtype)
blackman_window(n, periodic=True, *, dtype=None) = _window(np.blackman, n, periodic, dtype)
bartlett_window(n, periodic=True, *, dtype=None) = _window(np.bartlett, n, periodic, dtype)
"""


def _sources(text: str) -> dict[str, dict[str, str]]:
    """The source of each function by section and name."""
    sections: dict[str, dict[str, str]] = {}
    for row in re.sub(r"\n +", " ", text).splitlines():
        if row.startswith("["):
            section = sections[row.strip("[]")] = {}
        elif row:
            left, _, right = row.partition(" = ")
            names, opened, arguments = left.partition("(")
            for name in names.split(", "):
                section[name] = f"lambda {arguments[:-1]}: {right}" if opened else right.replace(".*", f".{name}")
    return sections


def _row(name: str, f: Callable[..., Any], prepare: Any = None) -> Callable[..., Any]:
    """The function of a row: PyTorch's keywords, `out=`, the dtypes, and tensors of PyTorch as results."""

    def call(*args: Any, out: Any = None, **settings: Any) -> Any:
        for ours, theirs in (("axis", "dim"), ("keepdims", "keepdim")):
            if ours in settings:
                settings[theirs] = settings.pop(ours)
        if prepare is not None:
            args, settings = prepare(args, settings)
        try:
            z = as_torch(f(*args, **settings))
        except (TypeError, ValueError) as error:
            if isinstance(error, TypeError) and "() " in str(error) and "argument" in str(error):  # Python's, of a row
                raise TypeError(f"{name}: {str(error).partition('() ')[2]}.") from None
            raise runtime_error(error) from None
        if type(z) is results.Pair:
            z = pair(*z)
        return z if out is None else _written(out, z)

    pair: Any = type(name, (results.Pair,), {"__slots__": ()})
    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"PyTorch's ``{name}``: see its documentation."
    return call


def _written(out: Any, z: Any) -> Any:
    if isinstance(out, (tuple, list)):
        return type(z)(*map(_written, out, z)) if hasattr(z, "_fields") else tuple(map(_written, out, z))
    if out.shape != z.shape:
        raise RuntimeError(f"out: it is {tuple(out.shape)}, and the result {tuple(z.shape)}. Write z = f(x).")
    return out.copy_(z)


_OPERANDS = {"input", "other", "exponent", "end", "weight", "tensor1", "tensor2"}
_IGNORED = {"device", "layout", "pin_memory", "memory_format", "names"}


def _floats(args: Any, settings: Any) -> Any:
    return tuple(map(floating, args[:1])) + args[1:], {
        k: floating(x) if k == "input" else x for k, x in settings.items()
    }


def _promoted(args: Any, settings: Any) -> Any:
    names = [key for key in settings if key in _OPERANDS]
    operands = iter(common(*args, *(settings[key] for key in names)))
    return tuple(next(operands) for _ in args), {**settings, **{key: next(operands) for key in names}}


def _in_place(name: str, f: Callable[..., Any]) -> Callable[..., Any]:
    """``t.name_(…)``: the function's result, written into the tensor."""

    def method(self: Any, *args: Any, **settings: Any) -> Any:
        z = f(self, *args, **settings)
        if (z.dtype.kind == "f" and self.dtype.kind != "f") or (z.dtype.kind in "iu" and self.dtype.kind == "b"):
            raise RuntimeError(f"{name}_: the result is {named(z.dtype)} and does not fit into {named(self.dtype)}.")
        if z.shape != self.shape:
            raise RuntimeError(f"{name}_: the result is {tuple(z.shape)} and does not fit into {tuple(self.shape)}.")
        return self.copy_(z)

    method.__name__, method.__doc__ = f"{name}_", f"PyTorch's ``{name}``, written into the tensor; returns it."
    return method


def _creating(name: str, f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that makes tensors: `device` is checked, and the result may require a gradient."""

    def create(*args: Any, requires_grad: bool = False, out: Any = None, **settings: Any) -> Any:
        check_device(settings.get("device"))
        z = as_torch(f(*args, **{key: x for key, x in settings.items() if key not in _IGNORED}))
        return z.requires_grad_() if requires_grad else z if out is None else out.copy_(z)

    create.__name__ = create.__qualname__ = name
    create.__doc__ = f"PyTorch's ``{name}``: see its documentation."
    return create


def as_function(name: str, f: Any) -> Callable[..., Any]:
    """A function of ``nn.functional``: with `inplace` the result is written into the argument."""
    call = _row(name.removesuffix("_"), f, _without_old_settings)

    def function(*args: Any, inplace: bool = False, **settings: Any) -> Any:
        if len(args) == 4 and name.endswith(("dropout", "dropout1d", "dropout2d", "dropout3d")):
            *args, inplace = args  # type: ignore[assignment]
        z = call(*args, **settings)
        return args[0].copy_(z) if inplace or name[-1] == "_" else z

    function.__name__, function.__doc__ = name, call.__doc__
    return function


def _without_old_settings(args: Any, settings: Any) -> Any:
    args = tuple(None if type(x) is tuple and not x else x for x in args)  # a stride of () is the kernel's
    return args, {key: x for key, x in settings.items() if key not in ("size_average", "reduce", "_stacklevel")}


_NAMES = {
    "Tensor": Tensor, "Vertex": Vertex, "builtins": builtins, "default": default, "floating": floating, "math": math,
    "mg": mg, "named": named, "np": np, "partial": partial, "promote": promote, "result_type": result_type,
    "wrapped": wrapped, "common": common, "scipys": scipys,
}  # fmt: skip
"""What rows may say beside what the modules of `namespace` define."""


def namespace() -> dict[str, Any]:
    """Every name that rows may say."""
    return {name: x for part in (creation, results, rules, matrices) for name, x in vars(part).items()} | _NAMES


def read() -> dict[str, dict[str, Any]]:
    """The functions of the table by section and name; "torch" and "Tensor" hold all of torch's, and its methods."""
    names = namespace()
    prepare = {"floats": _floats, "special": _floats, "elementwise": _promoted}
    makers = {"creation": _creating, "signal.windows": _creating, "nn.functional": as_function}
    sections: dict[str, dict[str, Any]] = {}
    for section, sources in _sources(TABLE).items():
        make: Any = makers.get(section, _row)
        more = (prepare[section],) if section in prepare else ()
        sections[section] = {
            name: make(name, eval(compile(source, __file__, "eval"), names), *more)  # noqa: S307  it stands above
            for name, source in sources.items()
        }
    functions: dict[str, Any] = {}
    methods: dict[str, Any] = {}
    for section in ("floats", "elementwise", "in place too", "shapes", "values"):
        functions |= sections[section]
        methods |= sections[section]
        if section in ("floats", "elementwise", "in place too"):
            methods |= {f"{name}_": _in_place(name, f) for name, f in sections[section].items()}
    methods |= {f"{name}_": rules.reshaped(name, methods[name]) for name in ("squeeze", "unsqueeze", "t", "transpose")}
    copied = "as_strided diagonal narrow permute squeeze t transpose unbind unsqueeze split_with_sizes"
    functions |= {f"{name}_copy": _row(f"{name}_copy", rules.cloned(functions[name])) for name in copied.split()}
    sections["torch"] = functions | sections["functions"] | sections["creation"]
    methods |= {cast: _row(cast, rules.casting(kind)) for cast, kind in CASTS.items()}
    sections["Tensor"] = methods | sections["methods"]
    return sections
