"""Writes in place are counted by memory: seen through every view, and only where a derivative rule reads it."""

import copy
import gc
import re
import weakref
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from together import together

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.core.reads import reads
from micrograd_np.core.writes import clock, writes

CHANGED = pytest.raises(RuntimeError, match="changed in place")

views = pytest.mark.parametrize(
    "view",
    [
        lambda w: w[0],
        lambda w: w[:, 1],
        lambda w: w[::2, ::-1],
        lambda w: w.T,
        lambda w: w.reshape(9),
        lambda w: w.ravel()[2:5],
        lambda w: next(iter(w)),
        lambda w: w.detach(),
        lambda w: w.detach()[1],
        lambda w: mg.Tensor(w.data),
        lambda w: mg.Tensor(w.data[1:]),
        lambda w: w.diagonal(),
        lambda w: w.swapaxes(0, 1),
        lambda w: w[None].squeeze(0),
    ],
)


def leaf():
    return mg.Tensor(np.arange(9.0).reshape(3, 3) + 1, requires_grad=True, name="w")


@together
@views
@pytest.mark.parametrize("made", ["before", "after"])
@pytest.mark.parametrize("of", ["a leaf", "a result"])
def test_a_write_through_a_view_is_seen_by_backward(view, made, of):
    w = leaf()
    looked_into = w if of == "a leaf" else w.clone()
    with mg.no_grad():
        early = view(looked_into)
    z = (looked_into * looked_into).sum()
    with mg.no_grad():
        target = early if made == "before" else view(looked_into)
        if not target.data.flags.writeable:  # NumPy's diagonal is read-only
            target = looked_into.T
        target /= 2
    with CHANGED:
        z.backward()


@pytest.mark.parametrize("op", [mg.exp, mg.sqrt, mg.tanh, mg.sigmoid, mg.reciprocal, mg.relu], ids=lambda op: op.name)
def test_a_write_to_a_result_that_its_own_rule_reads_is_seen(op):
    y = op(leaf())
    z = y.sum()
    with mg.no_grad():
        y[0] *= 2
    with CHANGED:
        z.backward()


def test_the_error_lists_the_names_of_inputs_if_they_have_any():
    for name, said in (("w", "square (inputs: w), or itself"), (None, "square, or itself")):
        w = mg.Tensor([2.0], requires_grad=True, name=name)
        z = w.square()
        with mg.no_grad():
            w += 1
        with pytest.raises(RuntimeError, match=re.escape(said)):
            z.backward()


@together
@views
def test_a_write_to_what_a_view_looks_into_is_seen_where_the_view_was_read(view):
    w = leaf()
    with mg.no_grad():
        part = view(w)
    scale = mg.Tensor(np.ones(part.shape), requires_grad=True)
    z = (scale * part).sum()
    with mg.no_grad():
        w *= 2
    with CHANGED:
        z.backward()


def test_iterating_writes_into_the_rows():
    w = mg.Tensor(np.eye(2), requires_grad=True)
    y = (w @ w).sum()
    with mg.no_grad():
        for row in iter(w):
            row.copy_(row / 2)
    with CHANGED:
        y.backward()


def test_views_whose_bytes_do_not_overlap_share_nothing():
    w = leaf().detach()
    scale = mg.Tensor(2.0, requires_grad=True)
    z = (scale * w[:, 0]).sum()
    column = w[:, 1]
    column *= 5
    z.backward()
    assert scale.grad.item() == 1 + 4 + 7


def test_parameters_that_a_compiled_step_laid_side_by_side_are_written_one_by_one():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    optimizer = optim.Adam(net.parameters())

    @mg.compile
    def step(x):
        optimizer.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    x = np.ones((2, 3))
    for _ in range(3):
        step(x)
    first, second = net[0].weight, net[1].weight
    z = (first * first).sum()
    with mg.no_grad():
        second += 1
    first.grad = None
    z.backward()
    assert_array_equal(first.grad.data, 2 * first.data)
    z = (second * second).sum()
    step(x)
    with CHANGED:
        z.backward()


def test_a_write_to_one_argument_of_a_compiled_step_is_seen_through_a_view():
    w = leaf()
    rows = w.detach()

    @mg.compile
    def halve(t):
        with mg.no_grad():
            t /= 2

    halve(mg.Tensor(np.ones((3, 3))))
    z = (w * w).sum()
    halve(rows)
    with CHANGED:
        z.backward()


def test_what_no_rule_reads_may_be_written():
    w = leaf()
    x = mg.Tensor(np.ones((3, 3)))
    z = (w + x).sum()
    with mg.no_grad():
        x *= 7
        w += 1
    z.backward()
    assert_array_equal(w.grad.data, np.ones((3, 3)))


