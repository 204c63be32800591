"""What eager promises, compiled programs keep: the same values to the bit, the same errors, the same functions."""

import gc
import importlib.util
import linecache
from functools import partial
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from together import sparing, together

import micrograd_np as mg
from micrograd_np import nn, optim, training

F = nn.functional


def same_bits(a, b):
    """Whether two tensors have the same bits."""
    return a.shape == b.shape and a.dtype == b.dtype and a.data.tobytes() == b.data.tobytes()


def linear():
    """A layer with weights that are always the same."""
    mg.random.manual_seed(0)
    return nn.Linear(2, 3)


@pytest.mark.parametrize(
    "loss",
    [
        F.cross_entropy,
        lambda z, labels: F.cross_entropy(z, labels, weight=mg.constant([1.0, 2.0, 3.0]), label_smoothing=0.1),
        lambda z, labels: F.nll_loss(F.log_softmax(z, -1), labels),
        F.multi_margin_loss,
        lambda z, labels: (z * F.one_hot(labels, 3)).sum(),
        lambda z, labels: F.embedding(labels, z.T).sum(),
        lambda z, labels: z[:, labels].sum(),
        lambda z, labels: mg.take_along_axis(z, labels[:, None], axis=1).sum(),
    ],
)
def test_a_compiled_step_takes_batches_of_one(loss, rng):
    def made():
        net = linear()
        optimizer = optim.SGD(net.parameters(), lr=0.1)

        def step(x, labels):
            optimizer.zero_grad()
            z = loss(net(x), labels)
            z.backward()
            optimizer.step()
            return z

        return net, step

    net, step = made()
    compiled = mg.compile(step)
    twin, eager = made()
    for n in (4, 1, 4, 1, 2, 2):
        x, labels = rng.standard_normal((n, 2)), rng.integers(0, min(n, 3), n)
        assert same_bits(compiled(x, labels), eager(mg.Tensor(x), mg.Tensor(labels)))
        assert same_bits(net.weight, twin.weight)
    assert compiled.cache_info().hits == 3


def test_fit_compiles_a_last_batch_of_one(rng):
    x, labels = rng.standard_normal((5, 2)), np.array([0, 1, 2, 0, 1])
    nets = []
    for compiled in (False, True):
        net = linear()
        pairs = [(x[:4], labels[:4]), (x[4:], labels[4:])]
        training.fit(
            net, F.cross_entropy, optim.SGD(net.parameters(), lr=0.1), pairs, epochs=3, compile=compiled, progress=False
        )
        nets.append(net)
    assert same_bits(nets[0].weight, nets[1].weight)


PRODUCTS = {
    "inner": lambda x: mg.inner(x, x),
    "einsum with itself, scaled": lambda x: mg.einsum("ij,kj->ik", x, x * 2),
    "stacked": lambda x: mg.einsum("bij,bkj->bik", x[None], x[None] * 2),
    "constants and their transposes": lambda x: (
        mg.constant(np.ones((len(x), len(x)))) @ (mg.constant(np.ones((len(x), len(x))).T) @ x)
    ),
    "a covariance": lambda x: mg.tanh((x - x.mean(axis=0)).T @ (x - x.mean(axis=0))),
    "copies": lambda x: mg.tanh(x.clone().T @ x.clone()),
    "joined": lambda x: mg.tanh(mg.concatenate([x, x]).T @ mg.concatenate([x, x])),
}


