"""Recurrences: the memory they are given changes nothing, sweeps are made once and let go, and every shape is right."""

import weakref
from contextlib import contextmanager

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np.ops.fused.gru import gru, gru_memory, gru_sweep
from micrograd_np.ops.fused.lstm import lstm, lstm_memory, lstm_sweep
from micrograd_np.ops.fused.rnn import rnn, rnn_sweep

SIZES = [(1, 1), (1, 3), (4, 1), (4, 3)]  # steps and samples: one of either is a case of its own
every_size = pytest.mark.parametrize(("steps", "samples"), SIZES)
GATED = [(lstm, lstm_memory), (gru, gru_memory)]
every_gated = pytest.mark.parametrize(("op", "memory"), GATED, ids=lambda op: op.name)
SWEPT = [(lstm, lstm_sweep), (gru, gru_sweep), (rnn, rnn_sweep)]
every_swept = pytest.mark.parametrize(("op", "sweep"), SWEPT, ids=lambda op: op.name)


def inputs_of(op, steps=4, samples=3, features=5, hidden=2):
    rng = np.random.default_rng(7)
    shapes = {
        lstm: [(samples, hidden)] * 2 + [(4 * hidden, features), (4 * hidden, hidden), (4 * hidden,)],
        gru: [(samples, hidden), (3 * hidden, features), (3 * hidden, hidden), (3 * hidden,), (hidden,)],
        rnn: [(samples, hidden), (hidden, hidden)],
    }
    first = (steps, samples, hidden if op is rnn else features)
    return [rng.uniform(-1, 1, shape) for shape in (first, *shapes[op])]


def leaves_of(op, *sizes):
    return [mg.Tensor(x, requires_grad=True) for x in inputs_of(op, *sizes)]


def weighed(z):
    return (z * mg.constant(np.cos(np.arange(z.size)).reshape(z.shape))).sum()


@every_gated
@every_size
def test_a_memory_changes_no_bit(op, memory, steps, samples):
    results = []
    for known in (False, True):
        leaves = leaves_of(op, steps, samples)
        z = op(*leaves, memory(*leaves)) if known else op(*leaves)
        weighed(z).backward()
        results.append([z.data, *(x.grad.data for x in leaves)])
    for without, with_memory in zip(*results, strict=True):
        np.testing.assert_array_equal(with_memory, without)


@every_gated
def test_second_derivatives_pass_a_memory_by(op, memory):
    results = []
    for known in (False, True):
        leaves = leaves_of(op)
        z = op(*leaves, memory(*leaves)) if known else op(*leaves)
        first = mg.autograd.grad(weighed(z), leaves, create_graph=True)
        results.append(mg.autograd.grad(sum((g * g).sum() for g in first), leaves))
    for without, with_memory in zip(*results, strict=True):
        np.testing.assert_array_equal(with_memory.data, without.data)


@every_gated
@every_size
def test_gradients_agree_with_finite_differences_for_one_step_and_one_sample_too(op, memory, steps, samples):
    def known(*leaves):
        return weighed(op(*leaves))

    report = mg.check_gradients(known, *inputs_of(op, steps, samples))
    assert report, report


@every_gated
def test_a_step_alone_is_as_one_among_many(op, memory):
    x, h, *rest = inputs_of(op)
    whole = op(x, h, *rest)
    for t in range(len(x)):
        z = op(x[t : t + 1], h, *rest)
        h, rest = z[0], [z[1], *rest[1:]] if op is lstm else rest
        np.testing.assert_allclose(h, whole[t], rtol=1e-13)
    if op is lstm:
        np.testing.assert_allclose(rest[0], whole[-1], rtol=1e-13)


@contextmanager
def sweeps_noted(sweep):
    """The results of all sweeps over plain arrays, by weak references."""
    kernel, found = sweep.kernel, []

    def noting(xp, *args, **kwargs):
        result = kernel(xp, *args, **kwargs)
        if xp is np:
            found.append(weakref.ref(result))
        return result

    sweep.kernel = noting
    try:
        yield found
    finally:
        sweep.kernel = kernel


@every_swept
@pytest.mark.parametrize("create_graph", [False, True])
def test_all_rules_share_one_sweep(op, sweep, create_graph):
    leaves = leaves_of(op)
    with sweeps_noted(sweep) as found:
        weighed(op(*leaves)).backward(create_graph=create_graph)
        assert len(found) == 1
        weighed(op(*leaves)).backward(create_graph=create_graph)
        assert len(found) == 2


@every_swept
def test_all_rules_share_one_sweep_where_x_is_given(op, sweep):
    x, *leaves = leaves_of(op)
    with sweeps_noted(sweep) as found:
        weighed(op(x.data, *leaves)).backward()
    assert len(found) == 1


@every_swept
def test_all_rules_share_one_sweep_in_a_compiled_step(op, sweep):
    leaves = leaves_of(op)

    @mg.compile
    def step():
        for x in leaves:
            x.zero_grad()
        z = weighed(op(*leaves))
        z.backward()
        return z

    with sweeps_noted(sweep) as found:
        step()
    assert len(found) == 1


@every_swept
def test_a_sweep_is_let_go_with_what_was_made_of_it(op, sweep):
    leaves = leaves_of(op)
    with sweeps_noted(sweep) as found:
        z = weighed(op(*leaves))
        z.backward()
        for x in leaves:
            x.grad = None
        assert [ref() for ref in found] == [None]
        z = weighed(op(*leaves))
        z.backward(create_graph=True)
        for x in leaves:
            x.grad = None
        del z
        assert [ref() for ref in found] == [None, None]
