"""NumPy's functions on tensors, and arrays from and to other libraries."""

import functools
import importlib
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from together import together

import micrograd_np as mg
from micrograd_np import protocols
from micrograd_np.core.primitive import primitive
from micrograd_np.core.registry import registry
from micrograd_np.numpy_api import scipy_names

SERVED = {f"{theirs.__module__}.{theirs.__name__}": (theirs, ours) for theirs, ours in protocols.served()}

ONE = np.array([[0.4, -0.3, 0.2], [0.1, 0.5, -0.6]])
TWO = np.array([[0.3, 0.7, -0.2], [0.6, -0.5, 0.1]])
SQUARE = np.array([[2.0, 0.3, 0.1], [0.3, 1.5, 0.2], [0.1, 0.2, 1.0]])
LIST = np.array([0.3, 0.1, 0.2])

# how to call what is not a function of one array, of two, or of a list of them
CALLS = {
    "astype": lambda f, x: f(x, np.float32),
    "broadcast_to": lambda f, x: f(x, (2, 2, 3)),
    "full_like": lambda f, x: f(x, x[0]),
    "clip": lambda f, x: f(x, -0.2, 0.3),
    "concatenate": lambda f, x: f([x, TWO], axis=1),
    "stack": lambda f, x: f([x, TWO], axis=1),
    "vstack": lambda f, x: f([x, TWO]),
    "hstack": lambda f, x: f([x, TWO]),
    "split": lambda f, x: f(x, [1], axis=1),
    "array_split": lambda f, x: f(x, 2, axis=1),
    "where": lambda f, x: f(TWO > 0, x, TWO),
    "reshape": lambda f, x: f(x, (3, 2)),
    "moveaxis": lambda f, x: f(x, 0, 1),
    "swapaxes": lambda f, x: f(x, 0, 1),
    "expand_dims": lambda f, x: f(x, 1),
    "tile": lambda f, x: f(x, (2, 2)),
    "repeat": lambda f, x: f(x, 2, axis=1),
    "roll": lambda f, x: f(x, 1, axis=1),
    "pad": lambda f, x: f(x, ((1, 0), (0, 2))),
    "take": lambda f, x: f(x, np.array([2, 0]), axis=1),
    "take_along_axis": lambda f, x: f(x, np.array([[2, 0], [1, 1]]), axis=1),
    "einsum": lambda f, x: f("ij,kj->ik", x, TWO),
    "tensordot": lambda f, x: f(x, TWO, axes=([1], [1])),
    "matmul": lambda f, x: f(x, TWO.T),
    "dot": lambda f, x: f(x, TWO.T),
    "outer": lambda f, x: f(x[1], LIST),
    "inner": lambda f, x: f(x, LIST),
    "solve": lambda f, x: f(x.T @ x + SQUARE, LIST),
    "log": lambda f, x: f(x + 2),
    "log1p": lambda f, x: f(x + 2),
    "log2": lambda f, x: f(x + 2),
    "log10": lambda f, x: f(x + 2),
    "sqrt": lambda f, x: f(x + 2),
    "arccosh": lambda f, x: f(x + 2),
    "power": lambda f, x: f(x + 2, TWO),
    "logical_and": lambda f, x: f(x > 0, TWO > 0),
    "logical_or": lambda f, x: f(x > 0, TWO > 0),
    "logical_xor": lambda f, x: f(x > 0, TWO > 0),
    "logical_not": lambda f, x: f(x > 0),
    "ldexp": lambda f, x: f(x, 2),
    "dstack": lambda f, x: f([x, TWO]),
    "column_stack": lambda f, x: f([x, TWO]),
    "block": lambda f, x: f([[x, TWO], [np.ones((1, 6))]]),
    "append": lambda f, x: f(x, TWO, axis=0),
    "hsplit": lambda f, x: f(x, 3),
    "vsplit": lambda f, x: f(x, [1]),
    "dsplit": lambda f, x: f(x[None], 3),
    "broadcast_arrays": lambda f, x: f(x, x[0]),
    "meshgrid": lambda f, x: f(x[0], x[1]),
    "remainder": lambda f, x: f(x, 0.25),
    "fmod": lambda f, x: f(x, 0.25),
    "floor_divide": lambda f, x: f(x, 0.25),
    "quantile": lambda f, x: f(x, 0.3, axis=1),
    "percentile": lambda f, x: f(x, [30.0, 50.0], axis=1),
    "average": lambda f, x: f(x, axis=1, weights=LIST),
    "vdot": lambda f, x: f(x, TWO),
    "vecdot": lambda f, x: f(x, TWO),
    "matvec": lambda f, x: f(x, LIST),
    "vecmat": lambda f, x: f(LIST, x.T),
    "cross": lambda f, x: f(x, TWO),
    "kron": lambda f, x: f(x, TWO),
    "multi_dot": lambda f, x: f([x, TWO.T, TWO]),
    "cumulative_sum": lambda f, x: f(x, axis=1),
    "cumulative_prod": lambda f, x: f(x, axis=1),
    "bitwise_and": lambda f, x: f(x > 0, TWO > 0),
    "bitwise_or": lambda f, x: f(x > 0, TWO > 0),
    "bitwise_xor": lambda f, x: f(x > 0, TWO > 0),
    "invert": lambda f, x: f(x > 0),
}
BY_MATRIX = {"inv", "det", "slogdet", "cholesky", "trace"}
CALLS |= {name: lambda f, x: f(x.T @ x + SQUARE) for name in ("eigh", "eigvalsh", "svd")}
CALLS["matrix_power"] = lambda f, x: f(x.T @ x + SQUARE, -3)


