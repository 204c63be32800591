"""What kernels ask NumPy for becomes memory of the program, made once, under the kernels' own names."""

import gc
import re
import runpy
import weakref

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.compiler.tracing import record
from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.core.registry import registry


def body(compiled):
    """The lines that run in each call."""
    return compiled.source.partition("def step(")[2].partition("    return step")[0]


def equal_thrice(function, draw):
    """The compiled function, after it has given on three batches the bits that eager gives."""
    compiled = mg.compile(function)
    for _ in range(3):
        x = draw()
        for found, wanted in zip(_leaves(compiled(x)), _leaves(function(mg.Tensor(x))), strict=True):
            assert np.array_equal(found.data, wanted.data)
    return compiled


def _leaves(x):
    return x if isinstance(x, tuple) else (x,)


@pytest.fixture
def mirrored():
    """An op of somebody's own whose kernel allocates, fills, copies and reshapes."""

    @primitive("{x} mirrored", domain=(REALS,))
    def mirrored(xp, out, x):
        turned = xp.ascontiguousarray(x.T)
        border = xp.zeros((turned.shape[0] + 2, turned.shape[1]), dtype=x.dtype)
        xp.copyto(border[1:-1], turned)
        flat = xp.reshape(border.T, (-1,))  # which copies
        doubled = xp.empty_like(flat)
        xp.add(flat, flat, out=doubled)
        return xp.exp(xp.reshape(doubled, border.T.shape), out=out)

    yield mirrored
    registry.pop("mirrored")


def test_memory_that_a_kernel_asks_for_is_made_once(mirrored):
    rng = np.random.default_rng(0)
    compiled = equal_thrice(lambda x: mirrored(x * x), lambda: rng.standard_normal((3, 4)))
    assert not re.search(r"empty|zeros|ascontiguousarray|reshape|\.T\b", body(compiled))


def test_values_inside_a_kernel_have_its_own_names_for_them(mirrored):
    compiled = equal_thrice(lambda x: mirrored(x * x), lambda: np.ones((3, 4)))
    for name in ("turned", "border", "flat", "doubled"):
        assert re.search(rf"\b{name} = ", compiled.source)
    assert not re.search(r"\bt(_\d+)? = ", compiled.source)


def test_what_is_made_elementwise_of_a_padded_array_leaves_its_zeros_alone():
    @primitive("{x} between ones", domain=(REALS,))
    def between(xp, out, x):
        border = xp.zeros((x.shape[0] + 2,), dtype=x.dtype)
        xp.copyto(border[1:-1], x)
        return xp.exp(border, out=out)

    rng = np.random.default_rng(0)
    equal_thrice(lambda x: between(x * x) + 1, lambda: rng.standard_normal(4))
    registry.pop("between")


def test_small_arguments_are_copied_so_that_views_of_them_are_made_once():
    rng = np.random.default_rng(0)
    kernel = rng.standard_normal((2, 1, 3, 3))
    compiled = equal_thrice(
        lambda x: nn.functional.conv2d(x, mg.constant(kernel)), lambda: rng.standard_normal((1, 1, 6, 6))
    )
    assert "copyto(columns" in body(compiled)
    assert "sliding_window_view" not in body(compiled)


def test_views_of_large_arguments_are_made_in_each_call_instead():
    rng = np.random.default_rng(0)
    kernel = rng.standard_normal((2, 1, 3, 3))
    compiled = equal_thrice(
        lambda x: nn.functional.conv2d(x, mg.constant(kernel)), lambda: rng.standard_normal((1, 1, 100, 100))
    )
    assert "sliding_window_view" in body(compiled)


KERNEL = mg.constant(np.arange(6.0).reshape(2, 1, 3))


@pytest.mark.parametrize(
    "computed",
    [lambda x: nn.functional.adaptive_avg_pool1d(x, 3), lambda x: nn.functional.conv1d(x, KERNEL)],
    ids=["pool", "convolution"],
)
def test_constants_may_be_computed_by_kernels_that_write_through_views_alone(computed):
    fixed = mg.constant(np.arange(30.0).reshape(3, 1, 10))
    rng = np.random.default_rng(0)
    compiled = equal_thrice(lambda x: computed(fixed) + x, lambda: rng.standard_normal(1))
    assert len(re.findall(r"\w+\(\w+, ", body(compiled))) == 1  # the sum


