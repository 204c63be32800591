"""Convolution and pooling against PyTorch and finite differences, over their settings."""

import inspect
import itertools
import pickle

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import functional as F  # noqa: N812
from micrograd_np import nn
from micrograd_np.ops.fused import convolution, pooling

rng = np.random.default_rng(0)
CONVOLUTIONS = [
    (d, s, p, e, g)
    for d, s, p, e, g in itertools.product((1, 2), (1, 2, 3), (0, 1, 2, "same", "valid"), (1, 2), (1, 2, 4))
    if p != "same" or s == 1
]
CONVOLUTIONS += [(3, 1, "same", 2, 4), (3, 1, 2, 1, 1), (3, 2, 1, 2, 2), (3, (1, 2, 3), (0, 1, 2), (2, 1, 1), 1)]
TRANSPOSED = [
    (d, s, p, *more, g)
    for d, s, p, more, g in itertools.product((1, 2), (1, 2, 3), (0, 1, 2), ((0, 1), (1, 2), (0, 2), (2, 3)), (1, 2))
]
TRANSPOSED += [(3, 1, 2, 0, 1, 1), (3, 2, 1, 1, 2, 2), (3, (3, 1, 2), (0, 1, 2), (2, 1, 0), (1, 2, 1), 2)]
GEOMETRIES = [(1, 0, 1), (1, 1, 1), (1, 5, (1, 2)), (1, 2, (2, 1)), (2, 1, 1), ((1, 2), 0, 1)]
POOLS = [
    (d, k, s, p, c)
    for d, k, s, p, c in itertools.product((1, 2), (1, 2, 3, 4), (None, 1, 3), (0, 1, 2), (False, True))
    if 2 * p <= k
]
POOLS += [(3, 2, None, 0, False), (3, 3, 2, 1, True), (3, 3, 2, 1, False), (3, (1, 2, 3), (3, 1, 2), (0, 1, 1), True)]
SHAPE = 3, 4, 9, 11, 7
every_rank = pytest.mark.parametrize("d", [1, 2, 3])


def agree(theirs, ours, *arrays):
    """Values, and gradients by all arrays of a sum of cubes, agree with PyTorch in float64."""
    torch = pytest.importorskip("torch")
    a = [torch.tensor(x, requires_grad=True) for x in arrays]
    b = [mg.Tensor(x, requires_grad=True) for x in arrays]
    expected, found = theirs(torch.nn.functional, *a), ours(*b)
    np.testing.assert_allclose(found.data, expected.detach().numpy(), rtol=1e-11, atol=1e-11)
    (expected**3).sum().backward()
    (found**3).sum().backward()
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(y.grad.data, x.grad.numpy(), rtol=1e-9, atol=1e-9)


