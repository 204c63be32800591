"""The cases of the standard's own tests, one operator each: right, or refused by the operator's name; never wrong."""

import re
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases

import micrograd_np as mg
from micrograd_np.onnx import OnnxError, load

# their files are made when they are asked for, in NumPy, which warns where edges are tried; so do ours
pytestmark = [pytest.mark.onnx, pytest.mark.thorough, pytest.mark.filterwarnings("ignore")]

RIGHT = 1077
"""Of the 1,404 cases of onnx 1.23 that are no expansion of another one."""
IN_SINGLE = {"Attention", "CausalConvWithState", "FlexAttention", "LinearAttention"}
"""Their bodies in the standard compute in float32, where finite differences say nothing."""


@pytest.fixture(scope="module")
def cases():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return collect_testcases(None)


def array(x):
    """What goes in or comes out, as an array, a list of arrays, or None."""
    if isinstance(x, list):
        return [array(y) for y in x]
    return numpy_helper.to_array(x) if isinstance(x, onnx.TensorProto) else x


def tuple_of(results):
    return results if isinstance(results, tuple) else (results,)


def close(result, expected, case):
    """Whether a result is the expected one, within the tolerance of the case.

    In float16 it may be two units in the last place away: onnxruntime is, too, from answers of several roundings.
    """
    if expected is None or isinstance(expected, list):
        same = type(result) is type(expected)
        return same and all(close(r, e, case) for r, e in zip(result or [], expected or [], strict=True))
    result, expected = result.detach().numpy(), np.asarray(expected)
    if result.dtype != expected.dtype or result.shape != expected.shape:
        return False
    if result.dtype == bool:
        return np.array_equal(result, expected)
    rtol = max(case.rtol, 2 * 2.0**-10) if result.dtype == np.float16 else case.rtol
    return np.allclose(result.astype(float), expected.astype(float), rtol=rtol, atol=case.atol, equal_nan=True)


def test_every_case_is_right_or_refused_by_name(cases):
    right, wrong, unnamed, total = 0, [], [], 0
    for case in cases:
        expanded = "_expanded" in case.name
        total += not expanded
        try:
            model = load(case.model)
            for inputs, outputs in case.data_sets:
                results = tuple_of(model(*map(array, inputs)))
                if not all(close(r, array(e), case) for r, e in zip(results, outputs, strict=True)):
                    wrong.append(case.name)
            right += not expanded
        except OnnxError as error:
            operators = re.findall(r'op_type: "(\w+)"', str(case.model.graph))
            if not any(name in str(error) for name in operators) or "\n" in str(error):
                unnamed.append((case.name, str(error)))
    assert wrong == []
    assert unnamed == []
    if onnx.__version__.startswith("1.23."):
        assert (right, total) == (RIGHT, 1404)


FOLDER = Path(onnx.__file__).parent / "backend/test/data/light"
NETWORKS = sorted(path for path in FOLDER.glob("*.onnx") if "squeezenet" not in path.stem)
"""Without the one whose scores are a thousand numbers near 9e9, so that one rounding decides their softmax."""


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_well_known_networks_compute_what_they_should(path):
    imported = load(path)
    size = np.prod(shape := (1, 3, 224, 224))
    with mg.no_grad():
        result = imported((np.arange(size) / size).astype(np.float32).reshape(shape)).numpy()
    answer = onnx.TensorProto.FromString(path.with_name(f"{path.stem}_output_0.pb").read_bytes())
    np.testing.assert_allclose(result, numpy_helper.to_array(answer), rtol=1e-3, atol=1e-6)


def with_fixed_settings(case):
    """The model and its inputs, with those that are not floating as initializers."""
    inputs = [array(x) for x in case.data_sets[0][0]]
    if not inputs or not all(isinstance(x, np.ndarray) and x.dtype.kind in "fiub" for x in inputs):
        return None, []
    model, declared, arguments = ModelProto(), [], []
    model.CopyFrom(case.model)
    settings = {"scales", "roi"}  # of a Resize
    for x, value in zip(case.model.graph.input, inputs, strict=True):
        if value.dtype.kind != "f" or x.name in settings:
            model.graph.initializer.append(numpy_helper.from_array(value, x.name))
        else:
            declared.append(x)
            arguments.append(value)
    del model.graph.input[:]
    model.graph.input.extend(declared)
    return model, arguments


def loaded(cases):
    """The first two cases of each operator that can be loaded: the operator, model, inputs and results."""
    seen = {}
    for case in cases:
        operator = case.model.graph.node[0].op_type
        if "_expanded" in case.name or seen.get(operator, 0) == 2:
            continue
        model, inputs = with_fixed_settings(case)
        try:
            results = tuple_of(load(model)(*inputs)) if inputs else ()
        except OnnxError:
            continue
        if results:
            seen[operator] = seen.get(operator, 0) + 1
            yield operator, model, inputs, results


def test_what_is_loaded_compiles_and_is_written_as_python_to_the_same_bits(cases):
    count, looks_at_values = 0, {"BitCast", "NonZero"}
    for operator, model, inputs, results in loaded(cases):
        imported = load(model)
        namespace = {}
        if operator not in {"AffineGrid", "CenterCropPad", "If", "LinearAttention", "Loop", "Scan"}:  # control flow
            exec(imported.to_python(), namespace)
            again = tuple_of(namespace["Network"](imported.arrays()).eval()(*inputs))
            assert all(same_bits(x, y) for x, y in zip(again, results, strict=True)), operator
        if operator not in looks_at_values:
            step = mg.compile(lambda *xs, imported=imported: imported(*xs))
            compiled = tuple_of(step(*map(mg.Tensor, inputs)))
            assert all(same_bits(x, y) for x, y in zip(compiled, results, strict=True)), operator
        count += 1
    assert count > 150


def same_bits(x, y):
    x, y = (np.asarray(z.detach().numpy() if isinstance(z, mg.Tensor) else z) for z in (x, y))
    return x.dtype == y.dtype and np.array_equal(x, y, equal_nan=x.dtype.kind == "f")


def test_gradients_of_what_is_loaded_agree_with_finite_differences(cases):
    rng, checked = np.random.default_rng(0), set()
    for operator, model, inputs, results in loaded(cases):
        floating = all(x.dtype.kind == "f" for x in results)
        steps = {"Ceil", "Floor", "Round", "Sign", "Cast", "CastLike", "Hardmax", "Mod"}
        if not floating or operator in steps | IN_SINGLE or sum(x.size for x in inputs) > 200 or not inputs[0].size:
            continue
        # the inputs of the case, moved a little off the kinks at whole numbers and at ties
        moved = [x + 0.01 * rng.uniform(0.1, 1, x.shape) * (1 - 2 * (x > 0.9)) for x in inputs]
        moved = [x + 0.1 for x in inputs] if operator == "Acosh" else moved
        imported = load(model)
        report = mg.check_gradients(
            lambda *xs, imported=imported: tuple_of(imported(*xs))[0],
            *(mg.Tensor(x.astype(np.float64), requires_grad=True) for x in moved),
        )
        assert report, f"{operator}\n{report}"
        checked.add(operator)
    assert len(checked) > 80
