"""Steps that a pass must leave as they are: compiled, they give eager's bits, or in the fast mode its numbers.

Each test names the condition that holds the pass back. Without it the program computes something else, or in two cases
as much in more time; there the test reads the program.
"""

import gc
import tracemalloc

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.compiler.tracing.captures import Surroundings
from micrograd_np.compiler.tracing.trace import trace
from micrograd_np.ops import transcendental


def agree(function, *shapes):
    """The program of ``function(*arrays)``, which without gradients gives what eager gives, bit for bit."""
    compiled = mg.compile(function)
    draw = np.random.default_rng(6)
    with mg.no_grad():
        for _ in range(3):
            arrays = [draw.uniform(-2, 2, shape) for shape in shapes]
            found, wanted = compiled(*arrays), function(*map(mg.Tensor, arrays))
            assert found.data.tobytes() == wanted.data.tobytes()
    assert compiled.cache_info().hits == 2
    return compiled.source


# writes between two reads


def test_a_negation_is_of_what_was_there_before_a_write():
    def step(x, w):
        h = x * 2
        y = -h
        h += 1
        return w + y + h * 0

    agree(step, (3,), (3,))


def test_the_sign_of_an_exponent_stays_where_a_term_is_written_to():
    def step(x, b):
        h = x * 2
        total = h + b
        h += 1
        return (-total).exp() + h

    agree(step, (4, 3), (3,))


def test_an_array_is_padded_again_where_it_was_written_to():
    def step(x, w):
        h = x * 2
        before = mg.functional.conv1d(h, w, padding=1)
        h += 1
        return before * 3 + mg.functional.conv1d(h, w, padding=1)

    agree(step, (2, 3, 5), (4, 3, 3))


# other values in the same memory


def test_equal_convolutions_are_equal_where_views_fill_them():
    def step(x):
        first = mg.functional.conv1d(x[None], x[..., None], padding=1)
        return first - mg.functional.conv1d(x[None], x[..., None], padding=1) + 1

    agree(step, (3, 3))


def test_a_buffer_lives_as_long_as_the_views_of_its_twin():
    def step(x, y):
        first, second = transcendental.sigmoid(x), transcendental.sigmoid(x).T
        return (((first + y) * y - x) * y) @ second + second

    agree(step, (4, 4), (4, 4))


