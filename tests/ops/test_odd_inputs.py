"""Numbers, single elements, nothing, integers and booleans: every op computes, or says in plain words why not."""

import inspect
import pickle
import re
from types import FunctionType

import numpy as np
import pytest
from strategies import every_primitive
from together import some, some_and_the_rest, together

import micrograd_np as mg
from micrograd_np import functional
from micrograd_np.check.samples import width
from micrograd_np.core.primitive import Primitive

# what Python and NumPy say of the inside of a function
INTERNAL = re.compile(
    r"by zero|index out of range|annot cast ufunc|has no attribute|return arrays must|unpack|zip\(\)|is not iterable|"
    r"is not subscriptable|not supported between|positional arg|cannot be interpreted|operands could not|unsized object"
)
KINDS = (ValueError, TypeError, IndexError, RuntimeError, NotImplementedError, np.linalg.LinAlgError)
INPUTS = {
    "a number in an array": np.array(0.5),
    "a single element": np.array([0.5]),
    "a single element in a matrix": np.array([[0.5]]),
    "nothing": np.zeros(0),
    "no rows": np.zeros((0, 3)),
    "integers": np.array([[2, 1], [1, 3]]),
    "small integers": np.array([2, 1], np.int8),
    "an integer": np.array(2),
    "channels": np.arange(1.0, 17).reshape(1, 4, 4) ** 0.5,
    "images": np.arange(1.0, 33).reshape(1, 2, 4, 4) ** 0.5,
    "booleans": np.array([True, False]),
    "a Python number": 2,
    "a matrix": np.array([[2.0, 1.0], [1.0, 3.0]]),
}
SETTINGS = {
    "axis": (None, 0, -1, 5, (0,), [0, 1], 1.5, "0"),
    "dim": (0, -1, 5, 1.5, "0"),
    "n": (1.5, -1),
    "k": (1.5, -1, 7),
    "ord": (0, 0.5, 3, np.inf, -np.inf, 1),
    "shift": (1.5, (1, 2)),
    "repeats": (1.5, -1),
    "reps": (1.5, (2, 0)),
    "pad_width": (1.9, (1, 2, 3), 0),
    "indices_or_sections": (0, 1.5, [1.5]),
}
OF_FUNCTIONS = SETTINGS | {
    "normalized_shape": (0.5, None, (), "2", [1.5], (2, 2, 2), -1),
    "p": ("a", [0.5], 1.5),
    "reduction": ("max", None, 1),
    "mode": ("cubic", None, [1]),
    **dict.fromkeys(("kernel_size", "stride", "padding", "dilation"), (1.5, "a", [1.5], (1, 2, 3), -1)),
    **dict.fromkeys(("groups", "num_groups", "num_classes", "padding_idx"), (0, 1.5, "2", (2,), -7)),
    **dict.fromkeys(("output_size", "size"), (0, 1.5, "2", (1, 2, 3), [1.5], ())),
    **dict.fromkeys(("beta", "delta", "label_smoothing", "scale_factor"), (-1, "a", (0.5, 1.5, 2.5), [])),
}
# what takes functions, files or networks, and not arrays
OF_OTHER_THINGS = {
    "check_gradients", "check_primitive", "checkpoint", "compile", "constant", "detect_mutation", "detect_nonfinite",
    "draw", "draw_boundary", "draw_network", "draw_steps",
    "explain", "fit", "from_dlpack", "functional_call", "grad", "gradcheck", "gradgradcheck", "hessian", "hvp",
    "jacobian", "jvp", "lint", "load", "manual_seed", "numeric_gradient", "save", "set_default_dtype",
    "set_grad_enabled", "summary", "trace_origins", "get_default_dtype", "is_grad_enabled", "value_and_grad", "vjp",
    "get_compile_backend", "set_compile_backend",
}  # fmt: skip
HOMES = {"mg": (mg, mg.__all__), "linalg": (mg.linalg, mg.linalg.__all__), "F": (functional, functional.__all__)}
PUBLIC = {
    f"{home}.{name}": getattr(module, name)
    for home, (module, names) in HOMES.items()
    for name in names
    if name not in OF_OTHER_THINGS and isinstance(getattr(module, name), (FunctionType, Primitive))
}


def tensor(x):
    return mg.Tensor(x, requires_grad=x.dtype.kind == "f") if isinstance(x, np.ndarray) else x