def test_what_no_rule_reads_may_be_written_though_somebody_watches():
    w = leaf()
    with mg.trace_origins():
        h = w * 1
        z = h.sum()  # whose rule reads the shape of h
        with mg.no_grad():
            h *= 7
        z.backward()
    assert_array_equal(w.grad.data, np.ones((3, 3)))


def test_recurrences_in_place_have_their_derivative():
    x = mg.Tensor(np.arange(1.0, 4), requires_grad=True)
    h = x * 1
    for i in (1, 2):
        h[i] = h[i] + h[i - 1]
    (h**2).sum().backward()
    assert_array_equal(x.grad.data, [20, 18, 12])
    report = mg.check_gradients(recurrence, np.arange(1.0, 4))
    assert report, report


def recurrence(x):
    h = x * 1
    for i in (1, 2):
        h[i] = h[i] * h[i - 1]
        h += x
    return (h**2).sum()


def test_a_rule_is_given_only_what_it_reads():
    w = leaf()
    early = weakref.ref((y := w + 1).data)
    z = (y * 2).sum()
    del y
    gc.collect()
    assert early() is None
    z.backward()
    assert_array_equal(w.grad.data, np.full((3, 3), 2))


def test_an_edge_does_not_keep_a_tensor_alive():
    w = mg.Tensor(np.ones((10, 10)), requires_grad=True)
    x = mg.Tensor(np.ones((10, 10)))
    z = w + x
    dead = weakref.ref(x)
    del x
    assert dead() is None
    z.sum().backward()


def test_what_is_written_is_known_no_longer_than_its_memory():
    before = len(writes._log)
    for _ in range(100):
        t = mg.Tensor(np.ones(3))
        t += 1
        t[1:] *= 2
    del t
    assert len(writes._log) <= before + 1


def test_memory_that_numpy_does_not_own_is_counted_too():
    memory = bytearray(24)
    a, b = (mg.Tensor(np.frombuffer(memory)) for _ in range(2))
    scale = mg.Tensor(2.0, requires_grad=True)
    z = (scale * a).sum()
    b += 1
    with CHANGED:
        z.backward()


def test_memory_used_again_is_not_taken_for_what_was_there():
    moment = clock()
    for _ in range(50):
        t = mg.Tensor(np.ones(64))
        t += 1
    assert not writes.since(np.ones(64), moment)


class Rule:
    def __call__(self, g, z, x):
        return g * x


def test_what_rules_read_is_looked_up_once_also_of_any_number_of_inputs(monkeypatch):
    x, y = mg.ones(2, requires_grad=True), mg.ones(2)
    mg.concatenate([x, y, x])
    monkeypatch.setattr("micrograd_np.core.primitive.reads", None)
    z = mg.concatenate([x, y, x])
    (z * mg.Tensor([1.0, 2.0, 0.0, 0.0, 3.0, 4.0])).sum().backward()
    assert np.array_equal(x.grad.data, [4.0, 6.0])


@pytest.mark.parametrize(
    ("rule", "count", "expected"),
    [
        (lambda g, z, x, y: g, 3, (0, 0, 0)),
        (lambda g, z, x, y: g * y, 3, (0, 0, 2)),
        (lambda g, z, x: g * (z - z * z), 2, (2, 0)),
        (lambda g, z, x: g.reshape(x.shape), 2, (0, 1)),
        (lambda g, z, x: [x for _ in g], 2, (0, 2)),
        (lambda g, z, *xs: xs[0].shape, 3, (0, 1, 1)),
        (lambda g, z, *xs: xs, 3, (0, 2, 2)),
        (Rule(), 2, (2, 2)),
    ],
)
def test_what_a_rule_reads_is_found_in_its_code(rule, count, expected):
    assert reads(rule, count) == expected


def test_second_derivatives_read_what_they_need():
    x = mg.Tensor(3.0, requires_grad=True)
    y = (x + 1) * (x + 1) * x
    (g,) = mg.autograd.grad(y, x, create_graph=True)
    (h,) = mg.autograd.grad(g, x)
    assert h.item() == 6 * 3 + 4


def test_a_leaf_given_another_array_refuses_a_derivative_that_is_recorded():
    x = mg.Tensor(3.0, requires_grad=True)
    y = x * x
    x.data = np.array(5.0)
    with CHANGED:
        mg.autograd.grad(y, x, create_graph=True)


def in_place(w, x):
    h = w * x
    h2 = h * h
    h += h2
    return h.sum()


def test_writes_in_the_graph_have_their_derivatives_whoever_watches():
    x = mg.Tensor([3.0, 4.0])
    w = mg.Tensor([1.0, 2.0], requires_grad=True)

    @mg.compile
    def compiled():
        w.grad = None
        in_place(w, x).backward()
        return w.grad

    for _ in range(3):
        assert_array_equal(compiled().data, [21, 68])
    later = mg.compile(lambda: in_place(w, x))
    for _ in range(3):
        w.grad = None
        later().backward()
        assert_array_equal(w.grad.data, [21, 68])
    for watch in (mg.detect_nonfinite, mg.trace_origins, mg.detect_mutation):
        with watch():
            (g,) = mg.autograd.grad(in_place(w, x), w, create_graph=True)
            w.grad = None
            in_place(w, x).backward()
        assert_array_equal(g.data, [21, 68])
        assert_array_equal(w.grad.data, [21, 68])


