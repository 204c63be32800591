"""CTC: against all alignments, written out; against PyTorch by logits; and at its edges."""

from itertools import groupby, product
from math import inf, log

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import functional


def logits(*shape):
    return np.random.default_rng(0).normal(size=shape)


def enumerated(x, labels, steps, blank):
    """−log of the sum over every sequence of `steps` classes that reads as the labels."""
    total = 0.0
    for path in product(range(x.shape[1]), repeat=steps):
        if [c for c, _ in groupby(path) if c != blank] == list(labels):
            total += np.exp(sum(x[t, c] for t, c in enumerate(path)))
    return -log(total) if total else inf


@together
@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize(
    ("labels", "steps"), [([], 4), ([1], 5), ([1, 1], 5), ([1, 3, 1], 4), ([1, 1], 2), ([], 0), ([3], 0)], ids=str
)
def test_the_loss_is_that_of_all_alignments(labels, steps, blank):
    x = functional.log_softmax(logits(5, 1, 4), -1)
    loss = functional.ctc_loss(x, np.array([labels], int), [steps], [len(labels)], blank, reduction="sum")
    np.testing.assert_allclose(loss.item(), enumerated(np.asarray(x)[:, 0], labels, steps, blank), rtol=1e-12)


CASES = [
    (np.array([[1, 2, 2, 4], [3, 3, 3, 1], [1, 2, 3, 4]]), [9, 6, 9], [4, 3, 0]),
    (np.array([1, 2, 2, 4, 3, 3, 1, 2]), [9, 7, 9], [4, 1, 3]),
]


@together
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("case", CASES, ids=["padded", "in a row"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_pytorch_agrees_by_logits(case, reduction, dtype):
    torch = pytest.importorskip("torch")
    x = logits(9, 3, 5).astype(dtype)
    ours, theirs = mg.Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    loss = functional.ctc_loss(functional.log_softmax(ours, -1), *case, reduction=reduction)
    expected = torch.nn.functional.ctc_loss(
        theirs.log_softmax(-1), torch.tensor(case[0]), tuple(case[1]), tuple(case[2]), reduction=reduction
    )
    loss.sum().backward()
    expected.sum().backward()
    rtol = 1e-11 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(loss.data, expected.detach().numpy(), rtol=rtol)
    np.testing.assert_allclose(ours.grad.data, theirs.grad.numpy(), rtol=rtol, atol=rtol)
    assert loss.dtype == dtype


def test_its_derivatives_of_both_orders_agree_with_differences():
    x = mg.Tensor(logits(5, 2, 4), requires_grad=True)

    def loss(x):
        return functional.ctc_loss(x, [[1, 2], [3, 3]], [5, 4], [2, 2])

    assert mg.gradcheck(loss, (x,))
    assert mg.gradgradcheck(loss, (x,))


@pytest.mark.parametrize("zero", [False, True])
def test_what_no_alignment_fits_has_an_infinite_loss_and_no_gradient(zero):
    x = mg.Tensor(logits(2, 2, 3), requires_grad=True)
    loss = functional.ctc_loss(x, [[1, 1], [1, 2]], [2, 2], [2, 2], reduction="none", zero_infinity=zero)
    assert loss[0].item() == (0 if zero else inf)
    loss.sum().backward()
    assert (x.grad.data[:, 0] == 0).all()
    assert np.isfinite(x.grad.data).all()
    assert (x.grad.data[:, 1] != 0).any()


def test_a_long_sequence_does_not_underflow():
    x = mg.Tensor(np.full((3000, 1, 4), log(0.25)), requires_grad=True)
    loss = functional.ctc_loss(x, [[1] * 3], [3000], [3], reduction="sum")
    assert 3000 * log(4) * 0.95 < loss.item() < 3000 * log(4)
    loss.backward()
    np.testing.assert_allclose(x.grad.data.sum(-1), -1, rtol=1e-9)  # every step is in some state


def test_one_sample_needs_no_axis_for_samples():
    x = logits(5, 4)
    one = functional.ctc_loss(x, np.array([1, 2]), 5, 2, reduction="none")
    assert one.shape == ()
    assert one.item() == functional.ctc_loss(x[:, None], [[1, 2]], [5], [2], reduction="none").item()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([[1, 9]], [5], [2]), IndexError, r"target 9 is out of bounds"),
        (([[1, 2]], [6], [2]), ValueError, r"input_lengths must be from 0 to 5"),
        (([[1, 2]], [5], [3]), ValueError, r"target_lengths must be from 0 to 2"),
        (([[1.0, 2.0]], [5], [2]), TypeError, r"targets must be class indices"),
        (([[1, 2]], [5.0], [2]), TypeError, r"input_lengths must be integers"),
        (([[1, 2]], [5, 5], [2]), ValueError, r"they must be \(t, n, c\)"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        functional.ctc_loss(logits(5, 1, 4), *arguments)