def called(theirs, x):
    name = theirs.__name__
    if name in CALLS:
        return CALLS[name](theirs, x)
    if name in BY_MATRIX:
        return theirs(x.T @ x + SQUARE)
    arity = getattr(theirs, "nin", None)
    return theirs(x, TWO) if arity == 2 else theirs(x)


def flat(result):
    parts = result if isinstance(result, (tuple, list)) else [result]
    return [np.asarray(getattr(part, "data", part)) for part in parts]


@together
@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")  # from NumPy 2.5 on
@pytest.mark.parametrize("name", sorted(SERVED))
def test_numpy_gives_the_same_values_for_a_tensor(name):
    theirs, _ = SERVED[name]
    ours, expected = flat(called(theirs, mg.Tensor(ONE))), flat(called(theirs, ONE))
    assert len(ours) == len(expected)
    for a, b in zip(ours, expected, strict=True):
        assert_allclose(a, b, rtol=1e-13, atol=1e-15)
        assert a.dtype == b.dtype


@together
@pytest.mark.parametrize("name", sorted(name for name, (_, op) in SERVED.items() if getattr(op, "smooth", True)))
def test_numpy_gives_a_tensor_that_carries_the_gradient(name):
    theirs, _ = SERVED[name]
    result = called(theirs, mg.Tensor(ONE, requires_grad=True))
    parts = result if isinstance(result, (tuple, list)) else [result]
    assert all(isinstance(part, mg.Tensor) for part in parts)
    assert any(part.requires_grad for part in parts)


def test_enough_is_served():
    """A table made by looking could silently become empty."""
    names = {theirs.__name__ for theirs, _ in SERVED.values()}
    assert {"add", "exp", "matmul", "sum", "max", "amax", "concatenate", "stack", "where", "reshape", "divide"} <= names


def test_axis_and_keepdims_are_understood_in_every_spelling():
    t = mg.Tensor(ONE)
    assert_allclose(np.sum(t, axis=0).data, ONE.sum(0))
    assert_allclose(np.sum(t, 0).data, ONE.sum(0))
    assert_allclose(np.sum(a=t, axis=(0, -1), keepdims=True).data, ONE.sum(keepdims=True))
    assert_allclose(np.mean(t, axis=1, keepdims=True).data, ONE.mean(1, keepdims=True))
    assert_allclose(np.sum(t, dtype=None, out=None).data, ONE.sum())