def calls(function):
    """Arguments for a function: arrays of one kind, some with a second of another, and every odd setting."""
    parameters = inspect.signature(function).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    several = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    count = len(needed) or 2 * several
    examples = getattr(function, "examples", ({},))
    for x in INPUTS.values():
        others = [x] if count < 2 else [x, INPUTS["a number in an array"], INPUTS["a matrix"]]
        if getattr(function, "shape", None) and isinstance(x, int):
            continue  # these are given arrays by the functions that use them
        for other in others:
            for settings in examples:
                yield [x, *[other] * (count - 1)], settings
        for p in parameters:
            for value in (SETTINGS if isinstance(function, Primitive) else OF_FUNCTIONS).get(p.name, ()):
                yield [x] * (count - (p.name in needed)), {**examples[0], p.name: value}


def results(z):
    if isinstance(z, mg.Tensor):
        yield z
    elif isinstance(z, (tuple, list)):
        for part in z:
            yield from results(part)


def complaints(function, which):
    """Every message that a function gives to odd inputs, forward and backward, on arrays and on tensors."""
    for arguments, settings in some(calls(function), which):
        for wrapped in (arguments, [tensor(x) for x in arguments]):
            asked = f"{wrapped} {settings}"
            try:
                z = function(*wrapped, **settings)
                for y in results(z):
                    if y.requires_grad:
                        asked = f"backward of {asked}"
                        y.backward(np.ones(y.shape, y.dtype), retain_graph=True)
            except Exception as error:  # noqa: BLE001  whatever it is, it is looked at
                yield asked, error


@together
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@some_and_the_rest
@pytest.mark.parametrize("name", PUBLIC)
def test_a_function_computes_or_says_under_its_own_name_what_is_wrong(name, which):
    for asked, error in complaints(PUBLIC[name], which):
        said = f"{type(error).__name__}: {error} for {asked}"
        assert isinstance(error, KINDS), said
        assert not INTERNAL.search(str(error)), said
        assert str(error).startswith((name.partition(".")[2], "backward")), said


@together
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@some_and_the_rest
@every_primitive
def test_a_primitive_computes_or_says_what_is_wrong(op, which):
    if not width(op):
        pytest.skip("a random draw has no inputs")
    for asked, error in complaints(op, which):
        said = f"{type(error).__name__}: {error} for {asked}"
        assert isinstance(error, KINDS), said
        assert not INTERNAL.search(str(error)), said
        assert not str(error).startswith("_"), said


REDUCTIONS = [
    "sum",
    "mean",
    "prod",
    "max",
    "min",
    "var",
    "std",
    "ptp",
    "nansum",
    "nanmean",
    "nanprod",
    "nanmax",
    "nanmin",
]


@together
@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_a_number_reduces_along_either_axis_and_gets_its_gradient(name, axis):
    x = mg.Tensor(5.0, requires_grad=True)
    z = getattr(mg, name)(x, axis=axis)
    assert z.shape == ()
    assert z.item() == getattr(np, name)(np.array(5.0))
    z.backward()
    assert x.grad.item() == (0.0 if name in {"var", "std", "ptp"} else 1.0)


@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_a_running_sum_or_product_of_a_number_has_one_element(name, axis):
    x = mg.Tensor(5.0, requires_grad=True)
    z = getattr(mg, name)(x, axis=axis)
    np.testing.assert_array_equal(z.data, getattr(np, name)(np.array(5.0), axis=axis))
    z.sum().backward()
    assert x.grad.shape == ()
    assert x.grad.item() == 1.0


@pytest.mark.parametrize("axis", [None, -1])
def test_softmax_and_its_logarithm_of_a_number_are_those_of_one_choice(axis):
    x = mg.Tensor(5.0, requires_grad=True)
    assert mg.softmax(x, axis=axis).item() == 1
    assert mg.log_softmax(x, axis=axis).item() == 0
    assert mg.logsumexp(x, axis=axis).item() == 5
    mg.logsumexp(x, axis=axis).backward()
    assert x.grad.item() == 1


@pytest.mark.parametrize("ord", [None, 1, 2, 3, 0.5, np.inf, -np.inf])
def test_the_norm_of_a_number_is_its_absolute_value(ord):
    x = mg.Tensor(-5.0, requires_grad=True)
    z = mg.norm(x, ord=ord)
    assert z.item() == 5
    z.backward()
    assert x.grad.item() == -1


def test_the_norm_of_a_number_counts_it_for_order_0():
    assert mg.norm(np.array([0.0, 3.0, -4.0]), 0) == np.linalg.norm([0.0, 3.0, -4.0], 0)


@pytest.mark.parametrize("ord", [None, 1, 2, 3, 0.5, np.inf])
def test_the_norm_of_nothing_is_0(ord):
    assert mg.norm(np.zeros(0), ord) == 0
    assert mg.norm(np.zeros((2, 0)), ord, axis=1).tolist() == [0, 0]


