"""Graphs live as long as somebody names them: no cycles, no recursion, no leak, and time that grows in proportion."""

import gc
import sys
import tracemalloc
import weakref
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import expressions, leaves_of
from together import sparing

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.engine.backward import reached

LONG = 100_000


@contextmanager
def collector_off():
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def shallow():
    """Hardly any recursion is allowed beyond where we stand."""
    depth, frame = 0, sys._getframe()
    while frame:
        depth, frame = depth + 1, frame.f_back
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 60)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def chain(x, n):
    z = x
    for _ in range(n):
        z = z + 1.0
    return z


def test_a_chain_of_100_000_nodes_runs_forward_backward_and_is_released():
    x = mg.Tensor(1.0, requires_grad=True)
    with collector_off(), shallow():
        z = chain(x, LONG)
        middle = weakref.ref(z.inputs[0])
        z.backward()
        assert x.grad.item() == 1.0
        del z
    assert middle() is None


def test_a_chain_of_100_000_nodes_is_released_without_a_backward_pass():
    x = mg.Tensor(1.0, requires_grad=True)
    with collector_off(), shallow():
        z = chain(x, LONG)
        early = z
        for _ in range(LONG - 1):
            early = early.inputs[0]
        early = weakref.ref(early)
        assert early() is not None
        del z
    assert early() is None


def test_a_chain_of_100_000_nodes_keeps_its_graph_for_a_second_pass():
    x = mg.Tensor(1.0, requires_grad=True)
    with shallow():
        z = chain(x, LONG)
        z.backward(retain_graph=True)
        z.backward()
    assert x.grad.item() == 2.0


def test_a_chain_is_differentiated_twice():
    x = mg.Tensor(1.0, requires_grad=True)
    with shallow():
        z = chain(x, 10_000)
        (z * z).backward(create_graph=True)
        g, x.grad = x.grad, None
        g.backward()
    assert x.grad.item() == 2.0


def calls(n):
    """How many functions are called, Python's and C's, while a chain of `n` runs forward and backward."""
    x = mg.Tensor(1.0, requires_grad=True)
    count = 0

    def note(frame, event, arg):
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        chain(x, n).backward()
    finally:
        sys.setprofile(None)
    return count


def test_work_grows_with_the_length_of_a_chain_and_not_with_its_square():
    assert calls(10_000) < 10.1 * calls(1_000)


def peak(n):
    x = mg.Tensor(1.0, requires_grad=True)
    tracemalloc.start()
    chain(x, n).backward()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_memory_grows_with_the_length_of_a_chain():
    assert peak(50_000) < 12 * peak(5_000)  # so long that the tuples Python keeps for reuse do not count


def test_backward_gives_memory_back_as_it_goes():
    x = mg.Tensor(np.ones(1000), requires_grad=True)
    z = x
    for _ in range(100):
        z = mg.tanh(z)  # the rule reads the result
    loss = z.sum()
    early = weakref.ref(loss.inputs[0].inputs[0].data)
    del z
    with collector_off():
        assert early() is not None
        loss.backward()
        assert early() is None  # although loss is still there


def test_what_survives_of_a_freed_graph_holds_no_leaf_and_no_constant():
    w = mg.Tensor(np.ones((3, 1000)), requires_grad=True)
    index = np.arange(500)
    loss = (w[:, index] * mg.Tensor(np.full((3, 500), 2.0))).sum()
    watched = [weakref.ref(x) for x in (w, w.data, index)]
    with collector_off():
        loss.backward()
        del w, index
        assert [r() for r in watched] == [None] * 3


def bytes_of_freed(make):
    """The bytes that a vertex of the graph of this loss takes once it is freed."""

    def freed():
        loss = make()
        loss.backward()
        gc.collect()
        return loss

    freed()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        loss = freed()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    return grown / len(reached(loss, freed=True))


@pytest.mark.parametrize("shape", sparing([(2, 300), (300,), ()], 3))
def test_a_vertex_of_a_freed_graph_takes_at_most_200_bytes(shape):
    w = mg.Tensor(np.ones(shape, np.float32), requires_grad=True)

    def make():
        w.grad, z = None, w
        for i in range(1000):
            z = mg.clip((mg.tanh(z) * 1.5).reshape(shape[::-1]).reshape(shape), min=0.0, max=i % 3 + 1.0)
        return z.sum()

    assert bytes_of_freed(make) <= 200