UNDERSTOOD = """
np.clip(t,a_min=0,a_max=.3)
np.clip(t,min=0)
np.clip(t,None,.2)
np.clip(t,0,None)
np.round(t,1)
np.around(t,decimals=1)
np.sort(t,axis=0)
np.argsort(t,axis=0)
np.linalg.norm(t,axis=1)
np.linalg.norm(t,ord=2,axis=0,keepdims=True)
np.linalg.norm(t,'fro')
np.trace(t,1)
np.einsum('ij->j',t,optimize=True)
np.einsum('ij,ij',t,t)
np.tensordot(t,t,2)
np.tensordot(t,t,axes=((1,),(1,)))
np.repeat(t,[1,2],axis=0)
np.repeat(t,2)
np.pad(t,1)
np.pad(t,((0,1),(1,0)),mode='constant',constant_values=2.)
np.pad(t,1,mode='edge')
np.take(t,[0,2],axis=1)
np.squeeze(t[None],axis=0)
np.flip(t,axis=1)
np.flip(t)
np.cumsum(t)
np.cumsum(t,axis=1)
np.cumprod(t,1)
np.tril(t,-1)
np.triu(t,k=1)
np.diag(t,1)
np.diagonal(t,offset=1)
np.roll(t,1)
np.roll(t,(1,2),axis=(0,1))
np.split(t,3,axis=1)
np.split(t,[1],axis=1)
np.std(t,axis=0,ddof=1,keepdims=True)
np.var(t,0,None,None,1)
np.var(t,correction=1)
np.max(t,axis=1,keepdims=True)
np.max(t,1)
np.ravel(t)
np.swapaxes(t,0,1)
np.moveaxis(t,[0],[1])
np.expand_dims(t,(0,2))
np.broadcast_to(t,shape=(2,2,3))
np.concatenate((t,t),axis=None)
np.stack((t,t),-1)
np.where(t>0)
np.where(t>0,t,0)
np.argmax(t,axis=1,keepdims=True)
np.any(t>0,axis=0)
np.all(t)
np.prod(t,axis=(0,1))
np.mean(t,0,keepdims=True)
np.outer(t,t)
np.inner(t,t)
np.dot(t,t.T)
np.matmul(t,t.T)
np.tile(t,2)
np.reshape(t,-1)
np.reshape(t,shape=(3,2))
np.transpose(t,(1,0))
np.transpose(t,axes=[1,0])
np.add(t,1)
np.power(np.abs(t),2)
np.take_along_axis(t,np.argsort(t,axis=1),axis=1)
np.take_along_axis(t,np.argsort(X,axis=1),axis=1)
np.hypot(t,2)
np.logaddexp(t,t)
np.maximum(t,0)
np.linalg.slogdet(t@t.T)
np.linalg.solve(t@t.T,t)
np.zeros_like(t,dtype='f4')
np.astype(t,'f4')
np.copy(t)
np.amax(t)
np.permute_dims(t,(1,0))
np.concat([t,t])
np.pow(np.abs(t),2)
np.acos(t)
np.linalg.norm(t,1)
np.linalg.norm(t,-np.inf)
np.linalg.norm(t,np.inf,axis=(1,0))
np.linalg.norm(t[None],-1,(1,2),keepdims=True)
np.linalg.norm(t,3,axis=0)
np.linalg.trace(t[None])
np.linalg.diagonal(t[None],offset=1)
np.linalg.outer(t[0],t[1])
np.linalg.matrix_power(t@t.T,0)
np.linalg.cross(t,t[::-1])
np.mod(t,-.3)
np.fmod(t,-.3)
np.diff(t,2,axis=1)
np.median(t)
np.median(t,axis=1,keepdims=True)
np.quantile(t,[0,.25,1],axis=0)
np.quantile(t,.7,axis=(0,1),keepdims=True)
np.average(t,weights=t*t)
np.nan_to_num(np.where(t>0,t,np.nan),nan=2.)
np.nansum(np.where(t>0,t,np.nan),axis=1)
np.nanmean(np.where(t>0,t,np.nan))
np.nanmax(np.where(t>0,t,np.nan),axis=0,keepdims=True)
np.nanmin(np.where(t<.45,t,np.nan),axis=1)
np.array_split(t,4,axis=1)
np.rot90(t)
np.rot90(t,-1)
np.rot90(t,2)
np.meshgrid(t[0],t[1],indexing='ij')
np.meshgrid(t[0])
np.atleast_1d(t[0,0],t)
np.atleast_3d(t)
np.block([t,t])
np.hstack([t[0],t[1]])
np.vstack([t[0],t])
np.isin(t,[.4])
np.searchsorted(np.sort(t[0]),[.1,.3])
(t>0)&(t<.3)
~(t>0)|(X>.3)
t%.3
.3//t
"""
REFUSED = """
np.heaviside(t,2)
np.take(t,[0,2],mode='clip')
np.ravel(t,order='F')
np.concatenate([t,t],dtype='f4')
np.nan_to_num(t,copy=False)
np.diff(t,prepend=0)
"""


