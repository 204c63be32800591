"""Sequences of several lengths: packed and padded as in PyTorch, and through recurrent layers of every kind."""

import numpy as np
import pytest

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

torch = pytest.importorskip("torch")
theirs_of = torch.nn.utils.rnn
RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4, 3))
LENGTHS = {"sorted": [6, 6, 3, 1], "unsorted": [3, 1, 6, 3], "equal": [5, 5, 5, 5]}


def pair(expression):
    ours = eval(f"nn.{expression}", {"nn": nn})
    theirs = eval(f"nn.{expression}", {"nn": torch.nn}).double()
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def packed(lengths):
    """X packed, here and there."""
    x, y = mg.Tensor(X, requires_grad=True), torch.tensor(X, requires_grad=True)
    ordered = lengths == sorted(lengths, reverse=True)
    return (
        (x, pack_padded_sequence(x, lengths, enforce_sorted=ordered)),
        (y, theirs_of.pack_padded_sequence(y, torch.tensor(lengths), enforce_sorted=ordered)),
    )


def close(a, b):
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_packing_is_pytorchs(lengths):
    (_, ours), (_, theirs) = packed(lengths)
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
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize(
    "expression",
    [
        "RNN(3, 4)",
        "GRU(3, 4, num_layers=2, bidirectional=True)",
        "LSTM(3, 4, num_layers=2, bidirectional=True)",
        "LSTM(3, 4, proj_size=2, bias=False)",
    ],
)
def test_recurrent_layers_take_packed_sequences(expression, lengths, given):
    ours, theirs = pair(expression)
    (x, packed_here), (y, packed_there) = packed(lengths)
    states = []
    if given:
        rows = ours.num_layers * (1 + ours.bidirectional)
        sizes = [ours.proj_size or 4, 4] if "LSTM" in expression else [4]
        states = [RNG.normal(size=(rows, 4, size)) for size in sizes]
    single = len(states) == 1
    here, there = (tuple(wrap(s) for s in states) for wrap in (mg.Tensor, torch.tensor))
    z, end = ours(packed_here, *([here[0] if single else here] if given else []))
    w, end_there = theirs(packed_there, *([there[0] if single else there] if given else []))
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


def test_sequences_are_padded_and_unpadded_as_in_pytorch():
    parts = [RNG.normal(size=(n, 2)) for n in (2, 4, 1)]
    for settings in ({}, {"batch_first": True, "padding_value": 2.5}, {"padding_side": "left"}):
        ours = pad_sequence([mg.Tensor(x) for x in parts], **settings)
        theirs = theirs_of.pad_sequence([torch.tensor(x) for x in parts], **settings)
        close(ours, theirs)
    for first in (False, True):
        found = unpad_sequence(pad_sequence(parts, first), [2, 4, 1], first)
        assert [x.tolist() for x in found] == [x.tolist() for x in parts]
    ours = pack_sequence(parts, enforce_sorted=False)
    close(ours.data, theirs_of.pack_sequence([torch.tensor(x) for x in parts], enforce_sorted=False).data)


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
