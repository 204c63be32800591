"""Numbers, nothing, integers and booleans: where NumPy computes, so do we, values, shapes and dtypes alike."""

import numpy as np
import pytest
from together import together

import micrograd_np as mg

INPUTS = {
    "a number": np.array(3.5),
    "an integer": np.array(3),
    "a boolean": np.array(True),
    "one element": np.array([2.5]),
    "nothing": np.zeros(0),
    "no rows": np.zeros((0, 3)),
    "no columns": np.zeros((2, 0)),
    "no integers": np.zeros(0, int),
    "integers": np.array([[3, 1, 2], [4, 0, 5]]),
    "small integers": np.array([100, -100, 127], np.int8),
    "small naturals": np.array([1, 255, 3], np.uint8),
    "booleans": np.array([[True, False], [True, True]]),
    "a row of booleans": np.array([True, False, True]),
    "numbers": np.array([[3.0, 1, 2], [4, 0, 5]]),
    "single precision": np.array([3, 1, 2], np.float32),
    "nan": np.array([1, np.nan, 3]),
    "infinities": np.array([np.inf, 1, -np.inf]),
}
ALONG = ({}, {"axis": 0}, {"axis": -1}, {"axis": 1}, {"axis": None})
ALONG_AXES = (
    "sum mean prod max min var std ptp nansum nanmean nanmax nanmin nanprod median cumsum cumprod argmax argmin all "
    "any sort argsort flip average diff squeeze expand_dims"
)
ALONE = (
    "ravel transpose atleast_1d atleast_2d atleast_3d diag trace tril triu fliplr flipud rot90 unstack nan_to_num "
    "isnan isinf isfinite absolute negative sign square reciprocal sqrt exp exp2 expm1 log1p log2 cbrt floor ceil "
    "trunc round sin cosh arctan tanh logical_not invert zeros_like"
)
PAIRS = (
    "add subtract multiply divide power maximum minimum equal less logical_and logical_xor bitwise_and arctan2 hypot "
    "logaddexp floor_divide remainder fmod dot inner outer kron vdot matmul matvec vecmat tensordot append"
)
SETTINGS = {
    **dict.fromkeys(ALONG_AXES.split(), ALONG),
    **dict.fromkeys(ALONE.split(), ({},)),
    "repeat": ({"repeats": 2}, {"repeats": 2, "axis": 0}, {"repeats": 0}),
    "tile": ({"reps": 2}, {"reps": (2, 1)}, {"reps": 0}, {"reps": ()}),
    "roll": ({"shift": 1}, {"shift": 1, "axis": 0}, {"shift": -1, "axis": -1}),
    "pad": ({"pad_width": 1}, {"pad_width": 0}, {"pad_width": 1, "mode": "edge"}),
    "clip": ({"min": 0, "max": 1}, {"min": 1}, {"max": 2}),
    "swapaxes": ({"axis1": 0, "axis2": -1},),
    "moveaxis": ({"source": 0, "destination": -1},),
    "reshape": ({"shape": (-1,)}, {"shape": -1}),
    "take": ({"indices": 0}, {"indices": [0, 0]}, {"indices": [0], "axis": 0}, {"indices": []}),
    "diagonal": ({}, {"offset": 1}),
    **dict.fromkeys(("split", "hsplit", "vsplit", "dsplit"), ({"indices_or_sections": 1},)),
    "array_split": ({"indices_or_sections": 2},),
}
NO_MEDIAN = [("median", kind) for kind in ("nothing", "no rows", "no columns", "no integers")]
"""Where it is an error, and not a nan with a warning."""


def same(found, expected):
    """Whether results are equal, and so are their shapes and dtypes, or those of their parts."""
    if isinstance(expected, (list, tuple)):
        return len(found) == len(expected) and all(map(same, found, expected))
    found, expected = np.asarray(mg.Tensor(found).data), np.asarray(expected)
    tolerance = 1e-3 if expected.dtype == np.float16 else 1e-6
    return (found.shape, found.dtype) == (expected.shape, expected.dtype) and np.allclose(
        found.astype(float), expected.astype(float), rtol=tolerance, equal_nan=True
    )


def judged(name, *xs, **settings):
    """What NumPy gives is what we give, of arrays and of tensors; where it refuses, we compute or say why not."""
    try:
        expected = getattr(np, name)(*xs, **settings)
    except Exception:  # noqa: BLE001  there is nothing to compare with
        return
    for wrap in (np.asarray, mg.Tensor):
        found = getattr(mg, name)(*map(wrap, xs), **settings)
        assert same(found, expected), f"{name} of {xs} {settings}: {found} instead of {expected!r}"