@together
@pytest.mark.parametrize("call", UNDERSTOOD.split("\n")[1:-1])
def test_arguments_mean_what_they_mean_to_numpy(call):
    names = {"np": np, "X": ONE}
    expected = flat(eval(call, {**names, "t": ONE}))
    found = flat(eval(call, {**names, "t": mg.Tensor(ONE, requires_grad=True)}))
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        assert_allclose(a, b, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("call", REFUSED.split("\n")[1:-1])
def test_arguments_that_we_do_not_have_are_refused_by_name(call):
    name = call[: call.index("(")].replace(".", r"\.")
    with pytest.raises(TypeError, match=f"^{name}: "):
        eval(call, {"np": np, "t": mg.Tensor(ONE, requires_grad=True)})


def test_methods_of_ufuncs_that_reduce_are_reductions():
    t = mg.Tensor(ONE, requires_grad=True)
    assert_array_equal(np.add.reduce(t).data, np.add.reduce(ONE))
    assert_array_equal(np.maximum.reduce(t, axis=None, keepdims=True).data, ONE.max(keepdims=True))
    assert np.add.reduce(t).requires_grad


@pytest.mark.parametrize("method", ["accumulate", "outer", "at", "reduceat"])
def test_other_methods_of_ufuncs_are_refused_by_name(method):
    t, a = mg.Tensor(ONE, requires_grad=True), np.zeros(3)
    args = {"accumulate": (t,), "outer": (t, t), "at": (a, [0], t), "reduceat": (t, [0, 1])}[method]
    with pytest.raises(TypeError, match=f"np.add.{method}.*no derivative rule.*detach"):
        getattr(np.add, method)(*args)


# an ndarray on the left


def test_an_array_on_the_left_of_an_operator_gives_a_tensor():
    t = mg.Tensor(LIST, requires_grad=True)
    a = np.array([3.0, 2.0, 1.0])
    for z, expected in (
        (a + t, a + LIST), (a - t, a - LIST), (a * t, a * LIST), (a / t, a / LIST), (a**t, a**LIST), (a @ t, a @ LIST),
    ):  # fmt: skip
        assert type(z) is mg.Tensor
        assert z.requires_grad
        assert_allclose(z.data, expected, rtol=1e-15)
    for z, expected in ((a < t, a < LIST), (a >= t, a >= LIST), (a == t, a == LIST), (a != t, a != LIST)):
        assert type(z) is mg.Tensor
        assert_array_equal(z.data, expected)


@pytest.mark.parametrize("scalar", [np.float64(2), np.float32(2), np.int64(2), np.array(2.0)])
def test_a_numpy_scalar_on_the_left_gives_a_tensor(scalar):
    t = mg.Tensor(LIST, requires_grad=True)
    assert type(scalar * t) is mg.Tensor
    assert_array_equal((scalar * t).data, 2 * LIST)


def test_adding_a_tensor_into_an_array_is_refused_with_the_way_out():
    a = np.zeros(3)
    with pytest.raises(TypeError, match=r"np.add: out=.*x = x \+ t"):
        a += mg.Tensor(LIST, requires_grad=True)
    with pytest.raises(TypeError, match="detach"):
        a[:] = mg.Tensor(LIST, requires_grad=True)
    assert_array_equal(a, 0)
    a[:] = mg.Tensor(LIST)
    assert_array_equal(a, LIST)


# refusals


@together
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (np.i0, "np.i0: has no derivative rule"),
        (np.ediff1d, "np.ediff1d: has no derivative rule"),
        (np.fft.fft, "np.fft.fft: has no derivative rule"),
        (lambda t: np.divmod(t, 2), "np.divmod: has no derivative rule"),
        (lambda t: np.exp(t, where=ONE > 0), "np.exp: does not take where="),
        (lambda t: np.exp(t, out=np.empty((2, 3))), "np.exp: out="),
        (lambda t: np.exp(t, dtype="f4"), "np.exp: does not take dtype="),
        (lambda t: np.sum(t, out=np.empty(())), "np.sum: does not take out=.*cannot keep a gradient"),
        (lambda t: np.sum(t, where=ONE > 0), "np.sum: does not take where="),
        (lambda t: np.sum(t, initial=3.0), "np.sum: does not take initial="),
        (lambda t: np.sum(t, dtype="f4"), "np.sum: does not take dtype=.*astype"),
        (lambda t: np.reshape(t, (3, 2), order="F"), "np.reshape: does not take order="),
    ],
)
def test_what_would_lose_a_gradient_is_refused_by_name(call, message):
    with pytest.raises(TypeError, match=message):
        call(mg.Tensor(ONE, requires_grad=True))


def test_somebody_elses_array_type_decides_for_itself():
    class Other:
        def __array_function__(self, func, types, args, kwargs):
            return "other"

    assert np.concatenate([mg.Tensor(ONE), Other()]) == "other"


def test_questions_without_gradient_are_answered():
    t = mg.Tensor(ONE, requires_grad=True)
    assert np.shape(t) == (2, 3)
    assert np.ndim(t) == 2
    assert np.size(t) == 6
    assert np.allclose(t, ONE)
    assert np.array_equal(t, ONE)
    assert np.result_type(t, np.float32) == np.float64
    assert type(np.ones_like(t)) is mg.Tensor
    assert type(np.full_like(t, 7.0)) is mg.Tensor
    assert type(np.isnan(t)) is mg.Tensor
    assert not np.signbit(t[0, 0])


