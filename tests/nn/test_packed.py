"""Sequences of several lengths: packed and padded as in PyTorch, and through recurrent layers of every kind."""

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import nn
from micrograd_np.nn.utils.rnn import (
    PackedSequence,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpad_sequence,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4, 3))
LENGTHS = {"sorted": [6, 6, 3, 1], "unsorted": [3, 1, 6, 3], "equal": [5, 5, 5, 5]}


LAYERS = [
    "RNN(3, 4)",
    "GRU(3, 4, num_layers=2, bidirectional=True)",
    "LSTM(3, 4, num_layers=2, bidirectional=True)",
    "LSTM(3, 4, proj_size=2, bias=False)",
]
every_length = pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch judges here: pip install 'micrograd_np[bench]'")


def pair(torch, expression):
    ours = eval(f"nn.{expression}", {"nn": nn})
    theirs = eval(f"nn.{expression}", {"nn": torch.nn}).double()
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def packed(torch, lengths):
    """X packed, here and there."""
    theirs_of = torch.nn.utils.rnn
    x, y = mg.Tensor(X, requires_grad=True), torch.tensor(X, requires_grad=True)
    ordered = lengths == sorted(lengths, reverse=True)
    return (
        (x, pack_padded_sequence(x, lengths, enforce_sorted=ordered)),
        (y, theirs_of.pack_padded_sequence(y, torch.tensor(lengths), enforce_sorted=ordered)),
    )


def close(a, b):
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-10, atol=1e-12)


@every_length
def test_packed_elements_stand_step_by_step_the_longest_sequence_first(lengths):
    ordered = lengths == sorted(lengths, reverse=True)
    z = pack_padded_sequence(X, lengths, enforce_sorted=ordered)
    order = list(z.sorted_indices or range(4))
    assert sorted(lengths, reverse=True) == [lengths[i] for i in order]
    rows = [X[t, i] for t in range(max(lengths)) for i in order if t < lengths[i]]
    np.testing.assert_array_equal(z.data.data, rows)
    assert list(z.batch_sizes) == [sum(n > t for n in lengths) for t in range(max(lengths))]
    for first in (False, True):
        wide, n = pad_packed_sequence(z, batch_first=first, padding_value=-1.0, total_length=8)
        expected = np.where(
            np.arange(8)[:, None, None] < np.array(lengths)[:, None], np.pad(X, [(0, 2), (0, 0), (0, 0)]), -1
        )
        np.testing.assert_array_equal(wide.data, expected.swapaxes(0, 1) if first else expected)
        assert n.tolist() == lengths


@together
@pytest.mark.parametrize("given", [False, True], ids=["zero", "given"])
@every_length
@pytest.mark.parametrize("expression", LAYERS)
def test_a_packed_sequence_is_computed_as_if_it_were_alone(expression, lengths, given):
    layer = eval(f"nn.{expression}", {"nn": nn})
    x = mg.Tensor(X, requires_grad=True)
    states, single = states_of(layer, expression, given)
    z, end = layer(pack_padded_sequence(x, lengths, enforce_sorted=False), *wrapped(states, single))
    z, _ = pad_packed_sequence(z)
    ends = end if isinstance(end, tuple) else (end,)
    (z.square().sum() + ends[0].square().sum()).backward()
    gradients = [p.grad.data.copy() for p in layer.parameters()]
    layer.zero_grad()
    for i, n in enumerate(lengths):
        alone = mg.Tensor(X[:n, i], requires_grad=True)
        one, last = layer(alone, *wrapped([s[:, i] for s in states], single))
        np.testing.assert_allclose(z.data[:n, i], one.data, rtol=1e-11, atol=1e-13)
        assert not z.data[n:, i].any()
        lasts = last if isinstance(last, tuple) else (last,)
        for a, b in zip(ends, lasts, strict=True):
            np.testing.assert_allclose(a.data[:, i], b.data, rtol=1e-11, atol=1e-13)
        (one.square().sum() + lasts[0].square().sum()).backward()
        np.testing.assert_allclose(x.grad.data[:n, i], alone.grad.data, rtol=1e-10, atol=1e-12)
        assert not x.grad.data[n:, i].any()
    for p, g in zip(layer.parameters(), gradients, strict=True):
        np.testing.assert_allclose(g, p.grad.data, rtol=1e-10, atol=1e-12)


def states_of(layer, expression, given):
    """Initial states as arrays, and whether there is one only, which is passed without a tuple."""
    rows = layer.num_layers * (1 + layer.bidirectional)
    sizes = [layer.proj_size or 4, 4] if "LSTM" in expression else [4]
    states = [np.random.default_rng(1).normal(size=(rows, 4, size)) for size in sizes] if given else []
    return states, len(states) == 1


def wrapped(states, single, wrap=mg.Tensor):
    """The states as an argument of a layer, if there are any."""
    made = tuple(wrap(s) for s in states)
    return [made[0] if single else made] if made else []