def test_a_matrix_and_its_transpose_are_not_overwritten_by_their_product():
    """NumPy would see that, and copy one of them in every call."""

    def step(x):
        h = x * 2
        return (h * h.T).sum()

    agree(step, (3, 3))
    compiled, x = mg.compile(step), np.ones((400, 400))
    compiled(x)
    tracemalloc.start()
    compiled(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < x.nbytes / 2


# zeros, and numbers next to them


def test_a_bound_of_zero_stays_one_number():
    """Which of two zeros NumPy takes for the larger is its own affair, and may differ between its loops."""
    source = agree(lambda x: mg.maximum(x * 2, 0.0) + mg.minimum(x - 1, 0.5), (40, 30))
    assert "zero = np.array(0.0" in source
    assert "maximum(product, zero" in source
    assert "bounds = np.full((40, 30), 0.5" in source


def test_the_fast_mode_keeps_guards_where_a_divisor_may_be_too_small_to_divide_by():
    w, chosen = mg.Tensor([1e-320, 2.0], requires_grad=True), np.array([False, True])

    @mg.compile(mode="fast")
    def step(x):
        w.zero_grad()
        z = mg.where(mg.constant(chosen), x / (abs(w) + 1e-310), 0.0).sum()
        z.backward()
        return z

    for x in ([1.0, 1.0], [3.0, -2.0]):
        with np.errstate(all="ignore"):
            assert step(np.array(x)).item() == x[1] / 2
        np.testing.assert_array_equal(w.grad.data, [0, -x[1] / 4])
    assert step.cache_info().hits == 1


# updates


class Fixed(optim.Optimizer):
    """Steps without any number that could change, so that one step is like another."""

    def __init__(self, params):
        super().__init__(params, {})

    def check(self, group):
        """There is nothing to check."""

    @staticmethod
    def scalars(group, t):
        return {}

    @staticmethod
    def update(p, g, state):
        p -= 0.01 * g


class Shrinking(Fixed):
    """Steps that grow with the weights, so that equal gradients make others."""

    @staticmethod
    def update(p, g, state):
        p -= p * g


class Damped(optim.Optimizer):
    """Steps that shrink as the gradient grows: an update into whose middle a pass puts lines of its own."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @staticmethod
    def scalars(group, t):
        return {"lr": group["lr"]}

    @staticmethod
    def update(p, g, state, *, lr):
        p -= lr * np.exp(-(g + 1))


def training(optimizer, more=None):
    """Three weights, and steps that train them; `count` says of how many the loss is, `which` optimiser updates all."""
    weights = [mg.Tensor(np.linspace(-1, 1, 4) + i, requires_grad=True, name=f"w{i}") for i in range(3)]
    steppers = [make(weights) for make in (optimizer, more) if make is not None]

    def step(x, count=3, which=0):
        for w in weights[:count]:
            w.zero_grad()
        loss = sum((w * w * x).sum() for w in weights[:count])
        loss.backward()
        steppers[which].step()
        return loss

    return weights, step


def test_updates_between_which_something_happens_are_not_joined():
    ours, step = training(lambda weights: Damped(weights, lr=0.1))
    theirs, eager = training(lambda weights: Damped(weights, lr=0.1))
    compiled = mg.compile(step)
    for x in np.random.default_rng(7).random((3, 4)):
        assert compiled(x).item() == eager(mg.Tensor(x)).item()
        assert all(np.array_equal(p.data, q.data) for p, q in zip(ours, theirs, strict=True))
    assert compiled.cache_info().hits == 2


@pytest.mark.parametrize("groups", [[[0, 1, 3]], [[0, 3], [1, 4]]], ids=["in one vector", "in two"])
def test_a_gradient_that_two_parameters_share_lies_in_one_vector_once(groups):
    """Both are equal, so one stands for them; where it would have to lie in two places, updates are not joined."""

    def made():
        weights = [nn.Parameter(np.full(3, 1.0 + i)) for i in range(6)]
        optimizer = Shrinking([{"params": [weights[i] for i in group]} for group in groups])

        def step(x):
            for w in weights:
                w.zero_grad()
            loss = (sum(weights[:3]) * x).sum() + (sum(weights[3:]) * (x * 3)).sum()
            loss.backward()
            optimizer.step()
            return loss

        return weights, step

    (ours, step), (theirs, eager) = made(), made()
    compiled = mg.compile(step)
    for x in np.random.default_rng(7).random((3, 3)):
        assert compiled(x).item() == eager(mg.Tensor(x)).item()
        assert all(np.array_equal(p.data, q.data) for p, q in zip(ours, theirs, strict=True))
    assert compiled.cache_info().hits == 2


def test_what_an_update_of_all_saves_is_counted():
    weights, step = training(lambda weights: optim.SGD(weights, lr=0.1))
    compiled = mg.compile(step)
    compiled(np.ones(4))
    updates = [op for op in compiled.last.raw.ops if op.unit is not None and op.effect != "view"]
    assert compiled.report().passes["one vector"] == len(updates) - len(updates) // len(weights)


@pytest.mark.parametrize(
    "make",
    [
        lambda weights: optim.SGD([{"params": [w]} for w in weights], lr=0.1),
        lambda weights: optim.Adam([{"params": weights[:1]}, {"params": weights[1:], "lr": 0.1}]),
        Fixed,
    ],
    ids=["groups", "a group more", "no numbers"],
)
def test_groups_and_steps_that_look_alike_are_told_apart(make):
    ours, step = training(make)
    theirs, eager = training(make)
    compiled = mg.compile(lambda x: step(x) + step(x * 2))
    for x in np.random.default_rng(10).random((3, 4)):
        assert compiled(x).item() == (eager(mg.Tensor(x)) + eager(mg.Tensor(x) * 2)).item()
        assert all(np.array_equal(p.data, q.data) for p, q in zip(ours, theirs, strict=True))
    assert compiled.cache_info().hits == 2


def momentum(weights):
    return optim.SGD(weights, lr=0.1, momentum=0.9)


def test_two_programs_do_not_take_the_parameters_from_each_other():
    """Each would lay them out side by side in an order of its own, and the other would have to be made anew."""
    ours, step = training(momentum, lambda weights: optim.Adam(weights[::-1], lr=0.1))
    theirs, eager = training(momentum, lambda weights: optim.Adam(weights[::-1], lr=0.1))
    first, second = mg.compile(step), mg.compile(lambda x: step(x, which=1))
    for x in np.random.default_rng(8).random((6, 4)):
        assert first(x).item() == eager(mg.Tensor(x)).item()
        assert second(x).item() == eager(mg.Tensor(x), which=1).item()
        assert all(np.array_equal(p.data, q.data) for p, q in zip(ours, theirs, strict=True))
    assert first.cache_info().hits == second.cache_info().hits == 5
    assert "parameters = state" in first.source
    assert "parameters = state" not in second.source


def test_a_program_lays_the_parameters_out_anew_where_the_one_that_did_is_gone():
    ours, step = training(momentum, lambda weights: optim.Adam(weights[::-1], lr=0.1))
    theirs, eager = training(momentum, lambda weights: optim.Adam(weights[::-1], lr=0.1))
    for which in (0, 1, 0):
        compiled = mg.compile(lambda x, which=which: step(x, which=which))
        for x in np.random.default_rng(9).random((3, 4)):
            assert compiled(x).item() == eager(mg.Tensor(x), which=which).item()
            assert all(np.array_equal(p.data, q.data) for p, q in zip(ours, theirs, strict=True))
        assert compiled.cache_info().hits == 2
        assert "parameters = state" in compiled.source
        compiled.clear()
        gc.collect()


def test_parameters_that_look_into_an_array_of_the_users_stay_there():
    whole = np.arange(8.0).reshape(2, 4)
    weights = [mg.Tensor(row, requires_grad=True) for row in whole]
    stepper = momentum(weights)

    @mg.compile
    def step(x):
        stepper.zero_grad()
        sum((w * x).sum() * (i + 1) for i, w in enumerate(weights)).backward()  # no gradient is another's
        stepper.step()

    for _ in range(2):
        step(np.ones(4))
    np.testing.assert_allclose(whole, np.arange(8.0).reshape(2, 4) - 0.29 * np.array([[1], [2]]))
    assert step.cache_info().hits == 1


def test_parameters_that_a_step_only_updates_stay_where_somebody_holds_them():
    weights = [mg.Tensor(np.zeros(4), requires_grad=True, name=f"w{i}") for i in range(3)]
    held = [w.data for w in weights]

    def made(weights):
        stepper = momentum(weights)

        @mg.compile
        def step(x):
            for i, w in enumerate(weights):
                w.grad = x * (i + 2)
            stepper.step()

        return step

    steps = made(weights), made(weights[::-1])
    for step in 3 * steps:
        step(np.ones(4))
    assert all(w.data is a for w, a in zip(weights, held, strict=True))
    assert [step.cache_info().hits for step in steps] == [2, 2]
    fresh = [mg.Tensor(np.zeros(4), requires_grad=True) for _ in range(3)]
    steps = made(fresh), made(fresh[::-1])
    for step in 3 * steps:
        step(np.ones(4))
    assert [np.array_equal(w.data, a) for w, a in zip(fresh, held, strict=True)] == [True] * 3
    assert [step.cache_info().hits for step in steps] == [2, 2]
    assert "parameters = state" in steps[0].source


def test_the_fast_mode_reads_what_a_parameter_was_before_an_update():
    w = mg.Tensor([1.0, -2.0], requires_grad=True, name="w")

    @mg.compile(mode="fast")
    def scaled(x):
        return w * 2.0 * 3.0 + x

    @mg.compile(mode="fast")
    def written(x):
        with mg.no_grad():
            double = w * 2.0
            w.__iadd__(x)
            return double * 3.0

    with mg.no_grad():
        for x in (1.0, 5.0):
            np.testing.assert_array_equal(scaled(np.full(2, x)).data, 6 * w.data + x)
            before = w.data.copy()
            np.testing.assert_array_equal(written(np.full(2, x)).data, 6 * before)
            np.testing.assert_array_equal(w.data, before + x)
    assert scaled.cache_info().hits == written.cache_info().hits == 1


# what saves time only


def test_equal_constants_are_one():
    def step(x):
        return x * mg.constant(np.array([1.0, 2.0])) + (x * mg.constant(np.array([1.0, 2.0]))).exp()

    assert agree(step, (3, 2)).count("multiply(") == 1


def test_the_sign_of_an_exponent_is_changed_where_it_is_small():
    source = agree(lambda x, b: (-(x + b)).exp(), (5, 3), (3,))
    assert "negative(b, negated)" in source
    assert "subtract(negated, x" in source
    assert source.count("negative(") == 1


@pytest.mark.parametrize(("shape", "other"), [((1, 1), (1,)), ((1, 1), (1, 1)), ((1,), (1, 1)), ((1,), (1,))])
def test_a_power_of_one_element_keeps_the_loop_that_its_axes_choose(shape, other):
    compiled = mg.compile(lambda x, y: (x + 0.5) ** y * 2.0)
    for seed in range(60):
        x, y = np.random.default_rng(seed).lognormal(0, 2, shape), np.full(other, 0.5)
        assert compiled(x, y).item() == compiled.function(mg.Tensor(x), mg.Tensor(y)).item()


def test_a_trace_that_another_watcher_forbids_locks_nothing():
    w = mg.Tensor([1.0, 2.0])

    def step():
        return w * 2

    with mg.detect_nonfinite(), pytest.raises(mg.CompileError, match="another watcher"):
        trace(step, [], "step", Surroundings(step))
    w.data[0] = 3.0