def test_a_users_own_primitive_serves_the_function_it_names():
    with pytest.raises(TypeError, match=r"np\.i0"):
        np.i0(mg.Tensor(ONE))

    @primitive("I₀({x})", domain=(), numpy=("i0",))
    def my_i0(xp, out, x):
        return xp.asarray(xp.i0(x))

    try:
        assert_array_equal(np.i0(mg.Tensor(ONE)).data, np.i0(ONE))
    finally:
        del registry["my_i0"]


def test_every_alias_names_a_numpy_function():
    for op in registry.values():
        for alias in op.numpy:
            assert list(protocols._numpy_functions(alias, op)), f"{op.name}: NumPy has no {alias}"


def test_derivatives_of_code_written_for_numpy():
    def f(x):
        return np.sum(np.where(x > 0, np.sqrt(np.abs(x)), np.exp(x) * np.tanh(x)) / np.maximum(x, -0.25))

    g = mg.grad(f)(ONE)
    h = 1e-6
    for i in np.ndindex(ONE.shape):
        step = np.zeros_like(ONE)
        step[i] = h
        assert_allclose(g[i], (f(ONE + step) - f(ONE - step)) / (2 * h), rtol=1e-7)


# conversion


def test_conversion_to_an_array_needs_nothing_to_lose():
    with pytest.raises(TypeError, match="detach"):
        np.asarray(mg.Tensor(ONE, requires_grad=True))
    with pytest.raises(TypeError, match="detach"):
        np.array([mg.Tensor(LIST, requires_grad=True)] * 2)
    t = mg.Tensor(ONE)
    assert np.asarray(t) is t.data
    assert np.array(t) is not t.data
    assert np.asarray(t, dtype="f4").dtype == np.float32
    with pytest.raises(ValueError, match="copy"):
        np.asarray(t, dtype="f4", copy=False)
    assert_array_equal(np.array([t, t]), [ONE, ONE])


def test_dlpack_shares_memory_both_ways():
    t = mg.Tensor(ONE.copy())
    there = np.from_dlpack(t)
    assert np.shares_memory(there, t.data)
    back = mg.from_dlpack(t.data)
    assert type(back) is mg.Tensor
    assert np.shares_memory(back.data, t.data)


def frozen(array):
    array.flags.writeable = False
    return array


def misaligned():
    return np.frombuffer(bytearray(8 * 6 + 1), dtype=np.float64, offset=1, count=6).reshape(2, 3)


