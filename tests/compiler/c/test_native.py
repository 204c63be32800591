"""Programs that run as C give every bit that eager gives: losses, gradients, parameters, buffers, optimiser state."""

import keyword
import re

import numpy as np
import pytest
from together import together
from trainable import LAYERS, LOSSES, OPTIMIZERS, numbers, trained, vector

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.compiler.c.build import Build
from micrograd_np.compiler.c.expressions import power_by
from micrograd_np.compiler.c.listen import FLAGGED
from micrograd_np.compiler.c.native import Native
from micrograd_np.compiler.c.outside import same_bits
from micrograd_np.compiler.c.source import prelude
from micrograd_np.compiler.c.toolchain import find_compiler

pytestmark = pytest.mark.skipif(isinstance(find_compiler(), str), reason="there is no C compiler")
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
QUICK = {"Linear", "Conv2d", "MaxPool2d", "BatchNorm1d", "LayerNorm", "Embedding", "LSTM", "Dropout", "GELU"}
QUICK |= {"CrossEntropyLoss", "BCEWithLogitsLoss", "SGD", "Adam"}


def each(names):
    """All of them; those that are not quick, in the thorough run."""
    marks = {name: () if name in QUICK else pytest.mark.thorough for name in names}
    return pytest.mark.parametrize("name", [pytest.param(name, marks=mark) for name, mark in marks.items()])


@pytest.fixture
def default_dtype():
    """Sets the default dtype, for as long as the test lasts."""
    before = mg.get_default_dtype()
    yield mg.set_default_dtype
    mg.set_default_dtype(before)


class InC:
    """A compiled step, which runs in C after the first call."""

    def __init__(self, step):
        self.compiled = mg.compile(step)
        self.native = None
        self.runs = self.flagged = 0

    def __call__(self, *batch):
        result = self.compiled(*batch)
        if self.native is None:
            ((entry,),) = self.compiled.entries.values()
            outputs = iter(entry.outputs)
            each = [None if v is None else next(outputs) for _, v in entry.program.gradients_out]
            self.native = Native(entry.raw, each)
            path, _ = Build(self.native.source).wait()
            self.numpy, self.step = entry.step, self.native.bind(path)
            entry.step, self.compiled.quick = self.run, None
        return result

    def run(self, *arrays):
        self.runs += 1
        result = self.step(*arrays)
        if result is FLAGGED:
            self.flagged += 1
            return self.numpy(*arrays)
        return result


def assert_equal_bits(parts, draws):
    eager, _ = trained(parts, draws, lambda step: step, steps=4)
    ours, run = trained(parts, draws, InC, steps=4)
    for i, (a, b) in enumerate(zip(eager, ours, strict=True)):
        assert len(a) == len(b)
        for j, (x, y) in enumerate(zip(a, b, strict=True)):
            assert (x.dtype, x.shape, x.tobytes()) == (y.dtype, y.shape, y.tobytes()), f"step {i}, array {j}"
    assert run.compiled.cache_info().misses == 1
    assert (run.runs, run.flagged) == (3, 0)
    return run.native


@each_dtype
@each(LAYERS)
def test_a_layer_trains_in_c_as_eagerly(name, dtype, default_dtype):
    default_dtype(dtype)
    make, *draws = LAYERS[name]

    def parts():
        scale = nn.Parameter(np.ones((), dtype))  # so that there is something to train
        model = nn.ModuleList([make(), nn.ParameterList([scale])])
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        return model, optimizer, lambda *xs: (model[0](*xs) * scale).square().mean()

    assert_equal_bits(parts, draws)


@each_dtype
@each(LOSSES)
def test_a_loss_trains_in_c_as_eagerly(name, dtype, default_dtype):
    default_dtype(dtype)
    make, last, *targets = LOSSES[name]

    def parts():
        model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
        loss = make()
        optimizer = optim.Adam(model.parameters(), lr=0.1)
        return model, optimizer, lambda x, *rest: loss(last(model(x)) if last else model(x), *rest)

    assert_equal_bits(parts, [vector, *targets])


@each_dtype
@each(OPTIMIZERS)
def test_an_optimizer_steps_in_c_as_eagerly(name, dtype, default_dtype):
    default_dtype(dtype)
    for settings in OPTIMIZERS[name]:

        def parts(settings=settings):
            bias = name != "Muon"  # which takes matrices only
            model = nn.Sequential(nn.Linear(4, 5, bias=bias), nn.Tanh(), nn.Linear(5, 3, bias=bias))
            optimizer = getattr(optim, name)(model.parameters(), **settings)
            return model, optimizer, lambda x, y: (model(x) - y).square().mean()

        assert_equal_bits(parts, [vector, numbers(3)])