def test_a_zero_component_has_the_subgradient_0_in_a_norm_of_order_below_1():
    f = mg.grad(lambda x: mg.norm(x, 0.5))
    np.testing.assert_allclose(f(mg.Tensor([0.0, 1.0, 4.0])).data, [0.0, 3.0, 1.5])  # √x₁ √s / x₁ with s = 3²


def test_a_variance_with_no_degrees_of_freedom_is_nan_and_so_is_its_gradient():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    for ddof in (2, 3):
        z = mg.var(x, ddof=ddof)
        assert np.isnan(z.item())
        assert np.isnan(mg.grad(lambda x, ddof=ddof: mg.var(x, ddof=ddof))(x).data).all()


INTEGER_FUNCTIONS = {
    "sigmoid": mg.sigmoid,
    "softmax": mg.softmax,
    "log_softmax": mg.log_softmax,
    "logsumexp": mg.logsumexp,
    **{
        name: getattr(functional, name)
        for name in ("softplus", "elu", "selu", "celu", "glu", "hardswish", "logsigmoid", "silu", "mish")
    },
}


@together
@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int8, np.uint8, np.bool_])
@pytest.mark.parametrize("name", INTEGER_FUNCTIONS)
def test_integers_become_floating_numbers_as_in_exp(name, dtype):
    x = np.array([[0, 1, 1, 0], [1, 0, 1, 1]], dtype)
    floating = np.exp(x).dtype
    z = INTEGER_FUNCTIONS[name](x)
    assert z.dtype == floating
    np.testing.assert_allclose(z, INTEGER_FUNCTIONS[name](x.astype(floating)))
    assert mg.Tensor(x).data.dtype == dtype


def test_dropout_of_integers_is_dropout_of_floating_numbers():
    z = functional.dropout(np.ones(100, int), 0.5)
    assert z.dtype == np.float64
    assert set(z.tolist()) == {0.0, 2.0}


def test_the_mean_of_booleans_without_nan_is_their_share():
    x = np.array([True, True, True, False])
    assert mg.nanmean(x) == 0.75
    assert mg.nanmax(np.array([1, 3])).dtype == np.int64


def test_prelu_keeps_the_shape_of_a_number():
    assert functional.prelu(mg.Tensor(-2.0), mg.Tensor([0.25])).shape == ()


def test_padding_an_empty_array_along_a_full_axis_needs_no_elements_on_the_empty_one():
    for mode in ("reflect", "edge", "symmetric", "wrap"):
        x = np.zeros((0, 3))
        assert mg.pad(x, ((0, 0), (1, 1)), mode=mode).shape == np.pad(x, ((0, 0), (1, 1)), mode=mode).shape