LAYOUTS = {
    "transposed": lambda: np.arange(6.0).reshape(2, 3).T,
    "reversed": lambda: np.arange(6.0)[::-1],
    "strided": lambda: np.arange(24.0).reshape(4, 6)[::2, 1::2],
    "repeated": lambda: np.broadcast_to(np.arange(3.0), (2, 3)),
    "read-only": lambda: frozen(np.arange(3.0)),
    "misaligned": misaligned,
    "big-endian": lambda: np.arange(3.0).astype(">f8"),
    "one element backwards": lambda: np.arange(4.0).reshape(4, 1)[:, ::-1],
    "empty and strided": lambda: np.zeros((4, 6))[::-2, 6::2],
    "0-d": lambda: frozen(np.array(2.0)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_dlpack_exports_plain_writable_memory_whatever_the_layout(layout):
    array = LAYOUTS[layout]()
    before = array.copy()
    there = np.from_dlpack(mg.Tensor(array))
    assert_array_equal(there, before)
    assert there.flags.c_contiguous
    assert all(stride >= 0 for stride in there.strides)
    assert there.flags.aligned
    assert there.flags.writeable
    assert there.dtype.isnative
    there[...] = 7.0
    if layout != "one element backwards":  # that one can be shared under other strides
        assert_array_equal(array, before)  # a copy was exported


def test_dlpack_without_a_copy_is_refused_where_one_is_needed():
    with pytest.raises(BufferError, match=r"^DLPack: copy=False, and this \(3, 2\) array"):
        mg.Tensor(LAYOUTS["transposed"]()).__dlpack__(copy=False)
    t = mg.Tensor(ONE.copy())
    assert np.shares_memory(np.from_dlpack(t, copy=False), t.data)
    assert not np.shares_memory(np.from_dlpack(t, copy=True), t.data)


def test_dlpack_of_a_tensor_that_requires_a_gradient_is_refused():
    with pytest.raises(BufferError, match="detach"):
        np.from_dlpack(mg.Tensor(ONE, requires_grad=True))


def test_dlpack_goes_to_torch_and_back():
    torch = pytest.importorskip("torch")
    t = mg.Tensor(ONE.copy())
    there = torch.from_dlpack(t)
    there[0, 0] = 9.0
    assert t[0, 0].item() == 9.0
    back = mg.from_dlpack(torch.arange(3.0))
    assert back.dtype == np.float32
    assert_array_equal(back.data, [0.0, 1.0, 2.0])


def test_full_like_carries_the_gradient_of_the_fill():
    x = mg.Tensor([2.0, 3.0], requires_grad=True)
    z = np.full_like(x, x[0])
    assert z.data.tolist() == [2.0, 2.0]
    z.sum().backward()
    assert x.grad.data.tolist() == [2.0, 0.0]
    assert np.full_like(x, 7, shape=(3,), dtype=np.float32).dtype == np.float32
    compiled = mg.compile(lambda x: (np.full_like(x, x[0]) * x).sum())
    assert [compiled(np.array([2.0, k])).item() for k in (3.0, 4.0)] == [10.0, 12.0]


def test_cross_takes_the_axes_that_numpy_takes():
    a, b = np.random.default_rng(0).standard_normal((2, 3, 4))
    b = b.T
    t, u = mg.Tensor(a, requires_grad=True), mg.Tensor(b, requires_grad=True)
    for axes in ({"axisa": 0, "axisb": 1, "axisc": 0}, {"axisa": 0, "axisb": -1}):
        z = np.cross(t, u, **axes)
        assert_allclose(z.data, np.cross(a, b, **axes))
        mg.gradcheck(lambda t, u, axes=axes: np.cross(t, u, **axes), t, u)
    assert_allclose(np.cross(t, t, axis=0).data, 0, atol=1e-15)
    assert_allclose(np.cross(u, u + 1, axis=None).data, np.cross(b, b + 1))


def test_einsum_takes_numbers_for_letters():
    a, b = np.random.default_rng(0).standard_normal((2, 3, 3))
    t = mg.Tensor(a, requires_grad=True)
    assert_allclose(np.einsum(t, [0, 1], b, [1, 2], [0, 2]).data, a @ b)
    assert_allclose(np.einsum(t, [0, 0]).data, np.trace(a))
    assert_allclose(np.einsum(t, [..., 0], b, [0, 1], [..., 1]).data, a @ b)
    assert_allclose(mg.einsum(a, [0, 1], b, [1, 2], [0, 2]), a @ b)
    with pytest.raises(TypeError, match=r"einsum: give subscripts such as 'ij,jk->ik' first"):
        mg.einsum(t, t)


class Labelled:
    """Numbers with a label, whose arithmetic keeps it: what xarray and others are."""

    def __init__(self, values, label):
        self.values, self.label = values, label

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method != "__call__" or kwargs:
            return NotImplemented
        return Labelled(ufunc(*(x.values if isinstance(x, Labelled) else x for x in inputs)), self.label)

    def __mul__(self, other):
        return np.multiply(self, other)

    def __rmul__(self, other):
        return np.multiply(other, self)


class Closed:
    """Numbers that leave arithmetic with other types to those."""

    def __array__(self, dtype=None, copy=None):
        return np.array([3.0, 4.0])

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return NotImplemented


class Converting(Closed):
    """Numbers whose arithmetic makes arrays of the others: what pandas is."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return ufunc(*map(np.asarray, inputs))


@pytest.mark.parametrize(
    "product",
    [
        lambda x, d: x * d,
        lambda x, d: d * x,
        lambda x, d: x * (d * x) * 1,
        np.multiply,
        lambda x, d: x - d,
    ],
)
def test_a_type_with_arithmetic_of_its_own_keeps_its_labels_and_the_gradient(product):
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    z = product(x, Labelled(np.array([3.0, 4.0]), "metres"))
    assert isinstance(z, Labelled)
    assert z.label == "metres"
    assert z.values.requires_grad
    assert_array_equal(z.values.data, product(np.array([1.0, 2.0]), np.array([3.0, 4.0])))


@pytest.mark.parametrize("kind", [Closed, Converting])
def test_a_type_that_cannot_carry_the_gradient_is_an_array_of_numbers(kind):
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    (x * kind()).sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]
    assert (x @ kind()).item() == 11.0


class TestWritesIntoArrays:
    def test_the_step_of_micrograd_works(self):
        w = mg.Tensor([1.0, 2.0], requires_grad=True)
        (w * w).sum().backward()
        memory = w.data
        w.data -= 0.1 * w.grad
        assert w.data is memory
        assert_array_equal(w.data, [1.0 - 0.1 * 2.0, 2.0 - 0.1 * 4.0])

    @pytest.mark.parametrize(
        "write",
        [
            lambda a, t: np.subtract(a, t, out=a),
            lambda a, t: np.exp(t, out=a),
            lambda a, t: np.sum(t[None], axis=0, out=a),
            lambda a, t: np.add.at(a, [0, 0], t),
            np.copyto,
            lambda a, t: np.putmask(a, [True, False], t),
            lambda a, t: np.put(a, [0, 1], t),
        ],
    )
    def test_a_tensor_without_a_gradient_is_written_and_backward_knows(self, write):
        w, t = mg.Tensor([1.0, 2.0], requires_grad=True), mg.Tensor([3.0, 5.0])
        wanted = w.data.copy()
        write(wanted, t.data)
        z = (w * w).sum()
        write(w.data, t)
        assert_array_equal(w.data, wanted)
        with pytest.raises(RuntimeError, match="changed in place"):
            z.backward()

    def test_a_gradient_is_not_lost_that_way(self):
        w = mg.Tensor([1.0, 2.0], requires_grad=True)
        for write in (lambda: np.subtract(ONE[0, :2], w, out=np.ones(2)), lambda: np.copyto(np.ones(2), w)):
            with pytest.raises(TypeError, match=r"t.detach\(\).numpy\(\)"):
                write()
        with mg.no_grad():
            assert_array_equal(np.multiply(w, 2, out=np.ones(2)), [2.0, 4.0])


class TestTypesThatComeFirst:
    """NumPy's arrays leave an operator to a right operand that says ``__array_ufunc__ = None``, and so do tensors."""

    class Unit:
        __array_ufunc__ = None

        def answer(self, other):
            return "mine", type(other).__name__

        __rmul__ = __rmatmul__ = __radd__ = __rpow__ = __rfloordiv__ = __gt__ = __le__ = answer

    @pytest.mark.parametrize(
        "operator",
        [
            lambda t, unit: t * unit,
            lambda t, unit: t @ unit,
            lambda t, unit: t + unit,
            lambda t, unit: t**unit,
            lambda t, unit: t // unit,
            lambda t, unit: t < unit,
            lambda t, unit: t >= unit,
        ],
    )
    def test_they_answer(self, operator):
        assert operator(mg.Tensor([1.0, 2.0]), self.Unit()) == ("mine", "Tensor")
        assert operator(np.ones(2), self.Unit()) == ("mine", "ndarray")

    def test_what_they_do_not_answer_is_our_error(self):
        with pytest.raises(TypeError, match="subtract: needs numbers or booleans, found Unit"):
            mg.Tensor([1.0]) - self.Unit()


class TestMaskedArrays:
    MASKED = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])

    @pytest.mark.parametrize(
        "take",
        [
            mg.Tensor,
            mg.sin,
            mg.constant,
            lambda m: mg.Tensor([1.0, 2.0, 3.0]) * m,
            lambda m: np.multiply(m, mg.Tensor([1.0, 2.0, 3.0])),
            lambda m: mg.stack([m, m]),
            lambda m: mg.nn.functional.mse_loss(mg.Tensor([1.0, 2.0, 3.0]), m),
            mg.data.TensorDataset,
            lambda m: mg.data.collate([m, m]),
            lambda m: mg.training.r2_score([1.0, 2.0, 3.0], m),
        ],
    )
    def test_no_mask_is_lost_in_silence(self, take):
        with pytest.raises(TypeError, match=r"masked array, and 1 of its 3 elements .* x.filled\(0.0\)"):
            take(self.MASKED)

    def test_one_without_masked_elements_is_an_array(self):
        assert mg.Tensor(np.ma.array([1.0, 2.0])).tolist() == [1.0, 2.0]