def in_c(function, *arrays):
    """A compiled function that has run once, and runs in C from then on."""
    step = InC(function)
    step(*arrays)
    return step


def test_strides_of_arguments_are_heeded(rng):
    x = rng.standard_normal((8, 6))
    for a in (x.T, x[::2], x[:, ::3], x[::-1], np.broadcast_to(x[0], (4, 6)), np.asfortranarray(x), x[:0]):
        f = in_c(lambda x: ((x * 2.0).exp() + x).sum(0), a)
        assert f(a).data.tobytes() == f.compiled.function(mg.Tensor(a)).data.tobytes()
        assert (f.runs, f.flagged) == (1, 0)


def test_numbers_in_the_byte_order_of_other_machines_are_read_and_written_as_numpy_does(rng):
    w = mg.Tensor(rng.standard_normal(5).astype(">f8"))

    def step(x):
        with mg.no_grad():
            w[:] = w * 0.5 + x
        return (x * 2.0).exp() + w

    compiled = mg.compile(step, backend="c", wait=True)
    for x in rng.standard_normal((4, 5)).astype(">f4"):
        before = w.data.copy()
        found = compiled(x).data
        assert w.data.tobytes() == (before * 0.5 + x).astype(">f8").tobytes()
        assert np.array_equal(found, np.exp(x * np.float32(2)) + w.data)
    assert compiled.report().backend == "c"


def test_an_argument_out_of_line_is_left_to_numpy(rng):
    x = rng.standard_normal(5)
    f = in_c(lambda x: x * 2, x)
    odd = np.zeros(41, np.uint8)[1:].view(float)
    odd[:] = x
    assert f(odd).data.tobytes() == (x * 2).tobytes()
    assert f.flagged == 1


def test_what_numpy_would_tell_of_is_left_to_numpy_before_anything_has_changed():
    w = nn.Parameter(np.ones(3))
    optimizer = optim.SGD([w], lr=0.5)

    def step(x):
        optimizer.zero_grad()
        loss = (w * x).exp().sum()
        loss.backward()
        optimizer.step()
        return loss

    f = in_c(step, np.ones(3))
    before = w.data.copy()
    large = np.array([1.0, -3000.0, 2.0])
    assert f.step(large) is FLAGGED
    assert w.data.tobytes() == before.tobytes()
    f(np.ones(3))
    with pytest.warns(RuntimeWarning, match="overflow"):
        f(large)
    assert (f.runs, f.flagged) == (2, 1)


def test_what_numpy_is_told_to_ignore_is_computed_in_c():
    f = in_c(lambda x: 1 / x, np.ones(2))
    with np.errstate(divide="ignore"):
        assert f(np.zeros(2)).data.tolist() == [np.inf, np.inf]
    assert f.flagged == 0
    with np.errstate(all="raise"), pytest.raises(FloatingPointError, match="divide by zero"):
        f(np.zeros(2))
    assert f.flagged == 1
    small = in_c(lambda x: x * x, np.ones(2))
    small(np.full(2, 1e-200))
    assert small.flagged == 0
    with np.errstate(under="warn"), pytest.warns(RuntimeWarning, match="underflow"):
        small(np.full(2, 1e-200))


def test_flags_that_a_loop_of_numpys_clears_are_seen():
    f = in_c(lambda x: ((1 / x).sum(), x.tanh()), np.ones(2))
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        f(np.zeros(2))
    assert f.flagged == 1


def test_flags_of_an_update_are_told_after_it(default_dtype):
    default_dtype("float32")
    w = nn.Parameter(np.ones(2, "float32"))
    optimizer = optim.SGD([w], lr=1.0)

    def step(x):
        optimizer.zero_grad()
        loss = (w * x).sum()
        loss.backward()
        optimizer.step()
        return loss

    f = in_c(step, np.ones(2, "float32"))
    optimizer.param_groups[0]["lr"] = 1e30
    told = r"overflow encountered in the update \(test_native.py:\d+  optimizer.step\(\)\)"
    with pytest.warns(RuntimeWarning, match=told):
        f(np.full(2, 1e30, "float32"))
    assert f.flagged == 0
    assert w.data.tolist() == [-np.inf, -np.inf]
    with np.errstate(all="raise"), pytest.raises(FloatingPointError, match=told):
        f(np.full(2, 1e30, "float32"))


