"""Where a tensor was made is known inside a debugging context, and told by errors."""

from pathlib import Path

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn


def test_every_tensor_knows_the_line_that_made_it():
    with mg.trace_origins():
        x = mg.Tensor([1.0, 2.0], requires_grad=True)
        y = x * 2
        z = nn.Sequential(nn.Linear(2, 2), nn.Tanh())(y)
    for tensor, source in ((x, "x = mg.Tensor"), (y, "y = x * 2"), (z, "z = nn.Sequential")):
        origin = mg.debug.origin_of(tensor)
        assert Path(origin.file).name == "test_origins.py"
        assert origin.function == "test_every_tensor_knows_the_line_that_made_it"
        assert origin.source.startswith(source)


def test_outside_nothing_is_noted():
    assert mg.debug.origin_of(mg.Tensor(1.0) * 2) is None
    assert mg.debug.origin_of(3) is None


def test_a_layers_op_knows_its_module():
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    with mg.trace_origins():
        y = net(np.ones((1, 2)))
    assert mg.debug.origin_of(y).module == "1 (Tanh)"
    assert mg.debug.origin_of(y.inputs[0]).module == "0 (Linear)"


def test_an_error_names_op_shapes_names_and_lines():
    with mg.trace_origins():
        x = mg.Tensor(np.ones((4, 3)), name="x")
        w = mg.Tensor(np.ones((4, 2)), name="w") * 2
    with pytest.raises(ValueError, match="matmul") as caught:
        x @ w
    line = mg.debug.origin_of(w).line
    assert f"x (x) is (4, 3) (made at test_origins.py:{line - 1})" in str(caught.value)
    assert f"y is (4, 2) (made at test_origins.py:{line})" in str(caught.value)
    assert "Did you mean x.T @ y?" in str(caught.value)


def test_backward_names_the_line_too():
    with mg.trace_origins():
        y = mg.Tensor([1.0, 2.0], requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="starts from a scalar"):
        y.backward()
    y.sum().backward()
    with pytest.raises(RuntimeError, match=r"made by multiply at test_origins.py:\d+"):
        y.sum().backward()


def test_gradients_are_the_same_with_and_without():
    x = np.array([0.3, -0.4])
    f = lambda x: (x.tanh() * x).sum()
    with mg.trace_origins():
        watched = mg.hessian(f)(x)
    np.testing.assert_array_equal(watched, mg.hessian(f)(x))


def test_in_place_results_know_their_line():
    with mg.trace_origins():
        y = mg.Tensor([1.0], requires_grad=True) * 2
        y += 1
    assert mg.debug.origin_of(y).source == "y += 1"
