"""The first op that makes a nan or an infinity is named, forward and backward, with its line, module, elements and
cause."""

import copy
import pickle
import threading

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.core.events import QUIET
from micrograd_np.core.modes import mode

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's own, which say neither where nor what


def caught(f):
    with pytest.raises(mg.NonfiniteError) as info, mg.detect_nonfinite():
        f()
    return info.value


def leaf(*values, name=None):
    return mg.Tensor(np.array(values), requires_grad=True, name=name)


def test_finite_work_passes():
    net = nn.Sequential(nn.Linear(2, 3), nn.Sigmoid(), nn.Linear(3, 1))
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    with mg.detect_nonfinite():
        for _ in range(3):
            optimizer.zero_grad()
            (net(np.ones((4, 2))) ** 2).mean().backward()
            optimizer.step()
    assert mode.events is QUIET


def test_the_first_op_is_named_not_the_last():
    x = leaf(1.0, 0.0, name="x")

    def f():
        y = x.log()
        return (y * 2).exp().sum()

    error = caught(f)
    assert (error.op, error.during) == ("log", "forward")
    text = str(error)
    assert "log, forward, made -inf" in text
    assert "y = x.log()" in text
    assert "test_nonfinite.py:" in text
    assert "in f" in text
    assert "1 of 2: [1] = -inf where x (x) = 0" in text
    assert "logarithm of 0" in text


def test_the_op_of_the_backward_pass_is_named_with_its_forward_line():
    x = leaf(4.0, 0.0, name="x")

    def f():
        y = x.sqrt()
        y.sum().backward()

    error = caught(f)
    assert (error.op, error.during) == ("sqrt", "backward")
    text = str(error)
    assert "sqrt, backward by x, made inf" in text
    assert "y = x.sqrt()" in text
    assert "[1] = inf where gradient arriving = 1, x (x) = 0" in text
    assert "add a small number under it" in text


def test_second_derivatives_are_looked_at_too():
    x = leaf(0.0)
    error = caught(lambda: mg.autograd.grad((x**1.5).sum(), x, create_graph=True)[0].sum().backward())
    assert error.during == "backward"


def test_a_guarded_singularity_is_no_alarm():
    x = leaf(0.0, 4.0)
    with mg.detect_nonfinite():
        mg.where(x > 0, x, 1.0).sqrt().sum().backward()
        masked = np.array([[0.0, -np.inf], [0.0, 0.0]]) + mg.Tensor(np.zeros((2, 2)), requires_grad=True)
        mg.softmax(masked).sum().backward()


def test_nan_from_infinities_counts_as_made():
    assert caught(lambda: leaf(1.0) * np.inf - np.inf * leaf(1.0)).op == "subtract"


def test_the_module_path_is_told():
    class Head(nn.Module):
        def __init__(self):
            self.scale = [nn.Linear(2, 2), nn.Tanh()]

        def forward(self, x):
            return self.scale[1](self.scale[0](x) * 0).log()

    net = nn.Sequential(nn.Linear(2, 2), Head())
    assert "in module: 1 (Head)" in str(caught(lambda: net(np.ones((1, 2)))))
    assert "in module: Head" in str(caught(lambda: net[1](np.ones((1, 2)))))


def test_the_module_path_is_right_after_an_error():
    class Broken(nn.Module):
        def forward(self, x):
            raise KeyError

    def f():
        with pytest.raises(KeyError):
            nn.Sequential(Broken())(1.0)
        nn.Tanh()(leaf(0.0)).log()

    assert "in module" not in str(caught(f))


def test_nan_in_the_data_is_told_as_such():
    data = np.ones((3, 2))
    data[1, 0] = np.nan
    text = str(caught(lambda: nn.Linear(2, 1)(data)))
    assert "data of shape (3, 2), input x of linear, holds nan" in text
    assert "1 of 6: [1, 0] = nan" in text
    assert "it came from outside" in text


def test_an_infinite_parameter_is_told_as_such():
    layer = nn.Linear(2, 1)
    layer.weight.data[...] = np.inf
    list(layer.named_parameters())
    text = str(caught(lambda: layer(np.ones((3, 2)))))
    assert "parameter weight of shape (1, 2), input weight of linear, holds inf" in text
    assert "learning rate" in text


def test_an_overflow_says_how_large_the_numbers_are():
    text = str(caught(lambda: leaf(1e200).square()))
    assert "square, forward, made inf" in text
    assert "overflow" in text
    assert "1e+200" in text


def test_outside_the_domain_is_said_where_no_cause_is_written_down():
    text = str(caught(lambda: mg.arctanh(leaf(2.0))))
    assert "arctanh, forward, made nan" in text
    assert "x lies outside" in text


def test_it_works_as_a_decorator_and_only_in_its_thread():
    seen = []

    @mg.detect_nonfinite()
    def f(x):
        thread = threading.Thread(target=lambda: seen.append((leaf(0.0).log()).item()))
        thread.start()
        thread.join()
        return x.log()

    for _ in range(2):
        with pytest.raises(mg.NonfiniteError):
            f(leaf(0.0))
    assert seen == [-np.inf, -np.inf]
    assert leaf(0.0).log().item() == -np.inf


def test_the_error_is_a_floating_point_error_and_travels():
    error = caught(lambda: leaf(0.0).log())
    assert isinstance(error, FloatingPointError)
    for again in (copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert str(again) == str(error)
        assert (again.op, again.during, again.origin) == ("log", "forward", error.origin)


def test_a_compiled_step_is_looked_into():
    step = mg.compile(lambda x: (x.log() * 2).sum())
    with np.errstate(all="ignore"):
        step(mg.Tensor([1.0, 2.0]))
    assert caught(lambda: step(mg.Tensor([1.0, 0.0]))).op == "log"


def test_one_context_cannot_watch_twice_at_once():
    watch = mg.detect_nonfinite()
    with watch, pytest.raises(RuntimeError, match="watching already"), watch:
        pass
    with watch:
        pass


def test_contexts_nest():
    x = leaf(1.0)
    with mg.detect_nonfinite(), mg.detect_mutation():
        y = x * 2
        assert mg.debug.origin_of(y).source == "y = x * 2"
        with pytest.raises(mg.NonfiniteError):
            (y - 2).log()
        y.data[0] = 5.0
        with pytest.raises(RuntimeError, match="detect_mutation"):
            y.sum().backward()