def test_random_numbers_are_put_back_when_numpy_runs_the_call():
    mg.random.manual_seed(3)
    drop = nn.Dropout(0.5)
    f = in_c(lambda x: 1 / (drop(x) + x), np.ones(40))
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        f(np.zeros(40))
    assert f.flagged == 1
    found = f(np.ones(40))
    mg.random.manual_seed(3)
    expected = [1 / (drop(mg.Tensor(np.ones(40))) + 1).data for _ in range(3)][-1]
    assert found.data.tobytes() == expected.tobytes()


@each_dtype
@pytest.mark.parametrize(("m", "k", "n"), [(1, 1, 6), (6, 1, 1), (1, 1, 1), (6, 1, 6)])
def test_a_product_by_one_element_has_numpys_bits_and_is_no_line_of_numpys(m, k, n, dtype):
    """np.dot gives 0 for 0 and whatever it is multiplied by, and no -0; but for two elements."""
    numbers = np.array([3, -0.0, 0, np.inf, np.nan, -2], dtype)
    f = in_c(lambda x, w: (x @ w, (w.T @ x.T) * 2), np.ones((m, k), dtype), np.ones((k, n), dtype))
    with np.errstate(all="ignore"):
        for i in range(6):
            x, w = (np.roll(numbers, i)[: a * b].reshape(a, b) for a, b in ((m, k), (k, n)))
            for y in (w, np.roll(w, 1), np.repeat(w, 2, axis=1)[:, ::2]):
                wanted = [np.dot(x, y), np.dot(y.T, x.T) * np.dtype(dtype).type(2)]
                assert all(same_bits(z.data, a) for z, a in zip(f(x, y), wanted, strict=True))
    assert (f.flagged, f.native.lines) == (0, {})


def test_a_failed_check_is_numpys_to_explain(rng):
    x, y = rng.standard_normal((4, 3)), np.array([0, 2, 1, 1])
    f = in_c(nn.CrossEntropyLoss(), x, y)
    with pytest.raises(IndexError, match="target 3 is out of bounds"):
        f(x, np.array([0, 3, 1, 1]))
    assert f.flagged == 1


def test_results_are_the_callers_own(rng):
    x = rng.standard_normal((3, 4))
    f = in_c(lambda x: (x, x.T, x + 1, (x + 1).T, x.sum()), x)
    first, second = f(x), f(x + 1)
    for a, b, c in zip(first, second, (x, x.T, x + 1, (x + 1).T, x.sum()), strict=True):
        assert not np.shares_memory(a.data, b.data)
        assert not np.shares_memory(a.data, x)
        assert a.data.tobytes() == np.asarray(c).tobytes()


def test_equal_layers_are_one_function(rng):
    model = nn.Sequential(*[nn.Sequential(nn.Linear(8, 8), nn.Tanh()) for _ in range(30)])
    f = in_c(model, rng.standard_normal((4, 8)))
    assert f.native.source.count("static void ") < 5
    assert not f.native.lines


def test_time_steps_are_a_loop_in_c(rng):
    """Forwards and backwards; what takes turns in one place has one name, and the text is as long for 24 as for 12."""
    texts = {}
    for length in (12, 24):
        net = nn.LSTM(3, 4)
        x = rng.normal(size=(length, 2, 3)).astype(np.float32)

        def step(x, net=net):
            loss = (net(x)[0] ** 2).mean()
            loss.backward()
            return loss

        compiled = mg.compile(step, backend="c", wait=True)
        compiled(x)
        texts[length] = re.sub(r"\b\d+\b", "0", compiled.source_as("c")).splitlines()
    assert texts[12] == texts[24]
    assert sum("for (int q = 0; q < 0; q++)" in row for row in texts[12]) == 2


def test_what_lives_in_one_loop_needs_no_memory(rng):
    x = rng.standard_normal(100_000)
    f = in_c(lambda x: ((x * 2).tanh() * x).exp() + 1, x)
    assert f.native.plan.nbytes < 2 * x.nbytes
    assert f.native.source.count("static void ") == 1
    assert f(x).data.tobytes() == (np.exp(np.tanh(x * 2) * x) + 1).tobytes()