@together
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", SETTINGS)
def test_where_numpy_computes_of_odd_inputs_we_give_the_same(name):
    for kind, x in INPUTS.items():
        for settings in SETTINGS[name] if (name, kind) not in NO_MEDIAN else ():
            judged(name, x, **settings)


@pytest.mark.parametrize("kind", [kind for _, kind in NO_MEDIAN])
def test_of_nothing_there_is_no_median(kind):
    with pytest.raises(ValueError, match=r"median: x is .* nothing has no quantile"):
        mg.median(INPUTS[kind])


@together
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", PAIRS.split())
def test_where_numpy_computes_of_odd_pairs_we_give_the_same(name):
    for x in INPUTS.values():
        for other in INPUTS.values():
            judged(name, x, other)


def test_quantiles_of_narrow_integers_do_not_wrap_and_those_of_booleans_are_shares():
    x = np.array([100, -100, 127], np.int8)
    assert mg.quantile(x, 0.1) == np.quantile(x.astype(float), 0.1)
    assert mg.percentile(np.array([True, False]), 50) == 0.5


@pytest.mark.parametrize("ord", [-1, -2, -0.5, np.int64(-3), np.float32(0.5)])
def test_a_norm_of_negative_order_is_numpys_and_has_its_gradient(ord):
    x = np.array([[3.0, -4, 1], [0.5, 2, 100], [0, 1, 2]])
    with np.errstate(divide="ignore"):
        expected = np.linalg.norm(x, ord, axis=1)
    np.testing.assert_allclose(mg.norm(x, ord, axis=1), expected)
    np.testing.assert_allclose(mg.linalg.norm(x, ord, axis=1, keepdims=True)[:, 0], expected)
    assert mg.gradcheck(lambda x: mg.norm(x, ord, axis=1), (mg.Tensor(x[:2], requires_grad=True),))
    np.testing.assert_array_equal(mg.grad(lambda x: mg.norm(x, -1))(mg.Tensor(x[2])).data, 0)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
@pytest.mark.parametrize("ord", [1, np.inf, "fro"])
def test_a_matrix_of_no_elements_has_the_norm_0(shape, ord):
    x = np.zeros(shape)
    assert mg.linalg.norm(x, ord) == np.linalg.norm(x, ord)
    stack = np.zeros((2, *shape))
    np.testing.assert_array_equal(mg.linalg.matrix_norm(stack, ord=ord), np.linalg.matrix_norm(stack, ord=ord))


AXES = [1.0, "a", np.array([0, 1]), [0, 1], (0, 1.0)]
REDUCTIONS = ["sum", "mean", "var", "prod", "max", "logsumexp", "softmax", "all", "argmax", "cumsum", "ptp", "nanmean"]


@together
@pytest.mark.parametrize("axis", AXES, ids=repr)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_an_axis_that_is_no_integer_is_told_what_it_must_be(name, axis):
    with pytest.raises(TypeError, match=rf"^{name}: .*axis must be an integer"):
        getattr(mg, name)(np.ones((2, 3)), axis=axis)


@together
@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: mg.concatenate([]), "^concatenate: needs at least one array, found none"),
        (lambda: mg.vstack([]), "^vstack: needs at least one array, found none"),
        (lambda: mg.tile(np.ones(2), -1), "^tile: reps must be at least 0; found -1"),
        (lambda: mg.vsplit(np.ones(4), 2), r"^vsplit: x is \(4,\); it must have at least 2 axes"),
        (lambda: mg.dsplit(np.ones((4, 4)), 2), r"^dsplit: x is \(4, 4\); it must have at least 3 axes"),
        (lambda: mg.hsplit(np.ones(()), 2), r"^hsplit: x is \(\); it must have at least 1 axis"),
        (lambda: mg.linalg.norm(np.zeros((0, 3)), -np.inf), r"^norm: x is \(0, 3\), and of nothing there is no norm"),
        (lambda: mg.norm(np.zeros(0), -1), r"^norm: x is \(0,\), and of nothing there is no norm of the order -1"),
        (lambda: mg.norm(np.ones(2), np.nan), "^norm: ord must be a number, inf or -inf; found nan"),
        (lambda: mg.cumsum(np.ones(()), axis=1), "^cumsum: .*axis=1 must name"),
        (lambda: mg.vecdot(np.ones(1), np.ones(3)), r"^vecdot: x1 is \(1,\) and x2 is \(3,\); .*equally long"),
        (lambda: mg.matvec(np.ones(3), np.ones(3)), r"^matvec: x1 is \(3,\); it must have at least 2 axes"),
        (lambda: mg.negative(np.array([True])), "^negative: .*it needs floating numbers"),
    ],
)
def test_what_makes_no_sense_is_refused_in_our_words(call, says):
    with pytest.raises((ValueError, TypeError), match=says):
        call()