@pytest.mark.parametrize(
    "part", sparing([lambda w, i: w[i : i + 2], lambda w, i: w[i], lambda w, i: w[i : i + 2, 1]], 3)
)
def test_a_vertex_of_a_freed_graph_takes_at_most_200_bytes_though_every_slice_is_another(part):
    w = mg.Tensor(np.ones((1000, 3)), requires_grad=True, name="w")

    def make():
        w.grad = None
        return sum(part(w, i).sum() for i in range(900))

    assert bytes_of_freed(make) <= 200
    loss = make()
    loss.backward()
    words = mg.draw(loss, max_nodes=10_000).describe()
    assert "w[899" in words
    assert "z₁ = w[…]: " in words


def test_equal_slices_of_a_freed_graph_keep_one_index():
    w = mg.Tensor(np.ones((9, 3)), requires_grad=True)
    z = sum(w[1:, 2] * w[:2, 0].sum() + w[1:, 2] for _ in range(3)).sum()
    z.backward()
    indices = [node.static["index"] for node in reached(z, freed=True) if node.op and node.op.name == "view"]
    assert len(indices) == 9
    assert len(set(map(id, indices))) == 2


def test_losses_in_a_list_and_running_totals_keep_a_bounded_structure():
    w = mg.Tensor(np.ones(5), requires_grad=True)

    def train(n, gather):
        kept = []
        for _ in range(n):
            loss = mg.tanh((w * 2.0).exp()).mean()
            loss.backward()
            gather(kept, loss)
        return kept

    def total(kept, loss):
        kept[:] = [kept[0] + loss if kept else loss]

    for gather in (list.append, total):
        kept = train(6000, gather)
        nodes = reached(*kept, freed=True)
        assert len(nodes) <= 20_000 + 3 * 6000, "structure of 5,000 losses; a loss and its sum of the others"
        tops = [kept[-1], kept[0]] if gather is list.append else [kept[0], kept[0].inputs[1]]
        assert len(reached(tops[0], freed=True)) > 3


@given(expressions())
def test_a_graph_dies_with_its_last_name(expression):
    with collector_off():
        leaves = leaves_of(expression)
        z = expression(*leaves)
        inner = [weakref.ref(x) for x in (z, *z.inputs) if isinstance(x, mg.Tensor) and not x.is_leaf]
        del z
        assert [r() for r in inner] == [None] * len(inner)


@given(expressions(max_steps=6))
def test_a_graph_walked_backward_twice_dies_with_its_last_name(expression):
    with collector_off():
        leaves = leaves_of(expression)
        z = expression(*leaves)
        z.backward(create_graph=True)
        watched = [weakref.ref(x.grad) for x in leaves if x.grad is not None] + [weakref.ref(z)]
        for x in leaves:
            x.zero_grad()
        del z, x
        assert [r() for r in watched] == [None] * len(watched)


@pytest.mark.parametrize("failing", [True, False])
def test_an_error_in_backward_leaves_no_cycle(failing):
    with collector_off():
        x = mg.Tensor([1.0, 2.0], requires_grad=True)
        z = (x * x).sum()
        ref = weakref.ref(z)
        z.backward()
        if failing:
            with pytest.raises(RuntimeError) as caught:
                z.backward()
            del caught
        del z
        if failing:
            gc.collect()  # the traceback that pytest held
        assert ref() is None


def trained(steps):
    """What the Python and NumPy allocators hold after so many training steps more than after a few."""
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    x, y = rng.normal(size=(16, 4)), rng.normal(size=(16, 1))
    loss_of = nn.MSELoss()

    def step():
        optimizer.zero_grad()
        loss = loss_of(net(mg.Tensor(x)), y)
        loss.backward()
        optimizer.step()

    with collector_off():
        for _ in range(50):
            step()
        tracemalloc.start()
        step()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(steps):
            step()
        after = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    return after - before


@pytest.mark.hypothesis  # so that the thorough run, which selects by this mark, takes it along
def test_training_leaves_memory_flat_with_the_collector_off():
    steps = 10_000 if settings.get_current_profile_name() == "thorough" else 500  # which takes its time
    assert trained(steps) < 4096  # a leak of one small object per step would be 25 kB