@pytest.fixture
def divided(monkeypatch):
    """Every loop is divided among three threads."""
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setattr("micrograd_np.compiler.c.nest._LONG", 1)


@pytest.mark.parametrize("shape", [(7, 3), (5000,), (3001, 2), (2, 3001), (1, 2)])
def test_a_loop_that_is_divided_among_threads_gives_the_same_bits(rng, divided, shape):
    x, w = rng.standard_normal(shape), mg.constant(rng.standard_normal(shape[-1:]))

    def step(x):
        return (x * w).tanh() + (x.T + 1).exp().T, x * 2 - w

    f = in_c(step, x)
    assert "divide(" in f.native.source
    for y in (x, x[::-1].copy()):
        assert all(a.data.tobytes() == b.data.tobytes() for a, b in zip(f(y), step(mg.Tensor(y)), strict=True))
    assert (f.runs, f.flagged) == (2, 0)


@pytest.mark.parametrize("at", [0, 1500, 2999])
def test_what_any_thread_has_to_tell_is_told(rng, divided, at):
    x = np.ones(3000)
    f = in_c(lambda x: (1 / x).tanh(), x)
    assert "divide(" in f.native.source
    x[at] = 0
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        f(x)
    assert f.flagged == 1
    x[at] = 1
    f(x)
    assert f.flagged == 1