@together
@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize(("d", "stride", "padding", "dilation", "groups"), CONVOLUTIONS)
def test_convolution_agrees_with_pytorch(d, stride, padding, dilation, groups):
    x, w, b = (rng.standard_normal(n) for n in (SHAPE[: 2 + d], (8, 4 // groups, 3, 2, 2)[: 2 + d], (8,)))
    name, settings = f"conv{d}d", {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    agree(lambda f, *xs: getattr(f, name)(*xs, **settings), lambda *xs: getattr(F, name)(*xs, **settings), x, w, b)


@together
@pytest.mark.parametrize(("d", "stride", "padding", "extra", "dilation", "groups"), TRANSPOSED)
def test_transposed_convolution_agrees_with_pytorch(d, stride, padding, extra, dilation, groups):
    x, w, b = (rng.standard_normal(n) for n in ((3, 4, 5, 6, 4)[: 2 + d], (4, 3, 3, 2, 2)[: 2 + d], (3 * groups,)))
    settings = {"stride": stride, "padding": padding, "output_padding": extra, "dilation": dilation, "groups": groups}
    name = f"conv_transpose{d}d"
    agree(lambda f, *xs: getattr(f, name)(*xs, **settings), lambda *xs: getattr(F, name)(*xs, **settings), x, w, b)


@pytest.mark.parametrize(
    "shapes",
    [
        ((2, 3, 8, 9), (70, 3, 3, 3)),
        ((2, 70, 8, 9), (3, 70, 3, 3)),
        ((1, 40, 30, 31), (40, 40, 1, 1)),
        ((1, 6, 5, 5), (6, 1, 3, 3)),
    ],
)
def test_every_formulation_of_the_convolution_gives_the_same(shapes, monkeypatch):
    x, w = (rng.standard_normal(n) for n in shapes)
    groups = shapes[0][1] // shapes[1][1]
    blocks = [
        lambda rows, _: [slice(0, rows)],
        lambda rows, _: [slice(i, i + 1) for i in range(rows)],
        lambda rows, _: [slice(0, rows - 1), slice(rows - 1, rows)] if rows > 1 else [slice(0, rows)],
    ]
    for cut, cut_into in itertools.product(("whole", "rows", "places"), blocks):
        monkeypatch.setattr(convolution, "_cut", lambda *_, cut=cut: cut)
        monkeypatch.setattr(convolution, "_blocks", cut_into)
        for stride, padding, dilation in GEOMETRIES:
            settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
            agree(
                lambda f, *xs, s=settings: f.conv2d(*xs, **s),
                lambda *xs, s=settings: F.conv2d(*xs, **s),
                x,
                w,
            )


@together
@pytest.mark.parametrize("rows", [1, 5, 16, 40])
@pytest.mark.parametrize("numbers", [0, 1, 10**5, 10**7, 10**9])
def test_windows_are_copied_in_at_most_sixteen_blocks_of_rows(rows, numbers):
    found = list(convolution._blocks(rows, numbers))
    assert [row for block in found for row in range(rows)[block]] == list(range(rows))
    assert len(found) <= (1 if numbers <= 10**5 else 16)


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize(("stride", "padding"), [(1, 1), (2, "valid")])
def test_convolution_is_differentiable_twice_by_everything(d, stride, padding):
    shapes = (2, 2, 5, 4, 2)[: 2 + d], (4, 1, 3, 2, 1)[: 2 + d], (4,)
    inputs = [mg.Tensor(rng.standard_normal(n), requires_grad=True) for n in shapes]
    conv = getattr(F, f"conv{d}d")
    assert mg.gradgradcheck(lambda x, w, b: conv(x, w, b, stride, padding, groups=2) ** 2, inputs)


@every_rank
def test_one_sample_without_its_axis_is_as_a_batch_of_one(d):
    x, w = rng.standard_normal(SHAPE[1 : 2 + d]), rng.standard_normal((4, 4, 2, 2, 2)[: 2 + d])
    for name, *more in (("conv", w), ("conv_transpose", w), ("max_pool", 2), ("avg_pool", 2), ("adaptive_avg_pool", 2)):
        function = getattr(F, f"{name}{d}d")
        np.testing.assert_array_equal(function(x, *more).data, function(x[None], *more).data[0])


def layers_over(d):
    """A layer of every kind over d axes, with the settings that make it most unlike the others."""
    kernel = (2, 3, 2)[:d]
    return {
        "Conv": lambda kind: kind(4, 6, kernel, stride=2, padding=1, dilation=2, groups=2),
        "ConvTranspose": lambda kind: kind(4, 6, kernel, stride=2, padding=1, output_padding=1, groups=2),
        "MaxPool": lambda kind: kind(3, stride=2, padding=1, ceil_mode=True),
        "AvgPool": lambda kind: kind(kernel, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
        "AdaptiveAvgPool": lambda kind: kind(3),
    }


@together
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_rank
@pytest.mark.parametrize("name", layers_over(1))
@pytest.mark.parametrize("samples", [0, 3])
def test_compiled_a_layer_over_windows_gives_the_same_bits(samples, name, d, dtype):
    layer = layers_over(d)[name](getattr(nn, f"{name}{d}d")).to(dtype)
    x = mg.Tensor(rng.standard_normal((samples, *SHAPE[1 : 2 + d])).astype(dtype), requires_grad=True)
    leaves = [x, *layer.parameters()]

    def step():
        for leaf in leaves:
            leaf.grad = None
        z = layer(x)
        (z * z).sum().backward()
        return [z, *(leaf.grad for leaf in leaves)]

    compiled = mg.compile(step)
    compiled()
    results = [z.data.copy() for z in compiled()]
    for a, b in zip(results, step(), strict=True):
        assert a.dtype == b.dtype == dtype
        np.testing.assert_array_equal(a, b.data)
    assert results[0].shape[0] == samples
    assert results[1].shape == x.shape


@every_rank
@pytest.mark.parametrize("settings", [(2, None, 0, 1, False), (3, 2, 1, 1, True), (2, 1, 1, 2, False)])
def test_indices_of_a_max_pool_agree_with_pytorch(d, settings):
    torch = pytest.importorskip("torch")
    x = rng.standard_normal(SHAPE[: 2 + d])
    theirs = getattr(torch.nn.functional, f"max_pool{d}d")(torch.tensor(x), *settings, return_indices=True)
    for a, b in zip(getattr(F, f"max_pool{d}d")(x, *settings, return_indices=True), theirs, strict=True):
        np.testing.assert_array_equal(a.data, b.numpy())


@every_rank
def test_a_function_over_windows_shows_its_own_name_and_arguments(d):
    pool = getattr(F, f"avg_pool{d}d")
    arguments = ["input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"]
    assert list(inspect.signature(pool).parameters) == arguments[: None if d > 1 else -1]
    assert f">>> avg_pool{d}d(" in pool.__doc__
    assert "{" not in pool.__doc__
    assert pickle.loads(pickle.dumps(pool)) is pool
    with pytest.raises(TypeError, match=rf"^avg_pool{d}d\(\) missing 1 required positional argument: 'kernel_size'"):
        pool(1)
    with pytest.raises(ValueError, match=rf"^avg_pool{d}d: stride must be a whole number, at least 1, or {d} of them"):
        pool(np.ones((1,) * (d + 2)), 1, 0)


SAME = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1)}
POOL = {**SAME, "kernel": (3, 3), "places": (4, 5)}


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize(
    ("op", "settings"),
    [
        (convolution.convolve, SAME),
        (convolution.convolve_back, {**SAME, "shape": (3, 4, 5)}),
        (pooling.max_pool, POOL),
        (pooling.avg_pool, {**{k: v for k, v in POOL.items() if k != "dilation"}, "divide": "inside"}),
    ],
)
def test_a_result_can_be_written_over_what_it_is_computed_from(op, settings, samples):
    x = mg.Tensor(rng.standard_normal((samples, 3, 4, 5)))
    more = [mg.Tensor(rng.standard_normal((3, 3, 3, 3)))] if op.inputs == ("x", "weight") else []
    wanted = op(x, *more, **settings).data
    memory = x.data
    op.write(x, x, *more, **settings)
    assert x.data is memory
    np.testing.assert_array_equal(memory, wanted)


@pytest.mark.parametrize("samples", [1, 3])
def test_the_gradient_of_a_kernel_lies_in_memory_as_the_kernel_does(samples):
    x = mg.Tensor(rng.standard_normal((samples, 4, 9, 8)))
    w = mg.Tensor(rng.standard_normal((6, 4, 3, 3)), requires_grad=True)
    F.conv2d(x, w).sum().backward()
    assert w.grad.data.flags.c_contiguous


@every_rank
def test_convolution_of_an_empty_batch_is_empty_and_gives_zero_gradients(d):
    w = mg.Tensor(rng.standard_normal((2, 3, 2, 2, 2)[: 2 + d]), requires_grad=True)
    z = getattr(F, f"conv{d}d")(np.zeros((0, 3, 6, 7, 4)[: 2 + d]), w)
    assert z.shape == (0, 2, 5, 6, 3)[: 2 + d]
    z.sum().backward()
    np.testing.assert_array_equal(w.grad.data, np.zeros(w.shape))


def test_convolution_keeps_float32():
    x, w = (
        mg.Tensor(rng.standard_normal(n).astype(np.float32), requires_grad=True) for n in ((2, 3, 6, 7), (2, 3, 2, 2))
    )
    z = F.conv2d(x, w, padding=1)
    z.sum().backward()
    assert z.dtype == x.grad.dtype == w.grad.dtype == np.float32


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"weight": np.ones((2, 4, 2, 2))}, "input has 3 channels"),
        ({"weight": np.ones((2, 3, 9, 2))}, "window spans 9"),
        ({"bias": np.ones(3)}, "bias is"),
        ({"padding": "full"}, "padding must be"),
        ({"padding": "same", "stride": 2}, "only at stride 1"),
        ({"stride": 0}, "at least 1"),
        ({"groups": 2}, "groups=2"),
    ],
)
def test_convolution_says_what_does_not_fit(settings, told):
    with pytest.raises(ValueError, match=told):
        F.conv2d(**{"input": np.ones((1, 3, 6, 7)), "weight": np.ones((2, 3, 2, 2)), **settings})


