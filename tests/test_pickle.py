"""Tensors, modules, optimisers and errors survive pickling and deep copying, with the graph, however deep."""

import copy
import pickle
import pkgutil
from importlib import import_module

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.core.vertex import Vertex
from micrograd_np.engine import backward

WAYS = {
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "pickle in Python": lambda x: pickle.loads(pickle._dumps(x)),
    "pickle protocol 2": lambda x: pickle.loads(pickle.dumps(x, protocol=2)),
    "deepcopy": copy.deepcopy,
}
pytestmark = pytest.mark.parametrize("again", WAYS.values(), ids=WAYS)


def leaf(*values, name=None):
    return mg.Tensor(np.array(values), requires_grad=True, name=name)


def test_a_leaf_keeps_everything(again):
    x = leaf(1.0, 2.0, name="x")
    (x * x).sum().backward()
    y = again(x)
    assert type(y) is mg.Tensor
    assert (y.name, y.requires_grad, y.is_leaf) == ("x", True, True)
    assert_array_equal(y.data, x.data)
    assert_array_equal(y.grad.data, [2.0, 4.0])
    assert not np.shares_memory(x.data, y.data)


def test_parameters_and_buffers_stay_what_they_are(again):
    p, b = again((nn.Parameter([1.0]), nn.Buffer([2.0], persistent=False)))
    assert type(p) is nn.Parameter
    assert type(b) is nn.Buffer
    assert b.persistent is False


def test_the_graph_comes_along_and_can_be_walked(again):
    x, w = leaf(1.0, 2.0), leaf(3.0)
    z = ((x * w).exp() + x[1:] + mg.Tensor([5.0])).sum()
    x2, z2 = again((x, z))
    z2.backward()
    z.backward()
    assert_array_equal(x2.grad.data, x.grad.data)
    assert z2.op is z.op


def test_what_is_shared_stays_shared(again):
    x = leaf(1.0)
    y = x * x
    a, b, c, x2 = again([y + 1, y * 2, y, x])
    assert a.inputs[0] is b.inputs[0] is c.node
    assert c.inputs == (x2, x2)


def test_what_is_computed_afterwards_comes_after(again):
    z = leaf(2.0)
    for _ in range(5):
        z = z * z
    (leaf_again,) = [v for v in backward.topological(again(z)) if isinstance(v, mg.Tensor)]
    z2 = again(z)
    w = leaf(1.0)
    ((z2 * w) * w.exp()).sum().backward()  # a walk in the wrong order would miss a gradient
    assert_array_equal(w.grad.data, z.data * 2 * np.e)
    assert leaf_again.requires_grad


def test_ten_thousand_deep(again):
    if again is WAYS["pickle in Python"]:
        pytest.skip("the same path, slowly")
    x = leaf(1.0)
    y = x
    for _ in range(10_000):
        y = y + 1e-4
    x2, y2 = again((x, y))
    y2.sum().backward()
    assert_array_equal(x2.grad.data, [1.0])
    x3 = next(v for v in backward.topological(again(y)) if isinstance(v, mg.Tensor))
    assert_array_equal(x3.data, [1.0])


def test_a_gradient_that_leads_back_to_its_tensor(again):
    x = leaf(3.0)
    y = (x**3).sum()
    y.backward(create_graph=True)
    x2 = again(x)
    (g,) = mg.autograd.grad(x2.grad.sum(), x2)
    assert_array_equal(g.data, [18.0])
    y2, x3 = again((y, x))
    (g,) = mg.autograd.grad(y2, x3)
    assert_array_equal(g.data, [27.0])


def test_a_result_and_a_gradient_with_a_graph_share_what_they_shared(again):
    x = leaf(1.0, 2.0)
    y = (x * x).exp().sum()
    y.backward(create_graph=True)
    y2, x2 = again((y, x))
    assert len(backward.reached(y2, x2.grad)) == len(backward.reached(y, x.grad))


def test_a_record_that_is_gone_stays_gone(again):
    x = leaf(3.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="is gone"):
        again(y).backward()


def test_a_changed_input_is_still_noticed(again):
    x = leaf(3.0)
    y = (x * x).sum()
    with mg.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match="changed in place"):
        again(y).backward()


def test_a_kept_gradient_is_still_kept(again):
    x = leaf(3.0)
    y = x * x
    y.retain_grad()
    y2, z2 = again((y, y.sum()))
    z2.backward()
    assert_array_equal(y2.grad.data, [1.0])


def test_indices_travel(again):
    x = leaf(1.0, 2.0, 3.0)
    z = x[np.array([0, 0, 2])] * x[::-1][..., None][:, 0]
    x2, z2 = again((x, z))
    for x_, z_ in ((x, z), (x2, z2)):
        z_.sum().backward()
        assert x_.grad is not None
    assert_array_equal(x2.grad.data, x.grad.data)