@together
@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("shape", [(8, 1), (10, 1), (1, 7), (11, 11), (9, 7), (1, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_of_one_tensor_with_itself_have_eagers_bits(product, shape, dtype, rng):
    derivative = mg.value_and_grad(lambda x: PRODUCTS[product](x).sum())
    compiled = mg.compile(derivative)
    for _ in range(3):
        x = mg.Tensor(rng.standard_normal(shape).astype(dtype))
        assert all(same_bits(a, b) for a, b in zip(compiled(x), derivative(x), strict=True))


SCALAR = {
    "an element": lambda x: (x * 2)[0],
    "an element of an argument": lambda x: x[1],
    "a full sum": lambda x: mg.einsum("i,i->", x, x),
    "a determinant": lambda x: mg.linalg.det(x * mg.constant(np.eye(3))),
    "a place": mg.argmax,
    "a gathered element": lambda x: x[mg.constant(np.array(1))],
}


@pytest.mark.parametrize("name", SCALAR)
def test_what_numpy_gives_as_a_scalar_can_be_written_to(name, rng):
    def step(x):
        z = SCALAR[name](x)
        before = z * 1
        z += 3
        row = z[None]
        row *= 2
        return before, z, row, x * 1

    compiled = mg.compile(step)
    for _ in range(3):
        x = rng.standard_normal(3)
        found, wanted = compiled(x.copy()), step(mg.Tensor(x.copy()))
        assert all(same_bits(a, b) for a, b in zip(found, wanted, strict=True))


def trained(loss, *layers):
    """What makes a network, and a step that trains it."""

    def made():
        mg.random.manual_seed(0)
        net = nn.Sequential(nn.Linear(2, 3), *(layer(3) for layer in layers))
        optimizer = optim.Adam(net.parameters(), lr=0.1)

        def step(x, y):
            optimizer.zero_grad()
            z = loss(net(x), y)
            z.backward()
            optimizer.step()
            return z

        return net, optimizer, step

    return made


GOOD, BAD = np.array([0, 2, 1, 0]), np.array([0, 3, 1, 0])
CHECKED = {
    "cross_entropy": (F.cross_entropy, GOOD, BAD),
    "cross_entropy, weighted": (lambda z, y: F.cross_entropy(z, y, weight=mg.constant([1.0, 2.0, 3.0])), GOOD, BAD),
    "cross_entropy, ignoring": (lambda z, y: F.cross_entropy(z, y, ignore_index=1), GOOD, BAD - 1),
    "cross_entropy of further axes": (lambda z, y: F.cross_entropy(z[:, :, None], y), GOOD[:, None], BAD[:, None]),
    "nll_loss": (lambda z, y: F.nll_loss(F.log_softmax(z, -1), y), GOOD, -BAD),
    "multi_margin_loss": (F.multi_margin_loss, GOOD, BAD),
    "one_hot": (lambda z, y: (z * F.one_hot(y, 3)).sum(), GOOD, BAD),
    "one_hot of negatives": (lambda z, y: (z * F.one_hot(y, 3)).sum(), GOOD, -GOOD),
    "embedding": (lambda z, y: F.embedding(y, z).sum(), GOOD, BAD + 1),
    "embedding of negatives": (lambda z, y: F.embedding(y, z).sum(), GOOD, -GOOD),
    "an index": (lambda z, y: z[y].sum(), GOOD, BAD + 1),
    "an index along": (lambda z, y: mg.take_along_axis(z, y[:, None], axis=1).sum(), GOOD, BAD),
    "an index to take": (lambda z, y: mg.take(z, y, axis=1).sum(), GOOD, BAD),
    "binary_cross_entropy": (lambda z, y: F.binary_cross_entropy(y, mg.sigmoid(z[:, 0])), GOOD / 4 + 0.1, BAD / 2),
    "binary_cross_entropy of nan": (
        lambda z, y: F.binary_cross_entropy(y, mg.sigmoid(z[:, 0])),
        GOOD / 4 + 0.1,
        GOOD * np.nan,
    ),
    "binary_cross_entropy of targets": (
        lambda z, y: F.binary_cross_entropy(mg.sigmoid(z[:, 0]), y),
        GOOD / 2,
        BAD / 2,
    ),
    "gaussian_nll_loss": (lambda z, y: F.gaussian_nll_loss(z[:, 0], z[:, 1], y), GOOD / 2, -GOOD / 2),
}


@pytest.mark.parametrize("name", CHECKED)
@pytest.mark.parametrize("style", sparing(["run", "exact", "plain"], 3))
def test_a_compiled_step_refuses_the_values_that_eager_refuses_before_it_writes(name, style, rng, tmp_path):
    loss, good, bad = CHECKED[name]
    layers = [] if "index" in name else [nn.BatchNorm1d]  # which eager, too, has let count by then
    x = rng.standard_normal((4, 2))
    net, optimizer, step = trained(loss, *layers)()
    with pytest.raises((IndexError, ValueError)) as theirs:
        step(mg.Tensor(x), mg.Tensor(bad))
    net, optimizer, step = trained(loss, *layers)()
    compiled = mg.compile(step)
    for _ in range(3):
        compiled(x, good)
    run, state = compiled, {k: t.data for k, t in net.state_dict(keep_vars=True).items()}
    if style != "run":
        compiled.save(tmp_path / f"step_{style}.py", style=style)
        spec = importlib.util.spec_from_file_location(f"step_{style}", tmp_path / f"step_{style}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        run, state = module.step, module.state
    before = {k: v.tobytes() for k, v in state.items()}
    with pytest.raises(type(theirs.value)) as ours:
        run(x, bad)
    assert before == {k: v.tobytes() for k, v in state.items()}
    assert str(ours.value) in str(theirs.value)  # a file of its own says of an index what NumPy says
    if style == "run":
        assert str(ours.value) == str(theirs.value)
        assert any("had changed no parameter" in note for note in ours.value.__notes__)
        assert all(state["step"] == 3 for state in optimizer.state.values())
        assert compiled(x, good).item() > -np.inf
        assert compiled.cache_info().hits == 3
    if "index" not in name:
        assert "within(" in compiled.source
        rows = compiled.source_as("plain").splitlines()
        calls = 2 if "binary" in name else 1  # of the input, and of the target
        assert len([row for row in rows if "within(" in row]) == 1 + calls  # and the rule


@pytest.mark.parametrize(
    ("function", "good", "bad"),
    [
        (mg.linalg.inv, np.eye(2), np.zeros((2, 2))),
        (lambda x: mg.linalg.solve(x, x + 1), np.eye(2), np.zeros((2, 2))),
        (mg.linalg.cholesky, np.eye(2), -np.eye(2)),
        (mg.grad(lambda x: mg.linalg.slogdet(x)[1]), np.eye(2), np.zeros((2, 2))),
        (lambda x: mg.constant([2, 3]) ** x, np.array([1, 2]), np.array([1, -2])),
        (lambda x: mg.average(mg.constant([2.0, 3.0]), weights=x), np.array([1.0, 2.0]), np.array([2.0, -2.0])),
    ],
)
def test_values_that_eager_refuses_are_refused_in_its_words(function, good, bad):
    compiled = mg.compile(function)
    for _ in range(2):
        compiled(good)
    with pytest.raises(ValueError, match=r"(is|shape) \(2") as theirs:
        function(mg.Tensor(bad))
    with pytest.raises(type(theirs.value)) as ours:
        compiled(bad)
    assert str(ours.value) == str(theirs.value)
    assert compiled.cache_info()[:2] == (1, 1)


def test_values_that_numpy_refuses_in_a_compiled_backward_pass_are_refused_in_eagers_words():
    x = mg.Tensor(np.eye(2), requires_grad=True)
    log = lambda x: mg.linalg.slogdet(x)[1]
    compiled = mg.compile(log)
    compiled(x).backward()
    x.data[...] = 0
    with pytest.raises(np.linalg.LinAlgError, match=r"^inv: x is \(2, 2\): Singular matrix\."):
        log(x).backward()
    with pytest.raises(np.linalg.LinAlgError, match=r"^inv: x is \(2, 2\): Singular matrix\."):
        compiled(x).backward()


def test_a_compiled_step_stops_at_a_norm_that_is_not_finite_before_it_updates():
    w = mg.Tensor([1.0, 1.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)

    @mg.compile
    def step(x):
        optimizer.zero_grad()
        (w * x).sum().backward()
        optim.clip.clip_grad_norm_([w], 1.0, error_if_nonfinite=True)
        optimizer.step()

    for _ in range(2):
        step(np.zeros(2))
    with pytest.raises(RuntimeError, match="the norm of the gradients is inf, so they cannot be scaled"):
        step(np.array([1.0, np.inf]))
    assert w.tolist() == [1, 1]
    assert step.cache_info()[:2] == (1, 1)


def test_a_check_of_what_the_step_computes_stays_where_it_is(rng):
    """A probability is known only after the batch norm has counted the batch; then nothing else is written."""
    *_, step = trained(lambda z, y: F.binary_cross_entropy(z[:, 0], y), nn.BatchNorm1d)()
    compiled = mg.compile(step)
    x = rng.standard_normal((4, 2))
    with pytest.raises(ValueError, match="probabilities"):
        compiled(x, GOOD / 2)


def test_how_many_classes_the_labels_have_is_not_frozen_into_a_program():
    compiled = mg.compile(F.one_hot)
    with pytest.raises(mg.CompileError, match="asks for the value"):
        compiled(np.array([0, 1]))
    assert F.one_hot([0, 2]).shape == (2, 3)
    assert F.one_hot(np.zeros(0, int), 3).shape == (0, 3)


def test_labels_that_are_the_same_in_every_call_are_checked_once():
    compiled = mg.compile(lambda x: F.cross_entropy(x, mg.constant([0, 1])))
    x = np.ones((2, 3))
    assert compiled(x).item() == compiled(x).item()
    assert "within" not in compiled.source


class Acting(nn.Module):
    """A layer with a function, a flag and a number among its attributes."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 3)
        self.act, self.acts, self.bent, self.scale = F.tanh, [F.tanh], True, 1.0

    def forward(self, x):
        y = self.act(self.layer(x)) * self.scale
        return self.acts[0](y) if self.bent else y


squash = F.tanh


def replaced(name):
    """A function of one argument, and what puts something else where it takes something from."""
    act, known, holder, net = F.tanh, {"act": F.tanh}, SimpleNamespace(act=F.tanh), Acting()

    def rebind(x):
        globals()["squash"] = x

    def enclose(x):
        nonlocal act
        act = x

    rebind(F.tanh)
    return {
        "a global": (lambda x: squash(x) * 2, lambda: rebind(F.relu)),
        "a closure": (lambda x: act(x) * 2, lambda: enclose(F.relu)),
        "a function in a dict": (lambda x: known["act"](x) * 2, lambda: known.update(act=F.relu)),
        "a function in an object": (lambda x: holder.act(x) * 2, lambda: setattr(holder, "act", F.relu)),
        "an attribute": (net, lambda: setattr(net, "act", F.relu)),
        "a function in a list": (net, lambda: net.acts.__setitem__(0, F.relu)),
        "a flag": (net, lambda: setattr(net, "bent", False)),
        "a number": (net, lambda: setattr(net, "scale", 2.0)),
        "forward": (net, lambda: setattr(net, "forward", net.layer)),
        "a lambda": (net, lambda: setattr(net, "act", lambda x: x * 3)),
    }[name]


def assert_noticed(function, change, rng):
    """What `change` does between calls has the compiled `function` take another program, whose bits are eager's."""
    compiled = mg.compile(function)
    x = rng.standard_normal((2, 2))
    for _ in range(3):
        compiled(x)
    assert compiled.cache_info()[:2] == (2, 1)
    change()
    for _ in range(2):
        assert same_bits(compiled(x), function(mg.Tensor(x)))
    assert compiled.cache_info()[:2] == (3, 2)


@pytest.mark.parametrize(
    "name",
    ["a global", "a closure", "a function in a dict", "a function in an object", "an attribute", "a function in a list",
     "a flag", "a number", "forward", "a lambda"],
)  # fmt: skip
def test_a_replaced_function_is_noticed_between_calls(name, rng):
    assert_noticed(*replaced(name), rng)


def by_class(name):
    """A function of one argument that asks methods, and what changes what these are or do."""

    class Above(nn.Module):
        def raised(self, x):
            return squash(x) * 3

    class Net(Above):
        act, table = staticmethod(F.relu), mg.Tensor([2.0, 3.0, 4.0])

        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 3)

        def helper(self, x):
            return squash(x) * self.table

        def forward(self, x):
            return self.helper(self.layer(x))

        def beyond(self, x):
            return super().raised(x)

        @property
        def wide(self):
            return squash(self.layer.weight)

        @classmethod
        def made(cls, x):
            return squash(x)

    class Holder:
        def __init__(self):
            self.net = Net()

        def step(self, x):
            return self.loss(self.net(x))

        def loss(self, x):
            return x * x

    module = ModuleType("somewhere")
    module.double = lambda x: x * 2
    globals()["squash"] = F.tanh
    net, holder = Net(), Holder()
    rebind = partial(globals().__setitem__, "squash", F.relu)
    return {
        "a global of a method": (net, rebind),
        "a global of a property": (lambda x: x @ net.wide.T, rebind),
        "a global of a class method": (lambda x: net.made(x) * 2, rebind),
        "a method": (net, partial(setattr, Net, "helper", lambda self, x: x)),
        "forward": (net, partial(setattr, Net, "forward", lambda self, x: self.layer(x))),
        "a method of an object": (holder.step, partial(setattr, Holder, "loss", lambda self, x: x + 1)),
        "an inherited method": (lambda x: net.raised(x) * 2, partial(setattr, Above, "raised", lambda self, x: x + 1)),
        "a method that is overridden": (
            lambda x: net.raised(x) * 2,
            partial(setattr, Net, "raised", lambda self, x: -x),
        ),
        "a method by super": (lambda x: net.beyond(x) * 2, partial(setattr, Above, "raised", lambda self, x: x + 1)),
        "a static method": (lambda x: net.act(x) * 2, partial(setattr, Net, "act", staticmethod(F.sigmoid))),
        "a tensor of a class": (net, partial(setattr, Net, "table", mg.Tensor([1.0, 1.0, 1.0]))),
        "a function of a module": (lambda x: module.double(x) * 2, partial(setattr, module, "double", lambda x: x - 3)),
        "a function of a class": (lambda x: Net.act(x) * 2, partial(setattr, Net, "act", staticmethod(F.sigmoid))),
    }[name]


@pytest.mark.parametrize(
    "name",
    ["a global of a method", "a global of a property", "a global of a class method", "a method", "forward",
     "a method of an object", "an inherited method", "a method that is overridden", "a method by super",
     "a static method", "a tensor of a class", "a function of a module", "a function of a class"],
)  # fmt: skip
def test_a_method_that_does_something_else_is_noticed_between_calls(name, rng):
    assert_noticed(*by_class(name), rng)


class Masked(nn.Module):
    """A layer with what is neither tensor nor number: tuples, a list, an array, and numbers of its class."""

    scale = 2.0

    def __init__(self):
        super().__init__()
        self.axes, self.factors, self.mask = (0, (1,)), [1.0, 2.0], np.array([1.0, 0.0])

    def __getitem__(self, i):
        return self.factors[i]

    @property
    def wide(self):
        return 3.0

    @classmethod
    def made(cls, x):
        return x * 5

    def forward(self, x):
        y = x.sum(axis=self.axes[1], keepdims=True) * mg.constant(self.mask) * self[1]
        return self.made(y) * self.scale * self.wide


def defaulted(x, by=2.0, *, plus=1.0):
    """What has defaults."""
    return x * by + plus


class Descent(optim.SGD):
    """An optimiser of the user."""

    def update(self, p, g, state, **numbers):
        super().update(p, g * 2, state, **numbers)


def updated():
    """A step of the user's optimiser, which gives the parameter."""
    w = mg.Tensor(np.ones(2), requires_grad=True)
    optimizer = Descent([w], lr=0.1)

    def step(x):
        optimizer.zero_grad()
        (w * x).sum().backward()
        optimizer.step()
        with mg.no_grad():
            y = w * 1
            w.copy_(mg.constant(np.ones(2)))
        return y

    return step


class Doubled(Masked):
    """What a property and a class method may become."""

    wide = property(lambda self: 7.0)

    @classmethod
    def made(cls, x):
        return x * 11


REPLACED = {
    "a function of our module": (lambda: lambda x: F.tanh(x) * 2, (F, "tanh", F.relu)),
    "a function by its path": (lambda: lambda x: mg.nn.functional.tanh(x) * 2, (F, "tanh", F.relu)),
    "a function of the package": (lambda: lambda x: mg.exp(x) * 2, (mg, "exp", F.relu)),
    "a function in a function": (lambda: lambda x: sum(F.tanh(y) for y in (x, x)), (F, "tanh", F.relu)),
    "what a layer asks for": (lambda: nn.LayerNorm(2), (F, "layer_norm", lambda x, *settings: x * 2)),
    "forward of our class": (lambda: nn.Sequential(nn.Tanh()), (nn.Tanh, "forward", lambda self, x: x * 2)),
    "a number of a class": (Masked, (Masked, "scale", 3.0)),
    "a property": (Masked, (Masked, "wide", Doubled.wide)),
    "a class method": (Masked, (Masked, "made", vars(Doubled)["made"])),
    "what brackets do": (Masked, (Masked, "__getitem__", lambda self, i: self.factors[0])),
    "defaults": (lambda: defaulted, (defaulted, "__defaults__", (3.0,))),
    "keyword defaults": (lambda: defaulted, (defaulted, "__kwdefaults__", {"plus": 3.0})),
    "code": (lambda: defaulted, (defaulted, "__code__", (lambda x, by, *, plus: x - by - plus).__code__)),
    "an update": (
        updated,
        (Descent, "update", lambda self, p, g, *more, **numbers: optim.SGD.update(p, g * 3, *more, **numbers)),
    ),
}


@pytest.mark.parametrize("name", REPLACED)
def test_what_code_asks_for_by_name_may_be_another_between_calls(name, rng, monkeypatch):
    made, change = REPLACED[name]
    function = made()
    compiled = mg.compile(function)
    x = rng.standard_normal((2, 2))
    for _ in range(3):
        compiled(x)
    assert compiled.cache_info()[:2] == (2, 1)
    monkeypatch.setattr(*change)
    for _ in range(2):
        assert same_bits(compiled(x), function(mg.Tensor(x)))
    assert compiled.cache_info()[:2] == (3, 2)


@pytest.mark.parametrize(
    ("layer", "name", "value"),
    [
        (lambda: nn.Conv1d(2, 3, 2), "padding", (2,)),
        (lambda: nn.Conv1d(2, 3, 2), "stride", (2,)),
        (lambda: nn.Conv1d(2, 3, 2), "dilation", (2,)),
        (lambda: nn.Conv1d(2, 3, 2, padding=1), "padding_mode", "circular"),
        (lambda: nn.MaxPool1d(2), "kernel_size", (3,)),
        (lambda: nn.LayerNorm(6, elementwise_affine=False), "normalized_shape", (2, 6)),
        (lambda: nn.LayerNorm(6), "eps", 0.5),
        (Masked, "axes", (0, (2,))),
        (Masked, "factors", [1.0, 5.0]),
        (Masked, "mask", np.array([0.0, 3.0])),
    ],
)
def test_a_setting_of_a_layer_may_be_another_between_calls(layer, name, value, rng):
    net = layer()
    compiled = mg.compile(net)
    x = rng.standard_normal((2, 2, 6)) if not isinstance(net, Masked) else rng.standard_normal((2, 2, 2))
    for _ in range(3):
        compiled(x)
    setattr(net, name, value)
    for _ in range(2):
        assert same_bits(compiled(x), net(mg.Tensor(x)))
    if isinstance(value, tuple):
        setattr(net, name, (*value,))  # an equal one is no other
    assert same_bits(compiled(x), net(mg.Tensor(x)))
    assert compiled.cache_info()[:2] == (4, 2)


def test_the_reduction_of_a_loss_may_be_another_between_calls(rng):
    net = nn.HuberLoss()
    compiled = mg.compile(net)
    x, y = rng.standard_normal((2, 3, 4))
    for net.reduction, net.delta in (("mean", 1.0), ("sum", 1.0), ("sum", 0.5), ("mean", 1.0)):
        assert np.array_equal(compiled(x, y).data, net(x, y).data)


def test_a_method_that_no_step_asks_may_be_replaced(rng):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 3)

        def forward(self, x):
            return self.layer(x)

        def describe(self):
            return squash

    net = Net()
    compiled = mg.compile(net)
    x = rng.standard_normal((2, 2))
    for _ in range(3):
        compiled(x)
        Net.describe = lambda self: ""
        Net.more = 3
    assert compiled.cache_info()[:2] == (2, 1)


SCALARS = ["int8", "uint8", "int16", "int32", "int64", "float16", "float32", "float64", "longdouble", "bool"]


@together
@pytest.mark.parametrize("kind", SCALARS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_scalar_of_numpy_is_an_argument(kind, dtype):
    x = np.arange(3, dtype=dtype)
    compiled = mg.compile(lambda x, scale: (x * scale + scale, x.sum(axis=0, keepdims=bool(scale))))
    for scale in (1, 0, 1):
        scale = np.dtype(kind).type(scale)  # noqa: PLW2901
        wanted = mg.Tensor(x) * scale + scale
        found, _ = compiled(x, scale)
        assert found.dtype == wanted.dtype
        assert np.array_equal(found.data, wanted.data)
    assert compiled.cache_info()[:2] == (1, 2)


@pytest.mark.parametrize("tensor", [np.asarray, mg.Tensor])
def test_an_array_that_comes_twice_is_itself(tensor):
    compiled = mg.compile(lambda a, b, more: a * 2 if a is b and more[0] is a else a * 3)
    x, y = tensor(np.ones(3)), tensor(np.ones(3))
    for _ in range(2):
        assert compiled(x, x, [x]).tolist() == [2, 2, 2]
        assert compiled(x, y, [x]).tolist() == [3, 3, 3]
        assert compiled(x, x, [y]).tolist() == [3, 3, 3]


def test_the_source_of_a_program_goes_before_the_next_one_comes():
    def sources():
        gc.collect()
        mg.compile(lambda x: x + 1)(np.ones(3))  # the next one, whose own source stays
        return sum(name.startswith("<micrograd_np") for name in linecache.cache)

    before = sources()
    w = mg.Tensor(np.ones(3), requires_grad=True)
    compiled = mg.compile(lambda x: (x * w).sum())
    z = compiled(np.ones(3)) + compiled(np.ones(3))
    assert sources() == before + 2
    compiled.clear()
    assert sources() == before + 1  # of the backward pass that z may still ask for
    z.backward()
    del z
    assert sources() == before
    compiled(np.ones(3))
    del compiled
    assert sources() == before


def test_a_traceback_may_be_written_while_programs_go():
    compiled = mg.compile(lambda x: x + 1)
    compiled(np.ones(3))
    files = list(linecache.cache)  # as `linecache.checkcache` goes through them, while anything may be collected
    del compiled
    gc.collect()
    assert all(file in linecache.cache for file in files)


def test_a_backward_pass_that_fails_says_that_what_was_written_forward_stays():
    mean, v = mg.Tensor(np.ones(3)), mg.Tensor(np.ones(3), requires_grad=True)

    @mg.compile
    def step(x, *, writes):
        with mg.no_grad():
            if writes:
                mean.copy_(mean * 0.5)
        return (v * x).sum()

    for writes, told in ((True, "what the forward pass had written before it stays"), (False, "had changed no param")):
        step(np.ones(3), writes=writes)
        with np.errstate(all="raise"), pytest.raises(FloatingPointError) as caught:
            step(np.full(3, 1e10), writes=writes).backward(np.array(1e300))
        assert told in caught.value.__notes__[-1]


def test_a_loop_that_threads_will_share_has_not_begun_to_change_a_parameter(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    state = {"w": mg.Tensor(np.ones(1_500_000))}

    @mg.compile
    def step(x):
        with mg.no_grad():
            top = mg.linalg.inv(x)[0, 0]
            state["w"] *= 0.5
            state["w"] += top
            state["w"] *= 3.0
            return top

    step(np.eye(2))
    assert "threads.submit" in step.source
    with pytest.raises(np.linalg.LinAlgError) as caught:
        step(np.zeros((2, 2)))
    assert "had changed no parameter" in caught.value.__notes__[-1]