def test_a_checkpoint_remembers_what_it_was_given():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    h = x * 3
    o = mg.checkpoint(lambda t: t * t, h)
    h += o
    h.sum().backward()
    assert_array_equal(x.grad.data, [21, 39])
    h = x * 3
    o = mg.checkpoint(lambda: h * h)
    h += 1
    with pytest.raises(RuntimeError, match="Pass it as an argument"):
        o.sum().backward()
    k = x * 3
    o = mg.checkpoint(lambda: k * k)
    with mg.no_grad():
        k *= 2
    with CHANGED:
        o.sum().backward()


class Doubled:
    def __call__(self, g):
        return 2 * g


def test_a_copy_of_a_graph_has_its_hooks_and_its_own_memory():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    y.register_hook(Doubled())
    z = (y * y).sum()
    z2, x2 = copy.deepcopy((z, x))
    z2.backward()
    assert_array_equal(x2.grad.data, [36, 72])
    stale = (x * x).sum()
    with mg.no_grad():
        x *= 2
    fresh = (x * x).sum()
    fresh2, stale2, x2 = copy.deepcopy((fresh, stale, x))
    fresh2.backward()
    assert_array_equal(x2.grad.data, [4, 8])
    with CHANGED:
        stale2.backward()


def test_the_log_of_writes_is_bounded():
    t = mg.Tensor(np.zeros(10_000))
    for i in range(5000):
        t[i] = 1.0
    places, _ = writes.place(t.data)
    assert len(places) <= 4096
    scale = mg.Tensor(2.0, requires_grad=True)
    z = (scale * t).sum()
    t[0] = 7.0
    with CHANGED:
        z.backward()


def test_the_latest_writes_to_memory_that_numpy_does_not_own_are_not_forgotten():
    memory = np.frombuffer(bytearray(8 * 5000))
    scale, a = mg.Tensor(2.0, requires_grad=True), mg.Tensor(memory)
    z = (scale * a).sum()
    places, _ = writes.place(memory)
    for n in range(1, 5001):
        before = len(places)
        writes.note(memory[:n])
        if len(places) < before:  # the older ones were forgotten
            break
    assert 0 < len(places) < 4096
    with CHANGED:
        z.backward()


@dataclass
class Unhashable:
    factor: float

    def __call__(self, g, z, x):
        return self.factor * g * x


def test_rules_that_cannot_be_looked_into_read_everything():
    assert reads(lambda g, z, x: 2 * g * locals()["x"], 2) == (2, 2)
    assert reads(Unhashable(2.0), 2) == (2, 2)
    assert reads(lambda g, z, x: np.ones(x[0].shape) * g, 2) == (0, 2)
    assert reads(lambda g, z, x: sum([x * i for i in range(3)]) * g, 2)[1] == 2


@pytest.mark.parametrize(
    "share",
    [
        mg.from_dlpack,
        lambda a: mg.Tensor(np.from_dlpack(a)),
        lambda a: mg.Tensor(np.asarray(memoryview(a))),
        lambda a: mg.Tensor(np.frombuffer(a)),
        lambda a: mg.Tensor(np.ctypeslib.as_array((np.ctypeslib.ctypes.c_double * 3).from_buffer(a))),
    ],
    ids=["from_dlpack", "np.from_dlpack", "memoryview", "frombuffer", "ctypes"],
)
class TestMemoryThatPassedThroughForeignHands:
    """Its end of the chain of views is no array of NumPy's own, so the bytes themselves are compared."""

    def test_a_write_through_it_is_seen_by_who_read_the_array(self, share):
        w = mg.Tensor(np.ones(3), requires_grad=True)
        other = share(w.data)
        z = (w * w).sum()
        other += 1
        with CHANGED:
            z.backward()

    def test_a_write_to_the_array_is_seen_by_who_read_it(self, share):
        array = np.ones(3)
        t = share(array).requires_grad_()
        z = (t * t).sum()
        mg.Tensor(array).copy_(5.0)
        with CHANGED:
            z.backward()

    def test_other_memory_is_not_concerned(self, share):
        w, other = mg.Tensor(np.ones(3), requires_grad=True), share(np.ones(3))
        z = (w * w).sum()
        other += 1
        mg.Tensor(np.ones(3)).copy_(2.0)
        z.backward()
        assert_array_equal(w.grad.data, [2.0, 2.0, 2.0])