@together
@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x: x @ 2, "matmul: .*multiply by a scalar with"),
        (lambda x: mg.repeat(x, 1.5), "repeat: repeats must be an integer; found 1.5"),
        (lambda x: mg.tile(x, 1.5), "tile: reps must be an integer"),
        (lambda x: mg.split(x, [1.5]), "split: indices_or_sections must be an integer"),
        (lambda x: mg.array_split(x, 0), "array_split: indices_or_sections must be at least 1; found 0"),
        (lambda x: x.sum(axis=[0, 1]), "sum: .*axis must be an integer, or a tuple of integers"),
        (lambda x: mg.pad(x, (1, 2, 3)), "pad: .*a number, a pair"),
        (lambda x: mg.pad(x, 1.9), "pad: pad_width must be integers; found 1.9"),
        (lambda x: mg.linalg.multi_dot([]), "multi_dot: .*two matrices or more, found 0"),
        (lambda x: mg.linalg.matrix_power(x, 1.5), "matrix_power: n must be an integer"),
        (lambda x: mg.rot90(x, 1.5), "rot90: k must be an integer"),
        (lambda x: mg.rot90(x, axes=(0, 0)), r"rot90: axes=\(0, 0\) must name each of the 2 axes at most once"),
        (lambda x: mg.diff(x, n=-1), "diff: n must be at least 0; found -1"),
        (lambda x: mg.diff(x, axis=2), "diff: axis=2 must name each of the 2 axes"),
        (lambda x: mg.take_along_axis(x, np.zeros((1, 1), int), axis=2), "take_along_axis: .*axis=2"),
        (lambda x: mg.tensordot(x, x, 3), "tensordot: .*not 3 axes in both"),
        (lambda x: mg.tensordot(x, x, ([0], [2])), "tensordot: axes=2 must name|tensordot: axes="),
        (lambda x: mg.linalg.norm(x, 1, axis=(0, 5)), r"norm: axis=\(0, 5\) must name"),
        (lambda x: mg.average(x, weights=np.zeros((2, 2))), "average: the weights.* sum to 0"),
        (lambda x: mg.roll(x, (1, 2), (0, 1, 0)), "roll: .*equally many"),
        (lambda x: mg.stack(x.sum()), "stack: needs a list of arrays"),
        (lambda x: mg.sort(mg.Tensor(1.0)), "sort: axis=-1 names an axis, and a 0-d array has none"),
        (lambda x: functional.layer_norm(x, 0.5), "layer_norm: normalized_shape must be an integer; found 0.5"),
        (lambda x: functional.rms_norm(x, None), "rms_norm: normalized_shape must be an integer; found None"),
        (lambda x: functional.group_norm(x, "2"), "group_norm: num_groups must be an integer; found '2'"),
        (lambda x: functional.dropout(x, "a"), "dropout: p must be a number; found 'a'"),
        (lambda x: functional.one_hot([1], 1.5), "one_hot: num_classes must be an integer; found 1.5"),
        (
            lambda x: functional.mse_loss(x, x, "max"),
            "mse_loss: reduction must be 'mean', 'sum' or 'none'; found 'max'",
        ),
        (lambda x: functional.huber_loss(x, x, delta=None), "huber_loss: delta must be a number; found None"),
        (lambda x: functional.normalize(x, [2]), r"normalize: p must be a number; found \[2\]"),
        (lambda x: functional.softmax(x, dim="0"), "softmax: .*axis must be an integer"),
        (lambda x: functional.adaptive_avg_pool1d(x, ()), "adaptive_avg_pool1d: output_size must be a whole number"),
        # under the name of what was called, and not of what that calls
        (lambda x: mg.median(np.zeros(0)), "median: x is"),
        (lambda x: mg.sort(x, axis=3), "sort: axis=3"),
        (lambda x: mg.rot90(mg.Tensor(1.0)), "rot90: axes"),
        (lambda x: mg.clip(x, np.ones(3)), "clip: x is"),
        (lambda x: mg.linalg.slogdet(np.ones(3)), "slogdet: x is"),
        (lambda x: mg.linalg.solve(np.ones((2, 2)), np.ones(3)), "solve: x is"),
        (lambda x: mg.einsum("ij,jk->ik", x, np.ones((3, 2))), "einsum: xs"),
        (lambda x: x[5], "getitem: x is .*index 5 is out of bounds"),
        (lambda x: x.detach().__setitem__(5, 1.0), "setitem: x is .*index 5 is out of bounds"),
        (lambda x: functional.conv2d(np.ones((1, 1, 2, 2)), np.ones((1, 1, 3, 3))), "conv2d: x is"),
        (lambda x: mg.append([x, x], x), "append: .*mg.stack"),
        (lambda x: np.mean([x, x]), "mg.stack"),
        (lambda x: np.ones((2, 2)).dot(x), "write a @ t instead of a.dot"),
    ],
)
def test_what_is_asked_wrongly_is_answered_in_our_words(call, says):
    x = mg.Tensor([[2.0, 1.0], [1.0, 3.0]], requires_grad=True)
    with pytest.raises((ValueError, TypeError, IndexError, np.linalg.LinAlgError), match=says):
        call(x)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda t: t.mean(dim=0), "mean: .*PyTorch's dim is axis here"),
        (lambda t: t.max(axis=0, keepdim=True), "max: .*PyTorch's keepdim is keepdims here"),
        (lambda t: t.std(correction=1), "std: .*PyTorch's correction is ddof here"),
        (lambda t: mg.flip(t, dims=0), "flip: .*PyTorch's dims is axis here"),
        (lambda t: mg.stack([t], dim=0), "stack: .*PyTorch's dim is axis here"),
        (lambda t: mg.take(t, 0, dim=0), "take: .*PyTorch's dim is axis here"),
        (lambda t: mg.softmax(t, dim=0), "softmax.*PyTorch's dim is axis here"),
        (lambda t: functional.softmax(t, axis=0), "softmax: .*NumPy's axis is dim here"),
        (lambda t: mg.sort(t, colour=0), "sort: does not take colour=; its arguments are x, axis"),
    ],
)
def test_a_keyword_of_another_library_is_answered_with_ours(call, says):
    with pytest.raises(TypeError, match=says):
        call(mg.Tensor([[1.0, 2.0]]))


def test_what_answers_keywords_is_still_found_by_pickle_and_by_signature():
    for function in (mg.stack, mg.linalg.solve, functional.glu):
        assert pickle.loads(pickle.dumps(function)) is function
    assert list(inspect.signature(mg.stack).parameters) == ["xs", "axis"]
