"""What the passes do to a program: one vector for an update, blocks for long passages, algebra in the fast mode."""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.compiler.passes import blocks


def network(optimizer, mode="exact", **settings):
    """A small network of three layers and its step, compiled and not."""
    mg.random.manual_seed(1)
    net = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4), nn.Sigmoid(), nn.Linear(4, 2))
    stepper = optimizer(net.parameters(), **settings)

    def step(x, y):
        stepper.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        stepper.step()
        return loss

    return net, step, mg.compile(step, mode=mode)


def batches(count=4):
    draw = np.random.default_rng(2)
    return [(draw.random((7, 3)), draw.random((7, 2))) for _ in range(count)]


@pytest.mark.parametrize(("optimizer", "settings"), [(optim.SGD, {"lr": 0.1, "momentum": 0.9}), (optim.Adam, {})])
def test_all_parameters_are_updated_as_one_vector_with_the_same_bits(optimizer, settings):
    net, step, _ = network(optimizer, **settings)
    twin, _, compiled = network(optimizer, **settings)
    for x, y in batches():
        step(x, y)
        compiled(x, y)
    assert all(np.array_equal(p.data, q.data) for p, q in zip(net.parameters(), twin.parameters(), strict=True))
    assert len({id(p.data.base) for p in twin.parameters()}) == 1  # they lie side by side
    update = compiled.source.partition("# update")[2].partition("return")[0]
    assert update.count("parameters)") == 1  # and are written once, where eager writes six


def elementwise(size):
    """A step of elementwise lines over `size` numbers, in which a mean stands between forward and backward."""
    w = mg.Tensor(np.random.default_rng(0).standard_normal(size).astype(np.float32), requires_grad=True, name="w")
    stepper = optim.SGD([w], lr=0.1 * size)

    def step(x):
        stepper.zero_grad()
        h = (w * x).tanh()
        loss = ((h * h + 1).sqrt() * h.exp() - x).square().mean()
        loss.backward()
        stepper.step()
        return loss

    return w, step


@pytest.mark.parametrize("threads", [1, 3])
def test_long_passages_run_in_blocks_with_the_same_bits(monkeypatch, threads):
    monkeypatch.setattr(blocks, "threads", lambda: threads)
    size = 300_001  # not a multiple of anything
    w, step = elementwise(size)
    v, twin = elementwise(size)
    compiled = mg.compile(twin)
    draw = np.random.default_rng(3)
    for _ in range(3):
        x = draw.standard_normal(size).astype(np.float32)
        assert step(x).item() == compiled(x).item()
        assert np.array_equal(w.data, v.data)
        assert np.array_equal(w.grad.data, v.grad.data)
    assert "in blocks of 24,576 elements" in compiled.source
    assert ("in 3 threads" in compiled.source) is (threads == 3)


def test_intermediate_values_of_a_passage_never_exist_as_whole_arrays():
    size = 300_000
    w, step = elementwise(size)
    compiled = mg.compile(step)
    compiled(np.ones(size, np.float32))
    assert compiled.report().arena_bytes < 4 * w.data.nbytes  # of the dozen arrays that eager makes


def test_short_passages_stay_as_they_are():
    _, step = elementwise(1000)
    compiled = mg.compile(step)
    compiled(np.ones(1000, np.float32))
    assert "blocks" not in compiled.source


def agrees(function, count=2):
    """The program of ``function(*arrays)``, which has every bit that eager has, zeros of either sign included."""
    compiled = mg.compile(function)
    draw = np.random.default_rng(4)
    for _ in range(4):
        arrays = [mg.Tensor(draw.permutation(np.array([0.0, -0.0, 1.5, -2.0, 3.0, 1e-3]))) for _ in range(count)]
        with np.errstate(all="ignore"):
            mine, its = function(*arrays).data, compiled(*arrays).data
        np.testing.assert_array_equal(mine, its)
        np.testing.assert_array_equal(np.signbit(mine)[~np.isnan(mine)], np.signbit(its)[~np.isnan(its)])
    return compiled.source


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: x * x + (-x) * y,
        lambda x, y: x - (-y) * x,
        lambda x, y: (-(x * -y)).square(),
        lambda x, y: -(-x / y) + y,
    ],
)
def test_a_negation_whose_readers_can_take_the_other_sign_is_not_computed(function):
    assert "negative(" not in agrees(function)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: (-x).exp() * y,
        lambda x, y: mg.maximum(-x, y),
        lambda x, y: -x - y,  # −(x + y) has another sign where it is 0
        lambda x, y: (-x) * y,
    ],
)
def test_a_negation_that_somebody_needs_stays(function):
    assert agrees(function).count("negative(") == 1


