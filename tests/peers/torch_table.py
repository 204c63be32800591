"""What PyTorch calls each of our functions, and what both are given.

A row is a name of ours ("exp", "linalg.inv", "Tensor.clone"), PyTorch's callable, taking what ours takes, and calls:
inputs as arrays, settings by keyword. A primitive needs no calls: its declaration says what it can be given.
"""

from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np.check.samples import samples_for
from micrograd_np.core.primitive import Primitive

torch = pytest.importorskip("torch", reason="PyTorch judges here: pip install 'micrograd_np[bench]'")
TF = torch.nn.functional


@dataclass(frozen=True)
class Call:
    """Arrays and settings; floating arrays get gradients, except in settings named constant."""

    arrays: tuple[Any, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    constant: tuple[str, ...] = ()


@dataclass(frozen=True)
class Peer:
    """PyTorch's counterpart of one function of ours. `packed` when ours takes its arrays in one list."""

    theirs: Any
    calls: tuple[Call, ...] = ()
    packed: bool = False

    def calls_of(self, ours):
        """The calls written down, or those that a primitive's declaration asks for."""
        if self.calls:
            return self.calls
        assert isinstance(ours, Primitive), f"{ours.__name__} declares no domain: say in the table what to call it with"
        return tuple(Call(sample.inputs, sample.settings) for sample in samples_for(ours))


def call(*arrays, constant=(), **settings):
    return Call(arrays, settings, constant)


def peer(theirs, *calls, packed=False):
    return Peer(theirs, calls, packed)


def found(name):
    """Our function of that name."""
    return reduce(getattr, name.split("."), mg)


def drawn(*shape, seed=0, low=-2.0, high=2.0):
    """Numbers at random: smooth functions are judged there, their edges in docs/edges.md."""
    return np.random.default_rng(seed).uniform(low, high, shape)


def below(n, *shape):
    """Integers from 0 to n − 1."""
    return np.random.default_rng(1).integers(0, n, shape)


def signs(*shape):
    return np.where(below(2, *shape) == 1, 1, -1)


def dims(x, axis):
    """PyTorch's spelling of an axis that may be None, for all, or several."""
    return tuple(range(x.ndim)) if axis is None else axis


def folded(f):
    """A reduction that PyTorch has for one axis only, over several."""

    def over(x, axis, keepdims):
        axes = sorted({a % x.ndim for a in (range(x.ndim) if axis is None else np.atleast_1d(axis).tolist())})
        for a in reversed(axes):
            x = f(x, a, keepdims)
        return x

    return over


def lined(f):
    """Along all elements in one line where the axis is None."""
    return lambda x, axis: f(x.reshape(-1) if axis is None else x, 0 if axis is None else axis)


def padded(x, widths, mode="constant", constant_values=None):
    """PyTorch names the last axis first, and other modes than "constant" are for the last axes only."""
    if mode != "constant":
        widths = widths[-1:]
    flat = [w for pair in reversed(widths) for w in pair]
    return TF.pad(x, flat, {"wrap": "circular", "edge": "replicate"}.get(mode, mode), constant_values)


def bessel(name, scaled_name=""):
    """PyTorch's functions of Bessel, one for each order."""
    return lambda x, order, scaled=False: getattr(torch.special, f"{scaled_name if scaled else name}{order}")(x)


def of_number(f):
    """A function of two tensors, of which the first is a number."""
    return lambda a, x: f(torch.full((), a, dtype=x.dtype), x)


def places(d):
    """Where pools at random distances begin."""
    return {"_random_samples": drawn(2, 4, d, low=0, high=1), "constant": ("_random_samples",)}


def unpacked(f):
    """A function of one list, of several arrays."""
    return lambda *xs: f(xs)


SAME = [  # primitives that have neither settings nor another name there; what they are given, they declare
    name
    for name in mg.__all__
    if isinstance(op := getattr(mg, name), Primitive) and not op.statics and hasattr(torch, name)
]
SPECIAL = ("digamma", "erfcx", "erfinv", "gammaln", "log_ndtr", "ndtri")
ACTIVATIONS = (
    "celu mish selu silu softplus softsign relu6 hardsigmoid hardswish tanhshrink logsigmoid glu hardshrink softshrink"
)
X, Y = drawn(3, 6), drawn(3, 6, seed=1)
V, W = drawn(6), drawn(6, seed=1)
GAPS = np.concatenate([drawn(3, 3), np.full((3, 1), np.nan), np.full((3, 1), np.inf), np.full((3, 1), -np.inf)], 1)
CUBE = drawn(2, 3, 4)
P, Q = drawn(4, 5, low=0.1, high=0.9), drawn(4, 5, seed=1, low=0.1, high=0.9)
LOGITS, OTHERS, THIRDS = drawn(4, 5), drawn(4, 5, seed=1), drawn(4, 5, seed=2)
WEIGHTS, WEIGHT, RUNNING = drawn(5, low=0.5, high=1.5), ("weight",), ("running_mean", "running_var")
REGULAR = drawn(2, 4, 4, low=-1, high=1) + 3 * np.eye(4)
DEFINITE = REGULAR @ np.swapaxes(REGULAR, 1, 2)
TABLE, BAGS = drawn(7, 3), ("mean", "sum", "max")
SEVERAL = np.array([[3, 0, -1, 1, 1], [-1] * 5, [0, 1, 2, 3, 4], [2, 2, -1, 4, 0]])  # labels, up to −1
IMAGE, SIGNAL, VOLUME = drawn(2, 4, 7, 6), drawn(2, 4, 9), drawn(2, 4, 5, 6, 4)

PEERS = {
    **{name: Peer(getattr(torch, name)) for name in SAME},
    "power": peer(torch.pow),
    "ndtr": peer(torch.special.ndtr),
    # special functions; PyTorch has values only of those of Bessel but I
    **{f"special.{name}": peer(getattr(torch.special, name)) for name in SPECIAL},
    **{f"special.{name}": Peer(getattr(torch, name)) for name in ("erf", "xlogy")},
    "special.ndtr": peer(torch.special.ndtr),
    "special.erfc": peer(torch.special.erfc, call(X)),
    "special.polygamma": peer(torch.polygamma, *(call(n, 3 * P) for n in (0, 1, 3))),
    "special.multigammaln": peer(torch.special.multigammaln, call(2 + P, 3), call(P, 1)),
    "special.zeta": peer(torch.special.zeta, call(2.5, P), call(4.0, 3 * P)),
    "special.gammainc": peer(of_number(torch.special.gammainc), call(1.5, P), call(0.5, 4 * P)),
    "special.gammaincc": peer(of_number(torch.special.gammaincc), call(1.5, P), call(0.5, 4 * P)),
    "special.bessel_j": peer(bessel("bessel_j"), call(X, order=0), call(X, order=1)),
    "special.bessel_y": peer(bessel("bessel_y"), call(P, order=0), call(P, order=1)),
    "special.bessel_k": peer(
        bessel("modified_bessel_k", "scaled_modified_bessel_k"),
        *(call(P, order=n, scaled=s) for n in (0, 1) for s in (False, True)),
    ),
    "special.bessel_i": peer(
        lambda x, order, scaled=False: getattr(torch.special, f"i{order}{'e' * scaled}")(x),
        *(call(X, order=n, scaled=s) for n in (0, 1) for s in (False, True)),
    ),
    "floor_divide": peer(lambda x, y: torch.floor_divide(x.detach(), y.detach())),  # it has no rule, even of zeros
    "invert": peer(torch.bitwise_not),
    "degrees": peer(torch.rad2deg, call(X)),
    "radians": peer(torch.deg2rad, call(X)),
    "nan_to_num": peer(torch.nan_to_num, call(GAPS), call(GAPS, nan=1.5, posinf=2.0, neginf=-3.0)),
    "diff": peer(lambda x, n=1, axis=-1: torch.diff(x, n, axis), call(X), call(CUBE, n=2, axis=1)),
    "equal": peer(torch.eq),
    "not_equal": peer(torch.ne),
    "round": peer(lambda x, decimals: torch.round(x, decimals=decimals)),
    "clip": peer(torch.clip, call(X, min=-0.5, max=1.0), call(X, min=0.0), call(X, drawn(6) - 1, drawn(3, 1) + 2)),
    "clamp": peer(torch.clamp, call(X, min=-0.5, max=1.0), call(X, drawn(6) - 1, drawn(3, 1) + 2)),
    "masked_fill": peer(lambda x, mask, value: x.masked_fill(torch.tensor(mask), value), call(X, X > 0, value=2.5)),
    # reductions
    "sum": peer(lambda x, axis, keepdims: x.sum(axis, keepdims)),
    "mean": peer(lambda x, axis, keepdims: x.mean(axis, keepdims)),
    "prod": peer(folded(lambda x, a, k: x.prod(a, k))),
    "max": peer(lambda x, axis, keepdims: torch.amax(x, dims(x, axis), keepdims)),
    "min": peer(lambda x, axis, keepdims: torch.amin(x, dims(x, axis), keepdims)),
    "var": peer(lambda x, axis, ddof, keepdims: torch.var(x, axis, correction=ddof, keepdim=keepdims)),
    "std": peer(lambda x, axis, ddof, keepdims: torch.std(x, axis, correction=ddof, keepdim=keepdims)),
    "norm": peer(
        lambda x, axis=None, keepdims=False, **s: torch.linalg.vector_norm(x, **s, dim=axis, keepdim=keepdims),
        *(
            call(X, ord=p, axis=a, keepdims=k)
            for p in (1, 2, 3.5, np.inf, -np.inf)
            for a, k in ((None, False), (1, True))
        ),
        call(X),
    ),
    "logsumexp": peer(lambda x, axis, keepdims: torch.logsumexp(x, dims(x, axis), keepdims)),
    "cumsum": peer(lined(torch.cumsum)),
    "cumprod": peer(lined(torch.cumprod)),
    "any": peer(folded(torch.any)),
    "all": peer(folded(torch.all)),
    "argmax": peer(torch.argmax),
    "argmin": peer(torch.argmin),
    "softmax": peer(lambda x, axis: lined(torch.softmax)(x, axis).reshape(x.shape)),
    "log_softmax": peer(lambda x, axis: lined(torch.log_softmax)(x, axis).reshape(x.shape)),
    "quantile": peer(
        lambda x, q, axis=None, keepdims=False: torch.quantile(x, torch.tensor(q, dtype=x.dtype), axis, keepdims),
        call(X, 0.3),
        call(X, [0.0, 0.5, 1.0], axis=1, keepdims=True),
    ),
    "median": peer(
        lambda x, axis=None: torch.quantile(x, 0.5, axis), call(X), call(X[:, :5], axis=1), call(drawn(7), axis=0)
    ),
    "nansum": peer(lambda x, axis=None: torch.nansum(x, axis), call(GAPS[:, :4]), call(GAPS[:, :4], axis=0)),
    "nanmean": peer(lambda x, axis=None: torch.nanmean(x, axis), call(GAPS[:, :4]), call(GAPS[:, :4], axis=1)),
    # products
    "vdot": peer(torch.vdot, call(V, W)),
    "vecdot": peer(lambda x, y, axis=-1: torch.linalg.vecdot(x, y, dim=axis), call(X, Y), call(X, Y, axis=0)),
    "matvec": peer(lambda x, y: (x @ y[..., None])[..., 0], call(CUBE, drawn(4))),
    "vecmat": peer(lambda x, y: (x[..., None, :] @ y)[..., 0, :], call(drawn(2, 3), CUBE)),
    "kron": peer(torch.kron, call(X, CUBE)),
    "cross": peer(
        lambda x, y, axis=-1: torch.linalg.cross(x, y, dim=axis), call(X, Y, axis=0), call(X[:, :3], Y[:, 3:])
    ),
    "linalg.norm": peer(
        lambda x, axis=None, **s: torch.linalg.norm(x, **s, dim=axis),
        *(call(CUBE, ord=p, axis=(0, 2)) for p in ("fro", 1, -1, np.inf, -np.inf)),
        call(X, ord=1),
        call(V, ord=3),
        call(CUBE),
    ),
    "linalg.vector_norm": peer(lambda x, axis=None: torch.linalg.vector_norm(x, dim=axis), call(CUBE), call(X, axis=1)),
    "linalg.matrix_norm": peer(torch.linalg.matrix_norm, call(CUBE), call(CUBE, ord=1)),
    "linalg.matrix_power": peer(torch.linalg.matrix_power, *(call(REGULAR, n) for n in (0, 1, 5, -2))),
    "linalg.multi_dot": peer(lambda *xs: torch.linalg.multi_dot(xs), call(X, Y.T, X, V), packed=True),
    "dot": peer(torch.matmul, call(V, W), call(X, V), call(X, Y.T)),
    "inner": peer(torch.inner, call(V, W), call(CUBE, drawn(5, 4)), call(np.array(2.0), V)),
    "outer": peer(torch.outer, call(V, drawn(4))),
    "tensordot": peer(
        lambda a, b, axes=2: torch.tensordot(a, b, dims=axes),
        call(CUBE, drawn(3, 4, 5)),
        call(CUBE, drawn(4, 5), axes=1),
        call(CUBE, drawn(4, 2), axes=([2, 0], [0, 1])),
    ),
    "einsum": peer(
        torch.einsum,
        *(
            call(spelt, *arrays)
            for spelt, *arrays in (
                ("ij,kj->ik", X, Y),
                ("ii", X[:, :3]),
                ("ii->i", X[:, :3]),
                ("ijk->k", CUBE),
                ("...j,...j->...", X, V),
                ("i,j", V, W),
                ("bij,bjk,k->bi", CUBE, drawn(2, 4, 5), drawn(5)),
            )
        ),
    ),
    "trace": peer(torch.trace, call(X)),
    "diag": peer(lambda x, k=0: torch.diag(x, k), call(X), call(X, k=2), call(V), call(V, k=-1)),
    "diagonal": peer(
        lambda x, offset=0, axis1=0, axis2=1: torch.diagonal(x, offset, axis1, axis2),
        call(X),
        call(CUBE, offset=1, axis1=2, axis2=0),
    ),
    "linalg.eigvalsh": peer(lambda x: torch.linalg.eigvalsh((x + x.mT) / 2), call(REGULAR)),
    "linalg.svdvals": peer(torch.linalg.svdvals, call(REGULAR[:, :3]), call(REGULAR[..., :3])),
    "linalg.qr": peer(torch.linalg.qr, call(REGULAR), call(REGULAR[:, :3]), call(REGULAR[..., :3])),
    "linalg.pinv": peer(torch.linalg.pinv, call(REGULAR), call(REGULAR[:, :3])),
    "linalg.inv": peer(torch.linalg.inv, call(REGULAR)),
    "linalg.det": peer(torch.linalg.det, call(REGULAR)),
    "linalg.slogdet": peer(lambda x: tuple(torch.linalg.slogdet(x)), call(REGULAR), call(-REGULAR[0])),
    "linalg.solve": peer(
        torch.linalg.solve, call(REGULAR, drawn(2, 4, 3)), call(REGULAR[0], drawn(4)), call(REGULAR, drawn(4, 2))
    ),
    "linalg.cholesky": peer(torch.linalg.cholesky, call(DEFINITE)),
    # shapes
    "reshape": peer(torch.reshape),
    "ravel": peer(torch.ravel, call(CUBE), call(np.array(1.0))),
    "flatten": peer(torch.flatten, call(CUBE), call(CUBE, start_dim=1), call(CUBE, start_dim=0, end_dim=-2)),
    "transpose": peer(
        lambda x, axes=None: torch.permute(x, axes or tuple(range(x.ndim))[::-1]),
        call(CUBE),
        call(CUBE, axes=(2, 0, 1)),
    ),
    "swapaxes": peer(torch.swapaxes, call(CUBE, 0, -1)),
    "moveaxis": peer(torch.moveaxis, call(CUBE, 0, -1), call(CUBE, (0, 1), (-1, 0))),
    "squeeze": peer(
        lambda x, axis=None: torch.squeeze(x) if axis is None else torch.squeeze(x, axis),
        call(drawn(1, 3, 1)),
        call(drawn(1, 3, 1), axis=0),
    ),
    "expand_dims": peer(torch.unsqueeze, call(X, 1), call(X, -1)),
    "broadcast_to": peer(lambda x, shape: x.expand(shape)),
    "concatenate": peer(
        lambda *xs, axis=0: torch.concatenate(xs, axis), call(X, drawn(2, 6)), call(X, drawn(3, 1), axis=1), packed=True
    ),
    "stack": peer(lambda *xs, axis=0: torch.stack(xs, axis), call(X, Y), call(X, Y, axis=-1), packed=True),
    "split": peer(
        lambda x, parts, axis=0: torch.tensor_split(x, parts, axis), call(X, 3, axis=1), call(X, (1, 4), axis=1)
    ),
    "tile": peer(torch.tile, call(X, (2, 1, 3)), call(CUBE, (2,))),
    "repeat": peer(
        lambda x, repeats, axis=None: torch.repeat_interleave(x, torch.as_tensor(repeats), axis),
        call(X, 2),
        call(X, repeats=3, axis=1),
        call(X, repeats=(1, 0, 2), axis=0),
    ),
    "cat": peer(lambda *xs, axis=0: torch.cat(xs, axis), call(X, drawn(2, 6)), call(X, Y, axis=1), packed=True),
    "chunk": peer(torch.chunk, call(V, 4), call(X, 4, 1), call(X, 1), call(X, 9)),
    "expand": peer(torch.Tensor.expand, call(X, 2, -1, 6), call(drawn(3, 1), (3, 4))),
    "permute": peer(torch.Tensor.permute, call(CUBE, 2, 0, 1), call(CUBE, (0, 2, 1)), call(X, 0, 1)),
    "unsqueeze": peer(torch.unsqueeze, call(X, 1), call(X, -1)),
    "flip": peer(
        lambda x, axis=None: torch.flip(x, tuple(np.atleast_1d(range(x.ndim) if axis is None else axis).tolist())),
        call(X),
        call(X, axis=1),
        call(CUBE, axis=(0, 2)),
    ),
    "roll": peer(
        lambda x, shift, axis=None: torch.roll(x, shift, axis),
        call(X, 2),
        call(X, (1, -2), axis=(0, 1)),
        call(X, 7, axis=1),
    ),
    "pad": peer(
        padded,
        call(CUBE, ((0, 0), (0, 0), (1, 2))),
        call(CUBE, ((1, 0), (2, 1), (0, 3)), constant_values=1.5),
        *(call(CUBE, ((0, 0), (0, 0), (2, 1)), mode=mode) for mode in ("reflect", "edge", "wrap")),
    ),
    "tril": peer(lambda x, k=0: torch.tril(x, k), *(call(CUBE, k=k) for k in (0, 1, -1))),
    "triu": peer(lambda x, k=0: torch.triu(x, k), *(call(CUBE, k=k) for k in (0, 1, -1))),
    "atleast_1d": peer(torch.atleast_1d, call(X), call(np.array(2.0))),
    "atleast_2d": peer(torch.atleast_2d, call(V), call(CUBE)),
    "atleast_3d": peer(torch.atleast_3d, call(V), call(X), call(np.array(2.0))),
    **{
        name: peer(unpacked(getattr(torch, name)), call(X, Y), call(V, W), packed=True)
        for name in ("vstack", "hstack", "dstack", "column_stack")
    },
    "array_split": peer(lambda x, n, axis=0: torch.tensor_split(x, n, axis), call(V, 4), call(X, [1, 2], axis=1)),
    "hsplit": peer(torch.hsplit, call(X, 3)),
    "vsplit": peer(torch.vsplit, call(X, 3)),
    "dsplit": peer(torch.dsplit, call(CUBE, 2)),
    "unstack": peer(lambda x, axis=0: torch.unbind(x, axis), call(CUBE), call(CUBE, axis=-1)),
    "fliplr": peer(torch.fliplr, call(X)),
    "flipud": peer(torch.flipud, call(X)),
    "rot90": peer(
        lambda x, k=1, axes=(0, 1): torch.rot90(x, k, axes), *(call(CUBE, k=k, axes=(2, 0)) for k in (1, 2, 3, 0))
    ),
    "broadcast_arrays": peer(torch.broadcast_tensors, call(X, V, drawn(2, 1, 1))),
    "meshgrid": peer(torch.meshgrid, *(call(V, drawn(3), drawn(2), indexing=i) for i in ("ij", "xy"))),
    # picking
    "take": peer(
        lambda x, at, axis=None: torch.take(x, at) if axis is None else torch.index_select(x, axis, at),
        call(X, below(18, 2, 3)),
        call(X, np.array([2, 0, 2, 1]), axis=0),
        call(X, np.array([5, 5]), axis=1),
    ),
    "take_along_axis": peer(torch.take_along_dim),
    "gather": peer(torch.gather, call(X, 1, below(6, 3, 4)), call(CUBE, -2, below(3, 1, 5, 2))),
    "index_select": peer(torch.index_select, call(X, 1, below(6, 4))),
    "scatter": peer(
        torch.scatter, call(X, 1, np.array([[2, 0], [1, 5]]), drawn(2, 2, seed=2)), call(X, 0, below(3, 1, 6), 1.5)
    ),
    "scatter_add": peer(
        torch.scatter_add,
        call(X, 1, below(6, 3, 4), drawn(3, 4, seed=2)),
        call(CUBE, 0, below(2, 3, 2, 4), drawn(3, 2, 4)),
    ),
    "index_add": peer(
        torch.index_add,
        call(X, 0, np.array([2, 0, 2]), drawn(3, 6, seed=2)),
        call(X, 1, below(6, 4), drawn(3, 4), alpha=-2),
    ),
    "sort": peer(lambda x, axis=-1: torch.sort(x, axis).values, call(X), call(X, axis=0)),
    "argsort": peer(lambda x, axis, descending: torch.argsort(x, dim=axis, descending=descending, stable=True)),
    "topk": peer(
        lambda x, k, axis=-1, largest=True: tuple(torch.topk(x, k, axis, largest)),
        call(X, 2),
        call(X, k=3, axis=0, largest=False),
    ),
    "functional.one_hot": peer(TF.one_hot, call(below(5, 3, 2), num_classes=5), call(np.array([0, 2, 1]))),
    "Tensor.__getitem__": peer(
        torch.Tensor.__getitem__,
        *(
            call(CUBE, index)
            for index in (
                1,
                (..., 0),
                (slice(None), slice(None, None, 2)),
                (None, slice(1), 2),
                ([1, 0, 1],),
                (slice(None), [0, 2], [3, 3]),
            )
        ),
        call(CUBE, CUBE > 0),
        call(CUBE, below(2, 5)),
    ),
    "Tensor.clone": peer(torch.clone, call(X)),
    # activations
    **{f"functional.{name}": peer(getattr(TF, name), call(X), call(CUBE)) for name in (ACTIVATIONS.split())},
    "functional.threshold": peer(TF.threshold, call(X, 0.3, -2.0)),
    "functional.softmin": peer(TF.softmin, call(X, dim=1), call(CUBE, dim=0)),
    "functional.gelu": peer(TF.gelu, call(X), call(X, approximate="tanh")),
    "functional.elu": peer(TF.elu),
    "functional.leaky_relu": peer(TF.leaky_relu),
    "functional.hardtanh": peer(TF.hardtanh),
    "functional.prelu": peer(TF.prelu, call(X, np.array([0.3])), call(CUBE, drawn(3))),
    "functional.softmax": peer(TF.softmax, call(CUBE, dim=1)),
    "functional.log_softmax": peer(TF.log_softmax, call(CUBE, dim=0)),
    # layers
    "functional.linear": peer(TF.linear, call(X, drawn(4, 6)), call(X, drawn(4, 6), drawn(4))),
    "functional.bilinear": peer(TF.bilinear, call(drawn(5, 3), drawn(5, 4), drawn(2, 3, 4), drawn(2))),
    "functional.embedding": peer(
        TF.embedding, call(below(7, 2, 5), drawn(7, 3)), call(below(7, 9), drawn(7, 3), padding_idx=2)
    ),
    "functional.embedding_bag": peer(
        TF.embedding_bag,
        *(call(below(7, 4, 3), TABLE, mode=mode, padding_idx=p) for mode in BAGS for p in (None, 2)),
        *(
            call(
                below(7, 8), TABLE, np.array([0, 3, 3, 5, 8][:k]), mode=mode, include_last_offset=k == 5, padding_idx=p
            )
            for mode in BAGS
            for p in (None, 4)
            for k in (4, 5)
        ),
        call(below(7, 8), TABLE, np.array([0, 3]), mode="sum", per_sample_weights=drawn(8)),
        call(below(7, 8), TABLE, np.array([0, 3]), mode="sum", scale_grad_by_freq=True),
    ),
    "functional.scaled_dot_product_attention": peer(
        TF.scaled_dot_product_attention,
        call(drawn(2, 4, 3), drawn(2, 5, 3, seed=1), drawn(2, 5, 2, seed=2)),
        call(drawn(2, 4, 3), drawn(2, 4, 3, seed=1), drawn(2, 4, 2, seed=2), is_causal=True, scale=0.3),
        call(drawn(2, 4, 3), drawn(2, 5, 3, seed=1), drawn(2, 5, 2, seed=2), drawn(4, 5, seed=3)),
    ),
    "functional.layer_norm": peer(
        TF.layer_norm,
        call(CUBE, normalized_shape=(4,)),
        call(CUBE, normalized_shape=(3, 4), weight=drawn(3, 4), bias=drawn(3, 4)),
    ),
    "functional.rms_norm": peer(TF.rms_norm, call(CUBE, normalized_shape=(4,), weight=drawn(4), eps=1e-3)),
    "functional.group_norm": peer(TF.group_norm, call(IMAGE, num_groups=2, weight=drawn(4), bias=drawn(4))),
    "functional.batch_norm": peer(
        TF.batch_norm,
        call(IMAGE, running_mean=None, running_var=None, weight=drawn(4), bias=drawn(4), training=True),
        call(IMAGE, running_mean=drawn(4), running_var=WEIGHTS[:4], constant=RUNNING),
    ),
    "functional.instance_norm": peer(TF.instance_norm, call(IMAGE, weight=drawn(4), bias=drawn(4))),
    "functional.normalize": peer(TF.normalize, call(CUBE), call(X, p=3.0, dim=0)),
    # windows
    "functional.conv1d": peer(
        TF.conv1d,
        call(SIGNAL, drawn(6, 4, 3), drawn(6)),
        call(SIGNAL, drawn(6, 2, 3), stride=2, padding=2, dilation=2, groups=2),
        call(SIGNAL, drawn(6, 4, 4), padding="same"),
        call(SIGNAL[0], drawn(6, 4, 3), padding="valid"),
    ),
    "functional.conv2d": peer(
        TF.conv2d,
        call(IMAGE, drawn(6, 4, 3, 2), drawn(6)),
        call(IMAGE, drawn(6, 2, 3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2),
        call(IMAGE, drawn(4, 1, 3, 3), padding="same", groups=4),
    ),
    "functional.conv3d": peer(
        TF.conv3d,
        call(VOLUME, drawn(6, 4, 3, 2, 2), drawn(6)),
        call(VOLUME, drawn(6, 2, 2, 2, 1), stride=(2, 1, 1), padding=(1, 2, 0), dilation=(1, 2, 1), groups=2),
        call(VOLUME[0], drawn(4, 1, 3, 3, 2), padding="same", groups=4),
    ),
    "functional.conv_transpose1d": peer(
        TF.conv_transpose1d,
        call(SIGNAL, drawn(4, 3, 3), drawn(3)),
        call(SIGNAL, drawn(4, 3, 3), stride=2, padding=1, output_padding=1, groups=2, dilation=2),
    ),
    "functional.conv_transpose2d": peer(
        TF.conv_transpose2d,
        call(IMAGE, drawn(4, 3, 2, 3), drawn(3)),
        call(IMAGE, drawn(4, 3, 3, 3), stride=(2, 3), padding=(1, 0), output_padding=1, groups=2, dilation=2),
    ),
    "functional.conv_transpose3d": peer(
        TF.conv_transpose3d,
        call(VOLUME, drawn(4, 3, 2, 3, 1), drawn(3)),
        call(VOLUME, drawn(4, 3, 2, 2, 2), stride=(2, 3, 1), padding=1, output_padding=1, groups=2, dilation=2),
    ),
    "functional.unfold": peer(TF.unfold, call(IMAGE, kernel_size=(3, 2), dilation=(1, 2), padding=(0, 1), stride=2)),
    "functional.fold": peer(TF.fold, call(drawn(2, 12, 30), output_size=(4, 5), kernel_size=2, padding=1)),
    "functional.max_pool1d": peer(
        TF.max_pool1d, call(SIGNAL, 2), call(SIGNAL, 3, stride=2, padding=1, dilation=2, ceil_mode=True)
    ),
    "functional.max_pool2d": peer(
        TF.max_pool2d, call(IMAGE, 2), call(IMAGE, (3, 2), stride=2, padding=1, ceil_mode=True)
    ),
    "functional.max_pool3d": peer(
        TF.max_pool3d, call(VOLUME, 2), call(VOLUME, (3, 2, 1), stride=2, padding=(1, 1, 0), ceil_mode=True)
    ),
    "functional.avg_pool1d": peer(
        TF.avg_pool1d, call(SIGNAL, 2), call(SIGNAL, 3, stride=2, padding=1, count_include_pad=False)
    ),
    "functional.avg_pool2d": peer(
        TF.avg_pool2d,
        call(IMAGE, 2),
        call(IMAGE, (3, 2), stride=2, padding=1, ceil_mode=True),
        call(IMAGE, 3, divisor_override=5),
    ),
    "functional.avg_pool3d": peer(
        TF.avg_pool3d,
        call(VOLUME, 2),
        call(VOLUME, (3, 2, 1), stride=2, padding=(1, 1, 0), ceil_mode=True),
        call(VOLUME, 2, divisor_override=5),
    ),
    "functional.adaptive_avg_pool1d": peer(TF.adaptive_avg_pool1d, call(SIGNAL, 4), call(SIGNAL, 3)),
    "functional.adaptive_avg_pool2d": peer(TF.adaptive_avg_pool2d, call(IMAGE, (3, 4)), call(IMAGE, (None, 2))),
    "functional.adaptive_avg_pool3d": peer(TF.adaptive_avg_pool3d, call(VOLUME, (2, 4, 1)), call(VOLUME, (None, 2, 3))),
    "functional.max_unpool1d": peer(
        TF.max_unpool1d,
        call(drawn(2, 3, 4), np.array([[[0, 4, 6, 9]] * 3] * 2), 2, stride=3),
        call(drawn(1, 1, 2), np.array([[[3, 1]]]), 2, output_size=(5,)),
    ),
    "functional.max_unpool2d": peer(TF.max_unpool2d, call(drawn(3, 2, 2), np.array([[[0, 1], [3, 2]]] * 3), (2, 1))),
    "functional.max_unpool3d": peer(TF.max_unpool3d, call(drawn(1, 1, 2, 1, 2), np.array([[[[[3, 1]], [[2, 0]]]]]), 1)),
    "functional.rrelu": peer(TF.rrelu, call(X), call(X, 0.2, 0.4)),
    "functional.adaptive_max_pool1d": peer(
        TF.adaptive_max_pool1d, call(SIGNAL, 4), call(SIGNAL, 3, return_indices=True)
    ),
    "functional.adaptive_max_pool2d": peer(
        TF.adaptive_max_pool2d, call(IMAGE, (3, 4), return_indices=True), call(IMAGE, (None, 9))
    ),
    "functional.adaptive_max_pool3d": peer(
        TF.adaptive_max_pool3d, call(VOLUME, (2, 4, 1)), call(VOLUME[0], (None, 2, 3), return_indices=True)
    ),
    **{
        f"functional.fractional_max_pool{d}d": peer(
            getattr(TF, f"fractional_max_pool{d}d"),
            call(x, 2, (5 - d,) * d, return_indices=True, **places(d)),
            call(x, 2, output_ratio=(0.5,) * d, **places(d)),
        )
        for d, x in ((2, IMAGE), (3, VOLUME))
    },
    "functional.grid_sample": peer(
        TF.grid_sample,
        *(
            call(x, drawn(*shape, low=-1.4, high=1.4), mode=m, padding_mode=p, align_corners=a)
            for x, shape in ((IMAGE, (2, 3, 5, 2)), (VOLUME, (2, 2, 3, 4, 3)))
            for m in ("bilinear", "nearest", *("bicubic",) * (x is IMAGE))
            for p in ("zeros", "border", "reflection")
            for a in (False, True)
        ),
        call(IMAGE[:, :, :1, :1], drawn(2, 3, 1, 2), padding_mode="reflection", align_corners=True),
        call(IMAGE, drawn(2, 0, 3, 2), align_corners=False),
    ),
    "functional.affine_grid": peer(
        TF.affine_grid,
        *(call(drawn(2, 2, 3), (2, 1, 4, n), align_corners=a) for n in (1, 3) for a in (False, True)),
        call(drawn(2, 3, 4), (2, 1, 4, 2, 3), align_corners=False),
    ),
    "functional.lp_pool1d": peer(TF.lp_pool1d, call(SIGNAL, 2, 3), call(SIGNAL, 4.0, 2, 3, ceil_mode=True)),
    "functional.lp_pool2d": peer(TF.lp_pool2d, call(IMAGE, 2, 3), call(abs(IMAGE), 1.5, (2, 1), stride=2)),
    "functional.lp_pool3d": peer(TF.lp_pool3d, call(VOLUME, 2, 2), call(VOLUME[0], 2, (2, 1, 3), stride=1)),
    "functional.local_response_norm": peer(
        TF.local_response_norm, call(IMAGE, 2), call(SIGNAL, 3, alpha=2.0, beta=0.5, k=0.5), call(VOLUME, 9, alpha=1.0)
    ),
    "functional.pad": peer(
        TF.pad,
        *(call(IMAGE, (2, 1, 0, 3), mode=mode) for mode in ("constant", "reflect", "replicate", "circular")),
        *(call(IMAGE, (-2, 1, 1, -3), mode=mode) for mode in ("constant", "reflect", "replicate", "circular")),
        *(call(VOLUME, (1, 2, -1, 0, 2, 1), mode=mode) for mode in ("replicate", "circular", "reflect")),
        call(SIGNAL, (1, 0), "constant", 1.5),
        call(VOLUME, (0, 1) * 5),
    ),
    "functional.pixel_shuffle": peer(
        TF.pixel_shuffle, call(IMAGE, 2), call(drawn(9, 2, 3), 3), call(VOLUME[..., :1], 1)
    ),
    "functional.pixel_unshuffle": peer(TF.pixel_unshuffle, call(drawn(2, 3, 4, 6), 2), call(drawn(3, 6, 9), 3)),
    "functional.channel_shuffle": peer(TF.channel_shuffle, call(IMAGE, 2), call(drawn(2, 6, 3), 3)),
    "functional.interpolate": peer(
        TF.interpolate,
        call(IMAGE, scale_factor=2),
        call(IMAGE, size=(9, 4), mode="bilinear"),
        call(IMAGE, size=(9, 4), mode="bilinear", align_corners=True),
        call(SIGNAL, scale_factor=1.6, mode="linear"),
        *(call(IMAGE, size=size, mode=mode) for size in ((9, 4), (7, 13)) for mode in ("area", "nearest-exact")),
        *(call(x, scale_factor=1.3, mode="nearest-exact") for x in (SIGNAL, IMAGE, VOLUME)),
        *(call(x, scale_factor=f, mode="area") for x in (SIGNAL, IMAGE, VOLUME) for f in (0.6, 2)),
        *(call(VOLUME, size=(4, 9, 5), mode="trilinear", align_corners=c) for c in (None, True)),
        *(
            call(IMAGE, size=s, mode="bicubic", align_corners=c)
            for c in (None, True)
            for s in ((9, 4), (3, 13), (7, 1))
        ),
        *(call(IMAGE, scale_factor=f, mode="bicubic") for f in (2, 0.4, 1.3)),
    ),
    # losses
    **{
        f"functional.{name}": peer(
            getattr(TF, name), *(call(LOGITS, OTHERS, reduction=r) for r in ("mean", "sum", "none"))
        )
        for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
    },
    "functional.kl_div": peer(
        TF.kl_div,
        call(np.log(P), Q, reduction="batchmean"),
        call(np.log(P), np.log(Q), reduction="sum", log_target=True),
    ),
    "functional.poisson_nll_loss": peer(
        TF.poisson_nll_loss, call(LOGITS, below(4, 4, 5)), call(P, 3 * Q, log_input=False, full=True)
    ),
    "functional.gaussian_nll_loss": peer(
        TF.gaussian_nll_loss, call(LOGITS, OTHERS, P), call(LOGITS, OTHERS, P, full=True)
    ),
    "functional.cross_entropy": peer(
        TF.cross_entropy,
        call(LOGITS, below(5, 4)),
        call(LOGITS, Q / Q.sum(1, keepdims=True)),
        call(LOGITS, below(5, 4), weight=WEIGHTS, constant=WEIGHT, label_smoothing=0.1),
        call(LOGITS, np.array([1, -100, 4, 0])),
        call(drawn(4, 5, 3), below(5, 4, 3), reduction="none"),
    ),
    "functional.nll_loss": peer(
        TF.nll_loss, call(np.log(P), below(5, 4)), call(np.log(P), below(5, 4), weight=WEIGHTS, constant=WEIGHT)
    ),
    "functional.binary_cross_entropy": peer(
        TF.binary_cross_entropy, call(P, Q), call(P, below(2, 4, 5) * 1.0, weight=WEIGHTS, constant=WEIGHT)
    ),
    "functional.binary_cross_entropy_with_logits": peer(
        TF.binary_cross_entropy_with_logits,
        call(LOGITS, Q),
        call(LOGITS, Q, pos_weight=WEIGHTS, constant=("pos_weight",)),
    ),
    "functional.multi_margin_loss": peer(
        TF.multi_margin_loss,
        call(LOGITS, below(5, 4)),
        call(LOGITS, below(5, 4), p=2, margin=0.5, weight=WEIGHTS, constant=WEIGHT),
    ),
    "functional.multilabel_margin_loss": peer(
        TF.multilabel_margin_loss,
        *(call(LOGITS, SEVERAL, reduction=r) for r in ("mean", "sum", "none")),
        call(V, np.array([5, 0, -1, 1, 1, 1])),
    ),
    "functional.multilabel_soft_margin_loss": peer(
        TF.multilabel_soft_margin_loss,
        call(LOGITS, Q),
        call(LOGITS, Q, weight=WEIGHTS, constant=WEIGHT),
        call(LOGITS, Q, reduction="none"),
    ),
    "functional.soft_margin_loss": peer(TF.soft_margin_loss, call(LOGITS, signs(4, 5))),
    "functional.hinge_embedding_loss": peer(TF.hinge_embedding_loss, call(LOGITS, signs(4, 5), margin=1.5)),
    "functional.cosine_similarity": peer(TF.cosine_similarity, call(LOGITS, OTHERS), call(CUBE, CUBE[:1] + 1, dim=-1)),
    "functional.cosine_embedding_loss": peer(TF.cosine_embedding_loss, call(LOGITS, OTHERS, signs(4), margin=0.2)),
    "functional.pairwise_distance": peer(
        TF.pairwise_distance, call(LOGITS, OTHERS), call(LOGITS, OTHERS, p=3.0, keepdim=True)
    ),
    "functional.margin_ranking_loss": peer(TF.margin_ranking_loss, call(V, W, signs(6), margin=0.3)),
    "functional.triplet_margin_loss": peer(
        TF.triplet_margin_loss, call(LOGITS, OTHERS, THIRDS), call(LOGITS, OTHERS, THIRDS, margin=2.0, swap=True)
    ),
    "functional.triplet_margin_with_distance_loss": peer(
        TF.triplet_margin_with_distance_loss,
        call(LOGITS, OTHERS, THIRDS),
        call(LOGITS, OTHERS, THIRDS, margin=2.0, swap=True, reduction="sum"),
        call(LOGITS, OTHERS, THIRDS, distance_function=lambda x, y: ((x - y) ** 4).sum(-1)),
    ),
}
