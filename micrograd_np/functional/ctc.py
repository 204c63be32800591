"""Connectionist temporal classification: a loss of sequences whose alignment with their labels is not known."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np.core.messages import must_be
from micrograd_np.engine.constant import constant
from micrograd_np.engine.tensor import Tensor
from micrograd_np.numpy_api.cumulative import cumsum
from micrograd_np.ops.axes import whole
from micrograd_np.ops.checks import check, labels_within, lengths_within
from micrograd_np.ops.choice import maximum, minimum, where
from micrograd_np.ops.comparison import equal, less, logical_and, not_equal
from micrograd_np.ops.fused.ctc import alignments
from micrograd_np.ops.reduce import mean
from micrograd_np.ops.shape import broadcast_to, concatenate, reshape, stack

from .loss import reduced
from .operands import as_floats, tensor_or_array


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Minus the log-probability of all alignments that read as the labels: ``(t, n, c), (n, s), (n,), (n,) -> ()``.

    An alignment reads as labels once repetitions are merged and then `blank` is removed. `log_probs` are
    log-probabilities, as `log_softmax` gives them; also (t, c) with (s,), () and (). `targets` may be the labels of all
    samples in a row, (Σ target_lengths,); in a step that is compiled, lengths are plain numbers then. "mean" divides
    each loss by its number of labels first. A sample that no alignment fits has loss inf and gradient 0; with
    `zero_infinity` loss 0. Stable for any length: logarithms are added. The gradient is that by log-probabilities,
    −occupancy; PyTorch's has softmax added, which `log_softmax` takes away again. IndexError for a label outside [0,
    c), ValueError for lengths that do not fit, TypeError for labels that are no integers. Source: Graves et al. (2006).

    >>> even = Tensor(np.log(np.full((2, 1, 2), 0.5)))  # of "aa", "a-", "-a" and "--" three read as "a"
    >>> round(ctc_loss(even, [[1]], [2], [1]).item(), 6)  # −log ¾
    0.287682
    """
    x, labels = as_floats(log_probs), tensor_or_array(targets)
    steps, counts = _integers("input_lengths", input_lengths), _integers("target_lengths", target_lengths)
    if labels.dtype.kind not in "iu":
        raise TypeError(must_be("ctc_loss", "targets", "class indices (integers)", f"{labels.dtype}"))
    single = x.ndim == 2
    if single:
        x, labels = reshape(x, shape=(x.shape[0], 1, x.shape[1])), reshape(labels, shape=(1, labels.size))
    if x.ndim != 3 or not 0 <= whole(blank, "blank") < x.shape[2]:
        raise ValueError(f"ctc_loss: log_probs is {x.shape} and blank {blank}; they must be (t, n, c) and below c.")
    _, n, c = x.shape
    if steps.size != n or counts.size != n or (labels.ndim != 1 and (labels.ndim != 2 or labels.shape[0] != n)):
        raise ValueError(
            f"ctc_loss: log_probs is {x.shape}, targets {labels.shape}, input_lengths {steps.shape} and target_lengths "
            f"{counts.shape}; they must be (t, n, c), (n, s) or (total,), (n,) and (n,)."
        )
    steps, counts = reshape(steps, shape=(n,)), reshape(counts, shape=(n,))
    if labels.ndim == 1:
        labels = _by_sample(labels, counts)
    check(lengths_within, steps, "input_lengths", x.shape[0])
    check(lengths_within, counts, "target_lengths", labels.shape[1])
    inside = less(constant(np.arange(labels.shape[1])), reshape(counts, shape=(n, 1)))
    labels = where(inside, labels, constant(np.array(blank, labels.dtype)))
    check(labels_within, labels, "ctc_loss", c, blank)
    blanks = constant(np.full((n, labels.shape[1] + 1), blank, labels.dtype))
    pairs = reshape(stack([blanks[:, :-1], labels], axis=2), shape=(n, 2 * labels.shape[1]))
    states = concatenate(pairs, blanks[:, :1], axis=1)  # a blank before, between and after labels
    ours, last = states[:, 2:], states[:, :-2]
    skip = logical_and(not_equal(ours, last), not_equal(ours, blank))
    skip = concatenate(constant(np.zeros((n, states.shape[1] - skip.shape[1]), bool)), skip, axis=1)
    losses = -alignments(x[:, constant(np.arange(n)[:, None]), states], skip, steps, 2 * counts)
    if zero_infinity:
        losses = where(equal(losses, np.inf), 0, losses)
    if reduction == "mean":
        return mean(losses / maximum(counts, 1).astype(losses.dtype))
    return reduced(losses[0] if single else losses, reduction)


def _integers(name: str, lengths: Any) -> Any:
    x = lengths if isinstance(lengths, (Tensor, np.ndarray)) else constant(np.asarray(lengths))
    if x.dtype.kind not in "iu":
        raise TypeError(must_be("ctc_loss", name, "integers", f"{x.dtype}"))
    return x


def _by_sample(labels: Any, counts: Any) -> Any:
    """Labels in a row as (n, s), s being the largest of `counts`; what is beyond the count of a sample is any label."""
    longest = int(np.max(counts.numpy() if isinstance(counts, Tensor) else counts, initial=0))
    starts = reshape(cumsum(counts) - counts, shape=(-1, 1))
    at = minimum(starts + constant(np.arange(longest)), max(labels.size - 1, 0))
    return labels[at] if labels.size else broadcast_to(reshape(labels, shape=(1, 0)), shape=(counts.size, 0))