def test_buffers_that_the_same_lines_fill_are_filled_once():
    def slopes(x, y):
        _, (by_x, by_y) = mg.value_and_grad(lambda x, y: (x / y).square().sum(), argnums=(0, 1))(x, y)
        return mg.stack((by_x, by_y))

    assert agrees(slopes).count("true_divide(") == 2  # forward, and g ÷ y, which both derivatives need


def test_a_single_sample_meets_biases_of_its_own_shape():
    net, _, _ = network(optim.SGD, lr=0.1)
    predict = mg.compile(net.eval())
    with mg.no_grad():
        for _ in range(3):
            x = np.random.default_rng(0).standard_normal((1, 3))
            assert np.array_equal(net(x).data, predict(x).data)
    assert "p0_bias_row = reshape(p0_bias, (1, 5))" in predict.source


def test_a_result_is_made_by_its_last_line_and_belongs_to_the_caller():
    @mg.compile
    def twice(x):
        y = x * 2
        z = y + 1
        return y, z, z

    x = np.arange(3.0)
    first = twice(x)
    kept = [t.data.copy() for t in first]
    second = twice(x + 5)
    assert all(np.array_equal(t.data, a) for t, a in zip(first, kept, strict=True))
    assert [t.data.tolist() for t in second] == [[10, 12, 14], [11, 13, 15], [11, 13, 15]]
    assert not np.shares_memory(second[1].data, second[2].data)
    assert "negated = negative(x)" in agrees(lambda x, y: -x) + agrees(lambda x, y: (-x, y + 1)[0])


def fast_and_exact(function, leaf):
    """The sources and gradients, in the fast and in the exact mode, of a step that differentiates `function`."""
    found = []
    for mode in ("fast", "exact"):
        w = mg.Tensor(leaf.copy(), requires_grad=True, name="w")

        @mg.compile(mode=mode)
        def step(x, w=w):
            w.zero_grad()
            loss = function(w, x).sum()
            loss.backward()
            return loss

        for seed in (1, 2):
            x = np.random.default_rng(seed).standard_normal(leaf.shape).astype(leaf.dtype)
            value = step(x)
        assert step.cache_info().hits == 1
        found.append((step.source, value.data, w.grad.data))
    return found


def test_the_fast_mode_drops_guards_where_a_divisor_cannot_be_zero():
    leaf = np.linspace(-2.0, 2.0, 9)
    fast, exact = fast_and_exact(lambda w, x: x / (w * w + 1).sqrt(), leaf)
    assert "clear(" in exact[0]
    assert "clear(" not in fast[0]
    for a, b in zip(fast[1:], exact[1:], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)


def test_the_fast_mode_keeps_guards_that_keep_something_out():
    leaf = np.array([-1.0, 0.0, 0.0, 2.0])  # the root has an infinite slope where nothing arrives
    fast, exact = fast_and_exact(lambda w, x: mg.where(w > 0, mg.maximum(w, 0.0).sqrt() * x, 0.0), leaf)
    assert "clear(" in fast[0]
    np.testing.assert_allclose(fast[2], exact[2], rtol=1e-13)
    assert fast[2][1] == fast[2][2] == 0


def test_what_stops_on_its_way_is_refused():
    def steps(x):
        yield x * 2

    async def step(x):
        return x * 2

    for function in (steps, step):
        with pytest.raises(TypeError, match=r"stops on its way.*between two stops"):
            mg.compile(function)


def test_a_compiled_model_points_to_the_model_for_what_it_has():
    predict = mg.compile(nn.Linear(2, 3))
    with pytest.raises(AttributeError, match=r"made from has: use that, or \.function\.parameters"):
        predict.parameters()
    with pytest.raises(AttributeError, match="has no attribute 'anything'"):
        _ = predict.anything
    assert not hasattr(predict, "eval")


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="'exact' or 'fast', found 'quick'"):
        mg.compile(lambda x: x, mode="quick")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_bound_is_an_array_where_that_is_quicker_and_zeros_keep_their_sign(dtype):
    clipped = mg.compile(lambda x: (nn.functional.relu(x), mg.minimum(x * 2, 0.5)))
    x = np.zeros((40, 30), dtype)
    x[::2] = -0.0
    x[:, ::3] = np.linspace(-2, 2, 10)
    for y in (x, x[::-1].copy()):
        mine, its = clipped(y), (nn.functional.relu(mg.Tensor(y)), mg.minimum(mg.Tensor(y) * 2, 0.5))
        for a, b in zip(mine, its, strict=True):
            assert a.data.tobytes() == b.data.tobytes()
    assert "bounds = np.full((40, 30), 0.5" in clipped.source
    assert "relu = maximum(x, zeros)" in clipped.source
    assert "np.maximum(x, 0)" in clipped.source_as("plain")
