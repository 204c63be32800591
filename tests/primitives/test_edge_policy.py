"""What happens at the edges is what docs/edges.md says, and what the policy promises by hand."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from together import together

import micrograd_np as mg

DOCS = Path(__file__).parents[2] / "docs"
INF, NAN = np.inf, np.nan


def generator(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def derivatives(f, *points):
    """Value, first derivative, and the derivative of their sum, of the sum of f."""
    xs = [mg.Tensor(np.array(p, dtype=float), requires_grad=True) for p in points]
    with np.errstate(all="ignore"):
        z = f(*xs)
        z.sum().backward(create_graph=True)
        first = [x.grad for x in xs]
        for x in xs:
            x.grad = None
        total = sum(g.sum() for g in first)
        if total.requires_grad:
            total.backward()
    second = [np.zeros(x.shape) if x.grad is None else x.grad.data for x in xs]
    return z.data, [g.data for g in first], second


def test_the_page_of_edges_is_fresh():
    edges = generator("generate_edges")
    stored = edges.json.loads(edges.ANSWERS.read_text(encoding="utf-8"))
    assert edges.page(stored) == edges.PAGE.read_text(encoding="utf-8"), "run: python docs/generate_edges.py"


@pytest.mark.filterwarnings("ignore")
def test_the_stored_answers_are_pytorchs():
    torch = pytest.importorskip("torch")
    edges = generator("generate_edges")
    stored = edges.json.loads(edges.ANSWERS.read_text(encoding="utf-8"))["torch"]
    if torch.__version__.partition("+")[0] != stored["version"]:
        pytest.skip("another version of PyTorch")
    for case in edges.CASES:
        for point in case.points if case.torch else ():
            assert str(edges.ask_torch(case, point)) == str(stored["answers"][case.title][str(point)]), (
                case.title,
                point,
            )


def guarded(name, f, inside=lambda x: x > 0):
    return pytest.param(lambda x: mg.where(inside(x), f(x), 0.0), id=name)


@together
@pytest.mark.parametrize(
    "f",
    [
        guarded("sqrt", mg.sqrt),
        guarded("log", mg.log),
        guarded("log1p", lambda x: mg.log1p(x - 1)),
        guarded("log2", mg.log2),
        guarded("log10", mg.log10),
        guarded("cbrt", mg.cbrt),
        guarded("reciprocal", mg.reciprocal),
        guarded("divide", lambda x: (x + 1) / x),
        guarded("power", lambda x: x**-1.5),
        guarded("arcsin", lambda x: mg.arcsin(1 - x)),
        guarded("arccos", lambda x: mg.arccos(1 - x)),
        guarded("arccosh", lambda x: mg.arccosh(1 + x)),
        guarded("arctanh", lambda x: mg.arctanh(1 - x)),
        guarded("norm", lambda x: mg.norm(x.reshape(-1, 1), axis=1)),
        guarded("xlogy", lambda x: mg.xlogy(x, x)),
    ],
)
def test_no_gradient_leaves_where_none_arrives(f):
    _, (first,), (second,) = derivatives(f, [0.0])
    assert first == 0
    assert second == 0


@pytest.mark.parametrize(
    "guard", [mg.relu, lambda x: mg.maximum(x, 0.0), lambda x: mg.clip(x, 0, None), lambda x: mg.clip(x, 0, 1)]
)
def test_a_mask_holds_back_an_infinite_slope(guard):
    _, (first,), (second,) = derivatives(lambda x: mg.sqrt(guard(x)), [-1.0, -2.0])
    assert first.tolist() == second.tolist() == [0, 0]


@pytest.mark.parametrize("f", [mg.norm, mg.std, lambda x: mg.norm(x, axis=0), lambda x: mg.std(x, ddof=1)])
def test_length_and_spread_have_the_subgradient_zero_where_they_are_zero(f):
    value, (first,), (second,) = derivatives(f, [0.0, 0.0, 0.0])
    assert value == 0
    assert first.tolist() == second.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("f", "points", "shares"),
    [
        (mg.maximum, (1.0, 1.0), (0.5, 0.5)),
        (mg.minimum, (1.0, 1.0), (0.5, 0.5)),
        (mg.maximum, (INF, INF), (0.5, 0.5)),
        (mg.logaddexp, (-INF, -INF), (0.5, 0.5)),
        (mg.logaddexp, (INF, INF), (0.5, 0.5)),
    ],
)
def test_two_at_a_tie_share_equally(f, points, shares):
    _, first, _ = derivatives(f, *points)
    assert tuple(map(float, first)) == shares


@pytest.mark.parametrize(
    ("f", "x"), [(mg.max, [3.0, 1.0, 3.0]), (mg.min, [0.0, 5.0, 0.0]), (mg.max, [-INF, -INF, -INF])]
)
def test_all_who_attain_an_extreme_share_equally(f, x):
    _, (first,), _ = derivatives(f, x)
    winners = np.equal(x, f(np.array(x)))
    assert first.tolist() == (winners / winners.sum()).tolist()


def test_inside_clip_includes_its_bounds():
    _, (first,), _ = derivatives(lambda x: mg.clip(x, 0, 1), [-0.1, 0.0, 0.5, 1.0, 1.1])
    assert first.tolist() == [0, 1, 1, 1, 0]


@pytest.mark.parametrize("x", [-2.0, 0.0, 3.0])
def test_the_zeroth_power_is_one_everywhere(x):
    for exponent in (0, 0.0, np.array(0.0)):
        value, (first,), (second,) = derivatives(lambda x, e=exponent: mg.power(x, e), x)
        assert (value, first, second) == (1, 0, 0)


@pytest.mark.parametrize(
    ("x", "first", "second"),
    [
        ([2.0, 3.0, 4.0], [12, 8, 6], [7, 6, 5]),
        ([0.0, 3.0, 4.0], [12, 0, 0], [7, 4, 3]),
        ([0.0, 0.0, 4.0], [0, 0, 0], [4, 4, 0]),
        ([0.0, 0.0, 0.0], [0, 0, 0], [0, 0, 0]),
    ],
)
def test_products_with_zeros_have_exact_derivatives(x, first, second):
    _, (g,), (h,) = derivatives(mg.prod, x)
    assert g.tolist() == first
    assert h.tolist() == second
    _, (g,), (h,) = derivatives(lambda x: mg.cumprod(x)[-1], x)  # the last of the running products is the product
    assert g.tolist() == first
    assert h.tolist() == second


@together
@pytest.mark.parametrize("f", [mg.softmax, mg.log_softmax, mg.logsumexp])
@pytest.mark.parametrize("x", [[0.0, -INF], [-INF, -INF], [1e4, -1e4], [-1e300, -INF]])
def test_minus_infinity_is_a_probability_of_zero(f, x):
    value, (first,), (second,) = derivatives(f, x)
    assert not np.isnan(value).any()
    assert not np.isnan(first).any()
    assert not np.isnan(second).any()


@together
@pytest.mark.parametrize("x", [-1e4, -1000.0, 1000.0, 1e4, -1e300, 1e300])
@pytest.mark.parametrize(
    "name", ["sigmoid", "softplus", "log_sigmoid", "silu", "gelu", "mish", "tanh", "elu", "selu", "celu", "softsign"]
)
def test_activations_are_finite_and_silent_however_large_their_input(name, x):
    z = mg.Tensor(x, requires_grad=True)
    value = getattr(mg.functional, name)(z)
    value.backward()
    assert np.isfinite(value.data)
    assert np.isfinite(z.grad.data)


def test_xlogy_of_nothing_is_nothing():
    value, first, _ = derivatives(mg.xlogy, 0.0, 0.0)
    assert (value, *first) == (0, 0, 0)


@pytest.mark.parametrize(
    "f", [mg.sum, mg.prod, mg.logsumexp, mg.softmax, mg.cumsum, mg.cumprod, mg.norm, mg.any, mg.all]
)
def test_reductions_of_nothing_are_what_numpy_says(f):
    x = mg.Tensor(np.zeros((0, 3)), requires_grad=True)
    z = f(x, axis=0)
    if z.requires_grad:
        z.sum().backward()
        assert x.grad.shape == (0, 3)
    expected = {mg.prod: 1, mg.logsumexp: -INF, mg.all: True}.get(f, 0)
    assert (z.data == expected).all()


@pytest.mark.parametrize("f", [mg.max, mg.min, mg.argmax, mg.argmin])
def test_an_extreme_of_nothing_is_an_error(f):
    with pytest.raises(ValueError, match=f.name):
        f(mg.Tensor(np.zeros((0, 3))), axis=0)


@pytest.mark.parametrize("divisor", [0.0, -0.0, INF, NAN])
@pytest.mark.parametrize("kind", [float, np.array, mg.Tensor])
def test_no_gradient_leaves_a_quotient_where_none_arrives_whatever_it_is_divided_by(divisor, kind):
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    with np.errstate(all="ignore"):
        mg.where([True, True], x, x / kind(divisor)).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [1, 1])
