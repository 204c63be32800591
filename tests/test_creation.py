"""What is created of shapes, ranges and data equals NumPy's in our default dtype; it is trained, compiled and saved."""

import pickle

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import creation

OF_SHAPES = ["zeros", "ones", "empty"]


@pytest.fixture(params=["float64", "float32"])
def default(request):
    """The default dtype, and float64 afterwards."""
    mg.set_default_dtype(request.param)
    yield np.dtype(request.param)
    mg.set_default_dtype("float64")


def same(ours, theirs, dtype=None):
    assert type(ours) is mg.Tensor
    assert ours.dtype == (theirs.dtype if dtype is None else dtype)
    np.testing.assert_array_equal(ours.data, theirs.astype(ours.dtype))


@pytest.mark.parametrize("name", OF_SHAPES)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 0, 3)])
def test_a_shape_is_spelt_as_lengths_or_as_one_sequence(name, shape, default):
    create = getattr(mg, name)
    for z in (create(*shape), create(shape), create(list(shape))):
        assert z.shape == shape
        assert z.dtype == default
        if name != "empty":
            same(z, getattr(np, name)(shape), default)
    for dtype in ("float32", int, mg.int32, np.dtype(bool)):
        assert create(*shape, dtype=dtype).dtype == create(shape, dtype).dtype == np.dtype(dtype)


def test_ranges_matrices_and_fills_are_numpys(default):
    same(mg.arange(5), np.arange(5))
    same(mg.arange(2, 9, 3), np.arange(2, 9, 3))
    same(mg.arange(1, 0, -0.25), np.arange(1, 0, -0.25), default)
    same(mg.arange(3, dtype=float), np.arange(3.0))
    same(mg.linspace(0, 1, 7), np.linspace(0, 1, 7), default)
    same(mg.linspace(0, 1, 4, endpoint=False), np.linspace(0, 1, 4, endpoint=False), default)
    same(mg.eye(3), np.eye(3), default)
    same(mg.eye(2, 4, k=1, dtype=int), np.eye(2, 4, k=1, dtype=int))
    same(mg.full((2, 3), 7), np.full((2, 3), 7))
    same(mg.full(3, 0.1), np.full(3, 0.1), default)
    same(mg.full((2, 2), [1, 2], dtype="float32"), np.full((2, 2), [1, 2], "float32"))


def test_what_is_created_like_another_has_its_shape_and_dtype(default):
    for x in (np.ones((2, 3), "float32"), np.arange(3), np.array(True)):
        t = mg.Tensor(x)
        same(mg.zeros_like(t), np.zeros_like(x))
        same(mg.ones_like(t), np.ones_like(x))
        same(mg.full_like(t, 1), np.full_like(x, 1))
        same(mg.ones_like(t, dtype=float), np.ones_like(x, dtype=float))
        same(mg.zeros_like(t, dtype="float32", requires_grad=True), np.zeros_like(x, dtype="float32"))
        for f in (mg.zeros_like, mg.ones_like):
            assert type(f(x)) is np.ndarray


def test_torch_agrees_on_values_shapes_and_kinds():
    torch = pytest.importorskip("torch")
    for line in (
        "zeros(2, 3)", "ones((2, 3))", "eye(3)", "eye(2, 3)", "arange(5)", "arange(1, 4)", "arange(0, 1, 0.25)",
        "linspace(0, 1, 5)", "full((2, 2), 3.5)", "full((2,), 3)", "tensor([[1, 2], [3, 4]])", "tensor(2.5)",
        "tensor([True, False])", "zeros(2, 3, dtype=X.int64)", "ones(2, device='cpu')", "as_tensor([1.0, 2.0])",
        "ones_like(X.zeros(2, 3))", "full_like(X.arange(3), 7)", "zeros(3, requires_grad=True).detach()",
        "from_numpy(np.arange(3.0))", "cat([X.ones(2), X.zeros(1)])", "cat((X.ones(2, 1), X.zeros(2, 2)), 1)",
    ):  # fmt: skip
        ours, theirs = (eval(f"X.{line}", {"X": x, "np": np}) for x in (mg, torch))
        np.testing.assert_array_equal(ours.data, theirs.numpy(), err_msg=line)
        assert ours.dtype.kind == theirs.numpy().dtype.kind, line


@together
@pytest.mark.parametrize("name", creation.__all__)
def test_requires_grad_makes_a_leaf_that_is_trained(name):
    arguments = {"full": (3, 2.0), "full_like": ([1.0] * 3, 2.0), "linspace": (0, 1, 3), "arange": (0.0, 3.0)}
    data = {"tensor": [1.0] * 3, "ones_like": np.ones(3), "zeros_like": np.ones(3)}
    if name in {"as_tensor", "from_dlpack", "from_numpy"}:
        pytest.skip("PyTorch's take no requires_grad either")
    x = getattr(mg, name)(*arguments.get(name, (data.get(name, 3),)), requires_grad=True)
    assert x.is_leaf
    (3 * x).sum().backward()
    np.testing.assert_array_equal(x.grad.data, np.full(x.shape, 3.0))


def test_the_gradient_of_a_fill_is_its_sum():
    x = mg.tensor(2.0, requires_grad=True)
    mg.full((2, 3), x).sum().backward()
    assert x.grad.item() == 6.0
    x.grad = None
    mg.full_like(mg.zeros(4), x).sum().backward()
    assert x.grad.item() == 4.0