@every_length
def test_packing_is_pytorchs(lengths, torch):
    (_, ours), (_, theirs) = packed(torch, lengths)
    theirs_of = torch.nn.utils.rnn
    close(ours.data, theirs.data)
    assert list(ours.batch_sizes) == theirs.batch_sizes.tolist()
    if theirs.sorted_indices is not None:
        assert sorted(ours.sorted_indices) == sorted(theirs.sorted_indices.tolist())
        assert [ours.sorted_indices[i] for i in ours.unsorted_indices] == list(range(4))
    for settings in ({}, {"batch_first": True, "padding_value": -1.0, "total_length": 8}):
        (a, n), (b, m) = pad_packed_sequence(ours, **settings), theirs_of.pad_packed_sequence(theirs, **settings)
        close(a, b)
        assert n.tolist() == m.tolist() == lengths


@pytest.mark.parametrize("given", [False, True], ids=["zero", "given"])
@every_length
@pytest.mark.parametrize("expression", LAYERS)
def test_recurrent_layers_take_packed_sequences(expression, lengths, given, torch):
    ours, theirs = pair(torch, expression)
    (x, packed_here), (y, packed_there) = packed(torch, lengths)
    states, single = states_of(ours, expression, given)
    z, end = ours(packed_here, *wrapped(states, single))
    w, end_there = theirs(packed_there, *wrapped(states, single, torch.tensor))
    assert isinstance(z, PackedSequence)
    close(z.data, w.data)
    ends, ends_there = (e if isinstance(e, tuple) else (e,) for e in (end, end_there))
    for a, b in zip(ends, ends_there, strict=True):
        close(a, b)
    (z.data.square().sum() + ends[0].square().sum()).backward()
    (w.data.square().sum() + ends_there[0].square().sum()).backward()
    close(x.grad, y.grad)
    for (_, p), (_, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        close(p.grad, q.grad)


def test_a_compiled_step_takes_packed_sequences():
    model = nn.GRU(3, 4, bidirectional=True)

    def step(x, lengths):
        z, end = model(pack_padded_sequence(x, lengths, enforce_sorted=False))
        return pad_packed_sequence(z)[0].sum() + end.sum()

    compiled = mg.compile(step)
    for lengths in ((6, 2, 3, 6), (1, 2, 3, 4), (6, 2, 3, 6)):
        assert compiled(X, lengths).item() == step(X, lengths).item()


PARTS = [RNG.normal(size=(n, 2)) for n in (2, 4, 1)]
PADDINGS = [{}, {"batch_first": True, "padding_value": 2.5}, {"padding_side": "left"}]


@pytest.mark.parametrize("settings", PADDINGS, ids=["", "first", "left"])
def test_sequences_are_padded_to_the_longest(settings):
    z = pad_sequence([mg.Tensor(x) for x in PARTS], **settings).data
    z = z if settings.get("batch_first") else z.swapaxes(0, 1)
    assert z.shape == (3, 4, 2)
    for row, x in zip(z, PARTS, strict=True):
        n, left = len(x), settings.get("padding_side") == "left"
        np.testing.assert_array_equal(row[4 - n :] if left else row[:n], x)
        assert (np.delete(row, np.s_[4 - n :] if left else np.s_[:n], 0) == settings.get("padding_value", 0)).all()


@pytest.mark.parametrize("settings", PADDINGS, ids=["", "first", "left"])
def test_sequences_are_padded_as_in_pytorch(settings, torch):
    theirs_of = torch.nn.utils.rnn
    ours = pad_sequence([mg.Tensor(x) for x in PARTS], **settings)
    close(ours, theirs_of.pad_sequence([torch.tensor(x) for x in PARTS], **settings))
    ours = pack_sequence(PARTS, enforce_sorted=False)
    close(ours.data, theirs_of.pack_sequence([torch.tensor(x) for x in PARTS], enforce_sorted=False).data)


@pytest.mark.parametrize("first", [False, True])
def test_sequences_are_unpadded_to_what_they_were(first):
    found = unpad_sequence(pad_sequence(PARTS, first), [2, 4, 1], first)
    assert [x.tolist() for x in found] == [x.tolist() for x in PARTS]
    z = pack_sequence(PARTS, enforce_sorted=False)
    assert z.data.tolist() == [*(PARTS[i][t].tolist() for t in range(4) for i in (1, 0, 2) if t < len(PARTS[i]))]


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([1, 2, 3, 4], "lengths must be falling.*enforce_sorted=False"),
        ([6, 5, 4, 0], "lengths must be from 1 to 6"),
        ([7, 5, 4, 1], "lengths must be from 1 to 6"),
        ([6, 5, 4], "must be 4 integers"),
        ([6.0, 5.0, 4.0, 1.0], "must be 4 integers"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(lengths, message):
    with pytest.raises(ValueError, match=message):
        pack_padded_sequence(X, lengths)