def test_short_loops_are_not_divided(rng, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    short, long = (in_c(lambda x: (x * 2).exp() * x, rng.standard_normal(n)) for n in (1000, 400_000))
    assert ["pthread_create" in f.native.source for f in (short, long)] == [False, True]


def test_loops_beside_large_products_are_not_divided(rng, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    x = rng.standard_normal(400_000)

    def step(x, n):
        square = x[: n * n].reshape(n, n)
        return (x * 2).exp() * x, square @ square.exp()

    small, large = (in_c(lambda x, n=n: step(x, n), x) for n in (10, 100))
    assert ["divide(" in f.native.source for f in (small, large)] == [True, False]


def test_the_traced_program_stays_as_it_was_when_memory_is_planned(rng):
    target = mg.Tensor(np.zeros(3))

    def write(x):
        mg.add.write(target, x, 0.5)
        return target

    x = rng.standard_normal(3)
    f = in_c(write, x)
    assert f(x + 1).data.tobytes() == target.data.tobytes() == (x + 1 + 0.5).tobytes()
    assert (f.runs, f.flagged) == (1, 0)


def test_indices_are_broadcast_together():
    step = InC(lambda x, i, j: x[i, j])
    rng = np.random.default_rng(0)
    for _ in range(3):
        x, i, j = rng.standard_normal((4, 5)), rng.integers(0, 4, (3, 1)), rng.integers(-5, 5, (1, 2))
        assert np.array_equal(step(x, i, j).data, x[i, j])
    assert (step.runs, step.flagged, step.native.lines) == (2, 0, {})


def test_one_element_is_read_and_written_where_it_lies():
    memory = mg.Tensor(np.zeros(3))

    @InC
    def step(x):
        with mg.no_grad():
            memory[1] = x[2] * 2
        return memory.sum() + x[0]

    for k in range(3):
        x = np.arange(3.0) + k
        assert step(x).item() == 2 * x[2] + x[0]
        assert memory.data.tolist() == [0, 2 * x[2], 0]
    assert (step.runs, step.flagged, step.native.lines) == (2, 0, {})


@pytest.mark.parametrize(
    ("f", "dtype"),
    [(lambda x: x**0.5 + x**2.5, np.float32), (lambda x: (-x * 3 + x) + 0.5, np.uint8)],
    ids=["a power by one number", "small whole numbers wrap around"],
)
def test_c_computes_as_numpy_does(f, dtype):
    """A ufunc has a loop of its own for one exponent, and C computes small whole numbers as int."""
    compiled = mg.compile(f, backend="c", wait=True)
    for seed in range(4):
        x = np.random.default_rng(seed).integers(1, 250, 300).astype(dtype) / dtype(1 if dtype == np.uint8 else 7)
        x = x.astype(dtype)
        with mg.no_grad():
            assert np.array_equal(compiled(x).data, np.asarray(f(mg.Tensor(x)).data))


@pytest.mark.parametrize("kind", ["int16", "int32", "int64"])
def test_whole_numbers_wrap_around_as_numpys_do(kind):
    """C leaves open what the largest number plus 1 is, and gcc took x + 1 > x for true."""
    compiled = mg.compile(lambda x: (x + 1 > x, mg.maximum(x + 1, x), x * 3 < x), backend="c", wait=True)
    most = np.iinfo(kind).max
    for x in np.array([[1, 2, 3], [5, 6, 7], [most, most - 1, -most], [most // 2, most // 3, -1 - most]], kind):
        wanted = (x + 1 > x, np.maximum(x + 1, x), x * 3 < x)
        assert all(np.array_equal(z.data, y) for z, y in zip(compiled(x), wanted, strict=True))
    assert compiled.report().backend == "c"


@each_dtype
@pytest.mark.parametrize("n", [1, 100])
def test_what_no_whole_number_holds_is_stored_as_numpy_stores_it(n, dtype):
    """C leaves open what (uint32_t)-1.5 is, and each compiler and each processor does something else."""
    kinds = [f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)]
    stored = [mg.Tensor(np.zeros(n, kind)) for kind in kinds]

    def step(x):
        with mg.no_grad():
            for z in stored:
                z[:] = x * 2.0
        return x.sum()

    compiled = mg.compile(step, backend="c", wait=True)
    compiled(np.ones(n, dtype))
    numbers = [70, 200, -0.6, -70, 2e4, -4e4, 2e9, -3e9, 7e9, 9e18, -9e18, 1e30, np.inf, np.nan]
    with np.errstate(invalid="ignore"):
        for i in range(len(numbers)):
            x = np.resize(np.roll(np.array(numbers, dtype), -i), n)
            compiled(x)
            assert all(np.array_equal(z.data, (x * 2).astype(z.dtype)) for z in stored)
    assert compiled.report().backend == "c"


@together
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("exponent", [2, 0.5, 3, -1, 1.5, 0, -2, 0.25, np.float64(3)])
def test_a_power_by_a_number_has_numpys_bits_and_is_no_line_of_numpys(exponent, dtype):
    """NumPy takes a square, a root or a reciprocal for some exponents, which have other last bits than its power."""
    compiled = mg.compile(lambda x: (x + 0.5) ** exponent * 2.0, backend="c", wait=True)
    for seed in range(3):
        x = np.random.default_rng(seed).lognormal(0, 2, (3, 500)).astype(dtype)
        assert compiled(x).data.tobytes() == ((x + dtype(0.5)) ** exponent * dtype(2.0)).tobytes()
    assert str(compiled.report()).endswith("its bits are those of NumPy's program.")


@pytest.mark.parametrize("order", [(np.float64(3), 3), (3, np.float64(3))])
def test_powers_by_equal_numbers_of_two_types_are_told_apart(order):
    """float32 to the power of np.float64(3) is float64, of 3 it is float32."""
    x = np.random.default_rng(0).lognormal(0, 2, 500).astype(np.float32)
    power_by.cache_clear()
    for exponent in order:
        compiled = mg.compile(lambda x, exponent=exponent: (x + 0.5) ** exponent * 2.0, backend="c", wait=True)
        expected = (x + np.float32(0.5)) ** exponent * np.float32(2.0)
        for _ in range(3):
            z = compiled(x).data
            assert (z.dtype, z.tobytes()) == (expected.dtype, expected.tobytes())
        assert str(compiled.report()).endswith("its bits are those of NumPy's program.")


@together
@pytest.mark.parametrize("exponent", [2.0, 0.5, -1.0])
@pytest.mark.parametrize(
    ("shape", "other"),
    [((5, 7), ()), ((5, 7), (1,)), ((5, 7), (7,)), ((5, 7), (5, 1)), ((), (7,)), ((), ()), ((), (1,)), ((1,), ()),
     ((1,), (1,)), ((1,), (1, 1)), ((1, 1), (1,)), ((1, 1), (1, 1))],
)  # fmt: skip
def test_a_power_by_an_array_takes_the_loop_that_numpy_takes(shape, other, exponent):
    """One number for all is taken by stride 0, and whether it is one depends on the axes, even of one element."""
    compiled = mg.compile(lambda x, y: (x + 0.5) ** y * 2.0, backend="c", wait=True)
    y = np.full(other, exponent)
    for seed in range(12):
        x = np.asarray(np.random.default_rng(seed).lognormal(0, 2, shape))
        wanted = np.multiply(np.power(np.add(x, 0.5, out=...), y, out=...), 2.0)
        assert compiled(x, y).data.tobytes() == wanted.tobytes()
    assert compiled.report().backend == "c"


def test_c_computes_where_a_mask_says_so():
    def slope(x):
        return mg.autograd.grad((mg.maximum(x, 2.0) * 1.5).sum(), [x])[0]

    compiled = mg.compile(slope, backend="c", wait=True)
    for i in range(3):
        x = np.arange(12.0).reshape(3, 4) - i
        assert np.array_equal(compiled(mg.Tensor(x, requires_grad=True)).data, 1.5 * (x > 2) + 0.75 * (x == 2))
    assert str(compiled.report()).endswith("its bits are those of NumPy's program.")


OURS = {*re.findall(r"[a-z]\w*", prelude() + prelude("threads"))} - {*keyword.kwlist}
THEIRS = ["asm", "erf", "FE_INVALID", "INT8_MAX", "INFINITY", "linux", "M_PI", "M_PI_2", "NAN", "NULL", "step", "unix"]


def test_names_of_users_never_meet_names_of_c(default_dtype):
    """An argument called as_float hid the function of that name, and x_array what C calls the array of x."""
    default_dtype("float32")
    composed = ["x", "x_array", "numpy_exp_float", "numpy_matmul_float", "forward", "forward_2", "step_1", "results"]
    words = sorted(OURS.union(composed, THEIRS))
    states = [mg.Tensor(np.ones(2), name=word) for word in words]
    space = {"mg": mg, "states": states}
    rows = [f"def step({', '.join(words)}):", f"    given = [{', '.join(words)}]"]
    rows += ["    return [mg.maximum(a @ w, 0.5).exp() for a, w in zip(given, states)]"]
    exec("\n".join(rows), space)
    step = mg.compile(space["step"], backend="c", wait=True)
    for k in range(3):
        arrays = [np.full((2, 2), k + i / 100, "float32") for i in range(len(words))]
        found, wanted = step(*arrays), space["step"](*map(mg.Tensor, arrays))
        assert all(same_bits(a.data, b.data) for a, b in zip(found, wanted, strict=True))
    assert step.report().backend == "c"


@pytest.mark.parametrize("kind", ["between", "shifted", "swapped"])
@pytest.mark.parametrize("rows", [1, 4])
def test_what_lies_as_c_cannot_read_it_is_left_to_numpy(kind, rows, rng):
    def odd(values):
        if kind == "between":  # other fields
            whole = np.zeros(values.shape, [("value", "f8"), ("label", "i4")])
            whole["value"] = values
            return whole["value"]
        if kind == "swapped":
            return values.astype(values.dtype.newbyteorder())
        space = np.zeros(values.nbytes + 1, np.uint8)[1:].view(values.dtype).reshape(values.shape)
        space[...] = values
        return space

    def training(wrap):
        w, kept = mg.Tensor(np.linspace(-1, 1, 6).reshape(3, 2), requires_grad=True), mg.Tensor(odd(np.ones((3, 2))))

        @wrap
        def step(x, rows):
            w.grad = None
            loss = ((x @ (w * kept)).tanh() + x[rows].sum() + kept.sum()).square().mean()
            loss.backward()
            with mg.no_grad():
                w.copy_(w - 0.1 * w.grad)
            return loss, x.sum(0)

        return step, w

    (native, w), (eager, v) = training(lambda f: mg.compile(f, backend="c", wait=True)), training(lambda f: f)
    for _ in range(4):
        x, index = mg.Tensor(odd(rng.standard_normal((rows, 3)))), mg.Tensor(rng.integers(0, rows, 5))
        for a, b in zip((*native(x, index), w), (*eager(x, index), v), strict=True):
            assert a.data.tobytes() == b.data.tobytes()
    assert native.last.policy.state == "c"


@each_dtype
def test_the_largest_of_one_element_is_that_element(dtype, rng):
    shapes = [(3, 1), (2, 1, 4), (3, 1, 1), (1, 1), (1, 5)]
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    step = in_c(lambda *xs: [f(x, axis=1) for x in xs for f in (mg.max, mg.min)], *arrays)
    wanted = [f(x, axis=1) for x in arrays for f in (np.max, np.min)]
    assert all(np.array_equal(z.data, y) for z, y in zip(step(*arrays), wanted, strict=True))