def test_tensor_copies_and_as_tensor_and_from_numpy_share():
    a = np.zeros(2)
    t = mg.Tensor(a)
    assert not np.shares_memory(mg.tensor(a).data, a)
    assert not np.shares_memory(mg.tensor(t).data, a)
    assert np.shares_memory(mg.from_numpy(a).data, a)
    assert np.shares_memory(mg.as_tensor(a).data, a)
    assert mg.as_tensor(t) is mg.as_tensor(t, dtype=float) is t
    assert mg.as_tensor(t, dtype="float32").dtype == mg.float32
    w = mg.tensor([1.0], requires_grad=True)
    assert mg.tensor(w * 2).is_leaf
    assert mg.tensor(w, dtype="float32").dtype == mg.float32
    with pytest.raises(TypeError, match="from_numpy: ndarray must be an ndarray; found a list"):
        mg.from_numpy([1.0])


def test_what_cannot_be_created_is_said():
    for call, says in (
        (lambda: mg.zeros(2.5), r"zeros: shape must be an integer; found 2.5"),
        (lambda: mg.zeros((2, -1)), r"zeros: shape must be at least 0; found -1"),
        (lambda: mg.full((2, 3), [1, 2]), r"full: fill_value is \(2,\); it does not fill \(2, 3\)"),
        (lambda: mg.arange(0, 3, 0), r"arange: step must be other than 0"),
        (lambda: mg.linspace(0, 1, steps=5), r"linspace: does not take steps=.* PyTorch's steps is num here"),
        (lambda: mg.arange(0, end=5), r"arange: does not take end=.* PyTorch's end is stop here"),
        (lambda: mg.zeros(size=(2, 3)), r"zeros: does not take size=; its arguments are \*shape, dtype, requires_grad"),
        (lambda: mg.tensor("text"), "Tensor: needs real numbers"),
        (lambda: mg.zeros(2, dtype=int, requires_grad=True), "requires_grad: only floating tensors have gradients"),
    ):
        with pytest.raises((TypeError, ValueError), match=says):
            call()


def test_a_compiled_step_creates_anew_what_it_writes_into_and_keeps_the_rest():
    def step(x, w):
        total = mg.zeros(3)
        total += x
        rows = mg.empty(2, 3)
        rows[0] = x * mg.arange(3)
        rows[1] = mg.ones_like(x) + mg.linspace(0, 1, 3)
        bias = mg.full(3, 0.5, requires_grad=True)
        loss = ((rows + total) * w + bias + mg.eye(3)[1] + mg.full((3,), 2)).sum()
        loss.backward()
        return loss, bias.grad, total

    compiled = mg.compile(step)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        x, w = mg.Tensor(rng.normal(size=3)), mg.Tensor(rng.normal(size=3), requires_grad=True)
        expected = [z.data.copy() for z in step(x, w)] + [w.grad.data.copy()]
        w.grad = None
        for a, b in zip([*compiled(x, w), w.grad], expected, strict=True):
            np.testing.assert_array_equal(a.data, b)


def test_a_constant_of_a_compiled_step_costs_nothing():
    @mg.compile
    def step(x):
        return (x * mg.arange(3.0) + mg.ones(3)).sum()

    assert step(mg.Tensor([1.0, 2.0, 3.0])).item() == 11.0
    assert "copy" not in step.source.partition("def step")[2].partition("return")[0]


def test_a_compiled_step_draws_anew_and_as_eager_code_does():
    def step(x):
        return x + mg.random.randn(3) + mg.random.rand((3,)) + mg.random.randint(0, 10, (3,))

    compiled, x = mg.compile(step), mg.zeros(3)
    drawn = []
    for f in (step, compiled):
        assert mg.manual_seed(7) is mg.random.generator()
        drawn.append([f(x).tolist() for _ in range(3)])
    assert drawn[0] == drawn[1]
    assert drawn[0][0] != drawn[0][1]


def test_draws_are_spelt_as_in_pytorch():
    assert mg.random.randn(2, 3).shape == mg.random.rand((2, 3)).shape == mg.random.randn([2, 3]).shape == (2, 3)
    assert mg.random.randn().shape == ()
    assert mg.random.rand(2, requires_grad=True).requires_grad
    assert mg.random.randn(2, dtype="float32").dtype == mg.float32
    z = mg.random.randint(5, (1000,))
    assert (z.shape, z.dtype, set(z.tolist())) == ((1000,), mg.int64, set(range(5)))
    assert set(mg.random.randint(3, 5, (100,)).tolist()) == {3, 4}
    assert set(mg.random.randint(3, 5, size=(100,)).tolist()) == {3, 4}
    assert mg.random.randint(5, size=4).shape == (4,)
    mg.manual_seed(0)
    first = mg.random.normal(size=(2, 3))
    mg.manual_seed(0)
    np.testing.assert_array_equal(mg.random.randn(2, 3).data, first.data)


def test_dtypes_are_numpys():
    for name in ["bool_", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8"]:
        assert getattr(mg, name) is getattr(np, name)
    assert mg.zeros(2, dtype=mg.float32).dtype == mg.float32


def test_what_is_created_can_be_pickled_and_drawn():
    x = mg.ones(2, requires_grad=True)
    again = pickle.loads(pickle.dumps(x))
    assert (again.tolist(), again.requires_grad) == ([1.0, 1.0], True)
    assert pickle.loads(pickle.dumps(mg.zeros)) is mg.zeros
    assert pickle.loads(pickle.dumps(mg.random.randn)) is mg.random.randn
    assert pickle.loads(pickle.dumps(mg.cat)) is mg.cat
    assert mg.draw((x * mg.arange(2.0)).sum()).source.count("label") > 3