CNN = {
    "plain": lambda: nn.Conv2d(2, 3, 3),
    "padded": lambda: nn.Conv2d(2, 3, 3, padding=1),
    "strided": lambda: nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2),
    "one sample": lambda: nn.Conv2d(2, 3, 3, padding=1),
}


def training(make, n):
    mg.random.manual_seed(0)
    net = nn.Sequential(make(), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    optimizer = optim.SGD(net.parameters(), lr=0.1)

    def step(x):
        optimizer.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    return net, step, np.random.default_rng(1).standard_normal((4, n, 2, 8, 8))


@pytest.mark.parametrize("kind", CNN)
def test_forward_and_backward_share_padding_and_windows(kind):
    n = 1 if kind == "one sample" else 3
    net, step, batches = training(CNN[kind], n)
    twin, other, _ = training(CNN[kind], n)
    compiled = mg.compile(other)
    for x in batches:
        assert step(x).item() == compiled(x).item()
        for p, q in zip(net.parameters(), twin.parameters(), strict=True):
            assert np.array_equal(p.data, q.data)
            assert np.array_equal(p.grad.data, q.grad.data)
    images = re.findall(r"copyto\(image\w*, x\w*\)", body(compiled))
    windows = re.findall(r"copyto\((?:packed|columns)\w*, windows\w*\)", body(compiled))
    assert (len(images), len(windows)) == (1, 1)
    assert ("copyto(image, 0)" in body(compiled)) is (kind != "plain")
    update = compiled.source.partition("# update")[2].partition("return")[0]
    assert len(re.findall(r"^ +\w+\(", update, re.MULTILINE)) == 2  # one vector, with biases of convolutions in it


def test_a_compiled_convolution_gives_its_gradients_to_whoever_calls_backward():
    net, _, batches = training(CNN["padded"], 3)
    compiled = mg.compile(lambda x: net(x).square().mean())
    for x in batches[:3]:
        net.zero_grad()
        net(x).square().mean().backward()
        wanted = [p.grad.data.copy() for p in net.parameters()]
        net.zero_grad()
        compiled(x).backward()
        assert all(np.array_equal(p.grad.data, g) for p, g in zip(net.parameters(), wanted, strict=True))


@pytest.mark.parametrize("first", [lambda w, x: w * x, lambda w, x: w.reshape(4) * x, lambda w, x: mg.stack([w, x])])
@pytest.mark.parametrize("held", [True, False])
def test_parameters_move_unless_somebody_else_holds_them_whatever_is_applied_first(first, held):
    ws = [mg.nn.Parameter(np.arange(4.0) + i) for i in range(2)]
    optimizer = optim.SGD(ws, lr=0.1)
    before = [w.data for w in ws] if held else [None, None]

    @mg.compile
    def step(x):
        optimizer.zero_grad()
        loss = sum(first(w, x).sum() for w in ws)
        loss.backward()
        optimizer.step()
        return loss

    for _ in range(2):
        step(np.ones(4))
    assert all((w.data is a) is held for w, a in zip(ws, before, strict=True))


def test_a_trace_lets_go_of_the_variables_of_those_who_asked_for_it():
    class Held:
        pass

    def train():
        held = Held()
        _, step, batches = training(CNN["padded"], 3)
        mg.compile(step)(batches[0])
        return weakref.ref(held)

    gc.collect()
    gc.disable()
    try:
        assert train()() is None  # at once, without the garbage collector
    finally:
        gc.enable()


def padded_by(xp, out, x):
    z = xp.full((x.shape[0] + 2, x.shape[1]), -np.inf, dtype=x.dtype)
    z[1:-1] = x
    return xp.maximum(z[1:-1], z[:-2], out=out)


def filled_twice(xp, out, x):
    z = xp.full_like(x, 2)
    z[0] = 3.0
    z[:, 1] = x[:, 0]
    return xp.multiply(z, x, out=out)


def joined(xp, out, x):
    z = xp.concatenate((x, x))
    z[0] = 1.0
    z[1] = x[0]
    z[2:] += x[0]
    return xp.multiply(z[: x.shape[0]], x, out=out)


def added_to_a_part(xp, out, x):
    z = xp.exp(x)
    part = z[1:]
    part += x[0]
    part /= 2.0
    return xp.multiply(z, x, out=out)


def sorted_and_doubled(xp, out, x):
    z = xp.sort(x, axis=0)
    z[0] = 1.0
    doubled = xp.multiply(z, 2.0)
    z[1:] = doubled[1:]
    return z


def masked(xp, out, x):
    mask = xp.zeros(x.shape, dtype=bool)
    mask[1:] = True
    return xp.where(mask, x, 0.0)


def masked_otherwise(xp, out, x):
    mask = xp.ones(x.shape, dtype=bool)
    mask[0, :] = False
    return xp.where(xp.logical_not(mask), x, xp.multiply(x, mask))


def masked_where(xp, out, x):
    mask, z = xp.zeros(x.shape, bool), xp.full(x.shape, 9.0)
    mask[1] = True
    xp.exp(x, out=z, where=mask)
    return z


def masked_by_values(xp, out, x):
    mask = xp.full(x.shape, fill_value=False)
    xp.greater(x, 0.0, out=mask)
    mask[0] = True
    return xp.where(mask, x, 0.0)


@pytest.mark.native
@pytest.mark.parametrize(
    "kernel",
    [
        padded_by,
        filled_twice,
        joined,
        added_to_a_part,
        sorted_and_doubled,
        masked,
        masked_otherwise,
        masked_where,
        masked_by_values,
    ],
)
def test_a_kernel_may_write_into_what_numpy_has_filled_or_made(kernel, tmp_path, rng):
    op = primitive("{x}", domain=(REALS,))(kernel)
    del registry[op.name]
    compiled = equal_thrice(lambda x: op(x) + 1.0, lambda: rng.standard_normal((4, 3)))
    saved = runpy.run_path(str(compiled.save(tmp_path / "step.py", style="plain")))
    x = rng.standard_normal((4, 3))
    assert np.array_equal(saved["step"](x), op(x) + 1.0)


@pytest.mark.parametrize(("rows", "times"), [(4, 1), (record.SPARED, 0)])
def test_a_product_of_large_arrays_is_recorded_without_being_computed_once_more(rows, times, monkeypatch):
    dot, strides = np.dot, []
    monkeypatch.setattr(np, "dot", lambda x, *more, **named: strides.append(x.strides) or dot(x, *more, **named))
    x = np.ones((rows, 3), np.float32)
    assert np.array_equal(mg.compile(lambda x: x.T @ x)(x), x.T @ x)
    assert sum(0 not in each for each in strides) == times  # arrays without extent only tell the type of a result


def forgetful(xp, out, x):
    z = xp.empty(x.shape[1:]) if out is ... else out
    xp.add(z, 1.0, out=z)  # to what happens to lie there
    return xp.sum(x, axis=0, out=z) if out is ... else z


@pytest.mark.parametrize("rows", [4, record.SPARED])
def test_a_kernel_of_somebodys_own_that_gives_something_else_with_a_destination_is_refused(rows):
    op = primitive("{x} forgotten", domain=(REALS,))(forgetful)
    del registry[op.name]
    with pytest.raises(mg.CompileError, match="other values with a destination"):
        mg.compile(op)(np.ones((rows, 3)))


@pytest.mark.parametrize("layer", [nn.LSTM(3, 4), nn.GRU(3, 4), nn.LayerNorm(3), nn.Softmax(-1), nn.GELU()], ids=repr)
def test_samples_that_are_left_as_they_are_change_no_result(layer, monkeypatch):
    monkeypatch.setattr(record, "SPARED", 20)  # elements: of 5 × 4 × 3 inputs some samples are computed, and some not
    rng = np.random.default_rng(0)

    def loss(x):
        z = layer(x)
        return ((z[0] if isinstance(z, tuple) else z) ** 2).sum()

    equal_thrice(mg.value_and_grad(loss), lambda: rng.normal(size=(5, 4, 3)).astype(np.float32))