SCIPYS = """
special.erfc(t)|scipy.special.erfc: has no derivative rule for tensors. Write mg.special.erfc(t)
special.gamma(t)|scipy.special.gamma: has no derivative rule for tensors. Write it in functions that have one
special.logsumexp(t)|scipy.special.logsumexp: works on arrays, .* Write mg.logsumexp(t, axis)
spatial.distance.cdist(t, t)|scipy.spatial.distance.cdist: works on arrays, .* Write mg.norm(a[:, None] - b
spatial.distance.pdist(t)|scipy.spatial.distance.pdist: .* Write mg.norm(a[i] - a[j]
linalg.cho_factor(t)|scipy.linalg.cho_factor: .* Write mg.linalg.cholesky(a)
linalg.solve_triangular(t, np.ones(3))|scipy.linalg.solve_triangular: .* Write mg.linalg.solve(a, b)
linalg.solve(t, np.ones(3))|scipy.linalg.solve: .* Write mg.linalg.solve(a, b)
linalg.expm(t)|scipy.linalg.expm: .* Write it in functions of NumPy or micrograd_np
integrate.odeint(lambda y, s: -y, t[0], [0, 1])|scipy.integrate.odeint: .* Write the steps as a loop
integrate.odeint(lambda y, s: -t[0] * y, np.ones(3), [0, 1])|scipy.integrate.odeint: .* Write the steps as a loop
integrate.solve_ivp(lambda s, y: -t[0] * y, (0, 1), np.ones(3))|scipy.integrate.solve_ivp: .* Write the steps as a loop
integrate.solve_ivp(lambda s, y: np.array([t[0, 0]]), (0, 1), np.ones(1))|the 0-d tensor requires .* mg.stack([t, u])
stats.norm.logpdf(t)|scipy.stats.rv_continuous.logpdf: .* Write it in functions
interpolate.interp1d([0, 1, 2], t[0])|scipy.interpolate.interp1d: .* Write it in functions
optimize.least_squares(lambda w: w - t[0], np.ones(3))|scipy.optimize.least_squares: .* pass jac=mg.jacobian(f)
"""