@together
@pytest.mark.parametrize(("d", "kernel", "stride", "padding", "ceil"), POOLS)
def test_pools_agree_with_pytorch(d, kernel, stride, padding, ceil):
    x = rng.standard_normal(SHAPE[: 2 + d])
    settings = {"kernel_size": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil}
    for name, more in (
        ("max_pool", {"dilation": 1}),
        ("max_pool", {"dilation": 2}),
        ("avg_pool", {"count_include_pad": True}),
        ("avg_pool", {"count_include_pad": False}),
    ):
        agree(
            lambda f, x, n=name, m=more: getattr(f, f"{n}{d}d")(x, **settings, **m),
            lambda x, n=name, m=more: getattr(F, f"{n}{d}d")(x, **settings, **m),
            x,
        )


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9, 12, (2, 5), (3, None)])
def test_adaptive_pools_agree_with_pytorch(size):
    x = rng.standard_normal((3, 4, 9, 11))
    agree(lambda f, x: f.adaptive_avg_pool2d(x, size), lambda x: F.adaptive_avg_pool2d(x, size), x)
    more = size if isinstance(size, int) else (*size, 3)
    agree(lambda f, x: f.adaptive_avg_pool3d(x, more), lambda x: F.adaptive_avg_pool3d(x, more), x[None])
    if isinstance(size, int):
        agree(lambda f, x: f.adaptive_avg_pool1d(x, size), lambda x: F.adaptive_avg_pool1d(x, size), x[0])


