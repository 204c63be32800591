"""What backward needs and somebody changed is noticed: writes to tensors always, writes to raw arrays when asked to
look."""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn, optim


def leaf(*values, name=None):
    return mg.Tensor(np.array(values), requires_grad=True, name=name)


def test_writing_to_an_input_through_the_tensor_is_always_noticed():
    x = mg.Tensor([1.0, 2.0], name="batch")
    w = leaf(3.0)
    y = (x * w).sum()
    x += 1.0
    with pytest.raises(RuntimeError, match=r"inputs: batch.*changed in place"):
        y.backward()


def test_writing_to_a_result_that_its_rule_reads_is_always_noticed():
    x = leaf(1.0)
    y = x.exp()
    with mg.no_grad():
        y += 1.0  # exp's derivative is its result
    with pytest.raises(RuntimeError, match="or itself, was changed in place"):
        y.sum().backward()


def test_writing_in_the_graph_is_no_alarm():
    x = leaf(1.0, 2.0)
    y = x.exp()
    y *= 3
    y[0] = 5.0
    y += x
    y.sum().backward()
    np.testing.assert_allclose(x.grad.data, [1.0, 3 * np.exp(2.0) + 1])


def test_a_raw_array_that_changed_is_caught_and_the_op_that_saved_it_named():
    batch, w = np.ones(3), leaf(2.0, name="w")
    with mg.detect_mutation():
        loss = (w * batch).sum()
        batch[0] = 5.0
        with pytest.raises(
            RuntimeError, match=r"input y of multiply.*shape \(3,\).*test_mutation.py:\d+: loss = \(w \* batch\)"
        ):
            loss.backward()


def test_the_memory_of_a_tensor_is_looked_at_too():
    x = leaf(1.0, 2.0, name="x")
    with mg.detect_mutation():
        y = x.exp()
        y.data[0] = 0.0
        with pytest.raises(RuntimeError, match="the result of exp"):
            y.sum().backward()
    with mg.detect_mutation():
        y = x * x
        x.data[0] = 7.0
        with pytest.raises(RuntimeError, match=r"input x of multiply \(x\)"):
            y.sum().backward()


def test_without_the_switch_it_goes_unnoticed():
    """The reason for the switch: if this ever raises, the switch can go."""
    batch, w = np.ones(3), leaf(2.0)
    loss = (w * batch).sum()
    batch[0] = 5.0
    loss.backward()
    assert w.grad.item() == 7.0


def test_honest_training_is_no_alarm():
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    batch = np.ones((4, 2))
    with mg.detect_mutation():
        for _ in range(3):
            optimizer.zero_grad()
            (net(batch.T.copy().T) ** 2).mean().backward()
            optimizer.step()
            batch *= 1.1  # after backward it may change


def test_a_graph_walked_twice_is_compared_once():
    x = leaf(1.0)
    with mg.detect_mutation():
        y = (x * x).sum()
        y.backward(retain_graph=True)
        y.backward()
    assert x.grad.item() == 4.0