@together
@pytest.mark.parametrize("row", SCIPYS.strip().splitlines())
def test_a_function_of_scipys_says_what_to_write(row):
    pytest.importorskip("scipy", reason="SciPy is called here: pip install 'micrograd_np[examples]'")
    code, _, says = row.partition("|")
    parts = ["special", "spatial", "linalg", "integrate", "stats", "interpolate", "optimize"]
    namespace = {part: importlib.import_module(f"scipy.{part}") for part in parts}
    t = mg.Tensor(SQUARE, requires_grad=True)
    with pytest.raises(TypeError, match=re.escape(says).replace(r"\.\*", ".*")):
        eval(code, {"np": np, "t": t, **namespace})


@together
@pytest.mark.parametrize("name", sorted(scipy_names._SAME))
def test_a_function_of_scipys_of_one_meaning_takes_tensors(name):
    special = pytest.importorskip("scipy.special", reason="SciPy judges here: pip install 'micrograd_np[examples]'")
    theirs = getattr(special, name)
    arrays = [np.abs(ONE), TWO + 1][: theirs.nin]
    tensors = [mg.Tensor(x, requires_grad=True) for x in arrays]
    result = theirs(*tensors)
    assert_allclose(result.data, theirs(*arrays), rtol=1e-13)
    result.sum().backward()
    step = 1e-6
    for k, t in enumerate(tensors):
        high, low = ([x + (k == n) * d for n, x in enumerate(arrays)] for d in (step, -step))
        assert_allclose(t.grad.data, (theirs(*high) - theirs(*low)) / (2 * step), rtol=1e-7)
    assert theirs(mg.Tensor(ONE.astype("f4")), *tensors[1:]).dtype == (np.float32 if theirs.nin == 1 else np.float64)


@together
@pytest.mark.parametrize("hint", scipy_names._INSTEAD.values())
def test_what_is_named_for_a_function_of_scipys_exists(hint):
    for path in re.findall(r"\bmg((?:\.\w+)+)", hint):
        functools.reduce(getattr, path[1:].split("."), mg)


def test_filling_an_array_says_what_to_fill_instead():
    t = mg.Tensor(ONE, requires_grad=True)
    a = np.empty((2, 3))
    with pytest.raises(TypeError, match=r"a\[i\] = t: the tensor of shape \(3,\) requires .* a = mg.zeros\(shape\)"):
        a[0] = t[0]
    with pytest.raises(TypeError, match=r"a = mg.zeros\(shape\)"):
        a[:] = t
    with pytest.warns(UserWarning, match=r"a\[i\] = t: the 0-d tensor requires .* a = mg.zeros\(shape\)"):
        a[0, 0] = t[0, 0]
    assert a[0, 0] == ONE[0, 0]
    a[1] = t[1].detach()
    with mg.no_grad():
        a[0] = (t[0] * 1).detach()
    assert_array_equal(a, ONE)
    with pytest.raises(ValueError, match="setting an array element") as caught:
        mg.grad(lambda x: a.__setitem__((0, 0), x[0]))(np.ones(2))
    assert "write them into mg.zeros(shape) instead of an array" in str(caught.value.__cause__)


@pytest.mark.parametrize("made", [lambda v: mg.zeros(4, 2), lambda v: np.zeros_like(v, shape=(4, 2))])
def test_a_filled_tensor_carries_the_gradient(made):
    def filled(v):
        steps = made(v)
        steps[0] = v
        for i in range(3):
            steps[i + 1] = 1.1 * steps[i] + np.sin(steps[i])
        return steps[-1].sum()

    def collected(v):
        steps = [v]
        for _ in range(3):
            steps.append(1.1 * steps[-1] + np.sin(steps[-1]))
        return np.stack(steps)[-1].sum()

    v = mg.Tensor([1.0, 2.0])
    assert_allclose(mg.grad(filled)(v).data, mg.grad(collected)(v).data, rtol=1e-14)