def test_average_pool_divides_by_what_it_is_told_to():
    x = rng.standard_normal((3, 4, 9, 11))
    settings = {"kernel_size": (2, 3), "stride": (1, 2), "divisor_override": 5}
    agree(lambda f, x: f.avg_pool2d(x, **settings), lambda x: F.avg_pool2d(x, **settings), x)
    settings = {"kernel_size": (2, 3, 1), "stride": (1, 2, 2), "divisor_override": 5}
    agree(lambda f, x: f.avg_pool3d(x, **settings), lambda x: F.avg_pool3d(x, **settings), x[None])


@together
@pytest.mark.parametrize("kernel", [1, 2, (3, 2)])
@pytest.mark.parametrize("stride", [1, 2, (1, 3)])
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("dilation", [1, 2])
def test_unfold_and_fold_agree_with_pytorch(kernel, stride, padding, dilation):
    x = rng.standard_normal((2, 3, 9, 11))
    settings = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    agree(lambda f, x: f.unfold(x, **settings), lambda x: F.unfold(x, **settings), x)
    agree(
        lambda f, x: f.fold(f.unfold(x, **settings), (9, 11), **settings),
        lambda x: F.fold(F.unfold(x, **settings), (9, 11), **settings),
        x,
    )


def test_ties_in_a_max_pool_share_the_gradient_equally():
    x = mg.Tensor([[[[1.0, 1.0], [0.0, 1.0]]]], requires_grad=True)
    F.max_pool2d(x, 2).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [[[[1 / 3, 1 / 3], [0, 1 / 3]]]])


def test_max_pool_of_minus_infinity_alone_shares_and_nan_passes_on_without_a_gradient():
    x = mg.Tensor([[[-np.inf, -np.inf, np.nan, 1.0]]], requires_grad=True)
    z = F.max_pool1d(x, 2)
    np.testing.assert_array_equal(z.data, [[[-np.inf, np.nan]]])
    z.backward(np.ones((1, 1, 2)))
    np.testing.assert_array_equal(x.grad.data, [[[0.5, 0.5, 0, 0]]])


def test_the_largest_of_a_window_of_padding_alone_is_minus_infinity():
    geometry = {"kernel": (1,), "stride": (2,), "padding": ((0, 2),), "dilation": (1,), "places": (3,)}
    np.testing.assert_array_equal(pooling.max_pool(np.array([[[1.0, 2.0, 3.0]]]), **geometry), [[[1.0, 3.0, -np.inf]]])


def test_max_pool_takes_booleans():
    x = mg.Tensor(np.array([[[False, True, False, False]]]))
    np.testing.assert_array_equal(F.max_pool1d(x, 2, padding=1).data, [[[False, True, False]]])


def test_max_pool_takes_integers():
    np.testing.assert_array_equal(F.max_pool1d(mg.Tensor(np.array([[[-3, -5, -2]]])), 2, padding=1).data, [[[-3, -2]]])


def test_pools_are_differentiable_twice():
    x = mg.Tensor(rng.standard_normal((2, 2, 5, 6)), requires_grad=True)
    for pool in (
        lambda x: F.max_pool3d(x, (1, 3, 2), 2, (0, 1, 1)),
        lambda x: F.avg_pool3d(x, 2),
        lambda x: F.max_pool2d(x, 3, 2, 1),
        lambda x: F.avg_pool2d(x, 2),
        lambda x: F.adaptive_avg_pool2d(x, 2),
    ):
        assert mg.gradgradcheck(lambda x, pool=pool: pool(x) ** 2, (x,))


def test_pools_say_what_does_not_fit():
    x = np.ones((1, 1, 4, 4))
    with pytest.raises(ValueError, match="more than half"):
        F.max_pool2d(x, 2, padding=2)
    with pytest.raises(ValueError, match="does not fit"):
        F.avg_pool2d(x, 5)
    with pytest.raises(ValueError, match="must be"):
        F.max_pool2d(np.ones(3), 2)


def test_the_bins_of_an_adaptive_pool_cover_everything():
    for length, size in itertools.product(range(1, 12), range(1, 14)):
        found = pooling.bins(length, size)
        assert {i for part in found for i in range(length)[part]} == set(range(length))
        assert len(found) == size