def test_views_come_back_with_memory_of_their_own(again):
    x = mg.Tensor(np.arange(6.0).reshape(2, 3))
    y = again(x.T)
    assert_array_equal(y.data, x.data.T)
    y += 1.0
    assert x.data[0, 0] == 0.0


class Tied(nn.Module):
    def __init__(self):
        self.a = nn.Linear(2, 2)
        self.b = [nn.Linear(2, 2)]
        self.b[0].weight = self.a.weight

    def forward(self, x):
        return self.b[0](self.a(x))


def test_modules_travel_and_keep_what_they_share(again):
    net = Tied()
    net.eval()
    twin = again(net)
    assert twin.b[0].weight is twin.a.weight
    assert twin.training is False
    x = mg.Tensor(np.ones((3, 2)))
    assert_array_equal(twin(x).data, net(x).data)
    twin.a.weight.data[...] = 0
    assert net.a.weight.data.any()


def test_a_model_and_its_optimiser_travel_together(again):
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    x = np.random.default_rng(0).standard_normal((5, 2))

    def step(net, optimizer):
        optimizer.zero_grad()
        (net(x) ** 2).mean().backward()
        optimizer.step()

    step(net, optimizer)
    twin, twin_optimizer = again((net, optimizer))
    for _ in range(3):
        step(net, optimizer)
        step(twin, twin_optimizer)
    for a, b in zip(net.parameters(), twin.parameters(), strict=True):
        assert a is not b
        assert_array_equal(a.data, b.data)


def test_hooks_travel(again):
    x = leaf(1.0)
    x.register_hook(copy.copy)  # any function that pickle finds by its name
    net = nn.Tanh()
    net.register_forward_hook(print, always_call=True)
    x2, net2 = again((x, net))
    assert len(x2.notes["hooks"]) == 1
    assert len(net2._hooks["forward"]) == 1


def test_errors_travel(again):
    x, w = mg.Tensor(np.ones((2, 3)), name="x"), mg.Tensor(np.ones((2, 3)), name="w")
    for wrong, kind in (
        (lambda: x @ w, ValueError),
        (x.backward, RuntimeError),
        (lambda: mg.Tensor("text"), TypeError),
        (lambda: x[5], IndexError),
        (lambda: nn.Linear(2, 2).load_state_dict({}), Exception),
    ):
        with pytest.raises(kind) as caught:
            wrong()
        error = again(caught.value)
        assert type(error) is type(caught.value)
        assert str(error) == str(caught.value)


def test_a_shallow_copy_shares_its_memory(again):
    x = leaf(1.0)
    y = copy.copy(x * 2)
    y.sum().backward()
    assert_array_equal(x.grad.data, [2.0])
    z = copy.copy(x)
    assert z is not x
    assert z.data is x.data


def test_a_node_has_every_slot_however_it_is_made(again):
    z = mg.Tensor([1.0, 2.0], requires_grad=True) * 3
    for node in (z.node, again(z).node):
        assert [slot for slot in type(node).__slots__ if not hasattr(node, slot)] == []


def test_a_leaf_has_every_slot_but_those_of_views_however_it_is_made(again):
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    with mg.no_grad():
        result = x * 3
    for t in (x, result, x.detach(), again(x)):
        assert {slot for slot in Vertex.__slots__ if not hasattr(t, slot)} <= {"_time", "_view", "_views"}


def nonfinite():
    with mg.detect_nonfinite():
        mg.log(mg.Tensor([0.0], requires_grad=True))


def disagreeing():
    mg.gradcheck(lambda x: x.detach() * 2 + x, np.array([1.0, 2.0]))


RAISED = {"GradcheckError": disagreeing, "NonfiniteError": nonfinite}  # else an instance with a message will do


def exceptions():
    """Every exception and warning that the package defines."""
    for info in pkgutil.walk_packages(mg.__path__, "micrograd_np."):
        for x in vars(import_module(info.name)).values() if info.name != "micrograd_np.pictures.bundled" else ():
            if isinstance(x, type) and issubclass(x, BaseException) and x.__module__.startswith("micrograd_np"):
                yield x


@pytest.mark.parametrize("kind", dict.fromkeys(exceptions()))
def test_every_error_of_the_package_keeps_its_message_and_what_it_knows(again, kind):
    def error_of():
        raise kind("what went wrong")

    with np.errstate(all="ignore"), pytest.raises(kind) as caught:
        RAISED.get(kind.__name__, error_of)()
    error = caught.value
    copied = again(error)
    assert type(copied) is kind
    assert str(copied) == str(error)
    assert repr(vars(copied)) == repr(vars(error))
