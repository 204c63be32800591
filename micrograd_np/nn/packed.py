"""Sequences of several lengths in one batch, padded or packed: PyTorch's `nn.utils.rnn`.

Packed, all elements of all sequences stand in one array, those of a step side by side, the longest sequence first. What
is padding in a rectangular batch is not there, so that a recurrent layer does not compute it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from micrograd_np.core.messages import must_be, require_value
from micrograd_np.core.spellings import explain_names
from micrograd_np.engine.constant import constant
from micrograd_np.engine.tensor import Tensor
from micrograd_np.functional.arrangement import pad
from micrograd_np.functional.operands import as_tensor
from micrograd_np.ops.axes import whole
from micrograd_np.ops.choice import where
from micrograd_np.ops.shape import concatenate, reshape, stack, transpose

__all__ = [
    "PackedSequence", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence", "pad_sequence", "unpad_sequence",
]  # fmt: skip


class PackedSequence(NamedTuple):
    """What `pack_padded_sequence` and the recurrent layers return: `data` (total, …), and how it is laid out.

    `batch_sizes` says how many sequences have a first, a second, … element. `sorted_indices` are the sequences by
    falling length, `unsorted_indices` their places in that order, or both None where they came in it. They are plain
    numbers: a compiled step is one program for each set of lengths.

    >>> pack_sequence([Tensor([1.0, 2.0]), Tensor([3.0])]).batch_sizes
    (2, 1)
    """

    data: Tensor
    batch_sizes: tuple[int, ...]
    sorted_indices: tuple[int, ...] | None = None
    unsorted_indices: tuple[int, ...] | None = None


def _rows(batch_sizes: tuple[int, ...]) -> tuple[Any, Any]:
    """For each step and sequence the row of packed data, (t, n), and where there is one."""
    starts = np.cumsum((0, *batch_sizes[:-1]))
    places = np.arange(batch_sizes[0])
    inside = places < np.array(batch_sizes)[:, None]
    return np.where(inside, starts[:, None] + places, 0), inside


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """The first `lengths` elements of each sequence, packed: ``(t, n, …), (n,) -> (total, …)``.

    ``(n, t, …)`` with `batch_first`. With `enforce_sorted` the lengths have to fall; without it the sequences are
    sorted, and layers give states back in the order they came. Lengths are a list, an array or a Tensor; in a step
    that is compiled, plain numbers.
    ValueError for lengths that do not fall, are below 1 or above t, or are not n.

    >>> packed = pack_padded_sequence([[1.0, 2.0, 3.0], [4.0, 0.0, 0.0]], [3, 1], batch_first=True)
    >>> packed.data.tolist(), packed.batch_sizes
    ([1.0, 4.0, 2.0, 3.0], (2, 1, 1))
    """
    x = as_tensor(input)
    counts = np.asarray(lengths.numpy() if isinstance(lengths, Tensor) else lengths)
    if x.ndim < 2:
        raise ValueError(f"pack_padded_sequence: input is {x.shape}; it must be (t, n, …).")
    if batch_first:
        x = transpose(x, axes=(1, 0, *range(2, x.ndim)))
    if counts.dtype.kind not in "iu" or counts.shape != x.shape[1:2]:
        kind = f"{counts.dtype} of shape {counts.shape}"
        raise ValueError(must_be("pack_padded_sequence", "lengths", f"{x.shape[1]} integers", kind))
    suits = bool(counts.size) and counts.min() >= 1 and counts.max() <= x.shape[0]
    require_value("pack_padded_sequence", "lengths", counts.tolist(), bool(suits), f"from 1 to {x.shape[0]}")
    order = None if enforce_sorted else np.argsort(-counts, kind="stable")
    if order is not None:
        x, counts = x[:, constant(order)], counts[order]
    elif (counts[1:] > counts[:-1]).any():
        advice = "Sort them, or pass enforce_sorted=False."
        raise ValueError(must_be("pack_padded_sequence", "lengths", "falling", f"{counts.tolist()}", advice))
    inside = np.arange(counts[0])[:, None] < counts
    steps, samples = np.nonzero(inside)
    data = x[constant(steps), constant(samples)]
    sizes = tuple(map(int, inside.sum(axis=1)))
    if order is None:
        return PackedSequence(data, sizes)
    return PackedSequence(data, sizes, tuple(order.tolist()), tuple(np.argsort(order).tolist()))


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The reverse of `pack_padded_sequence`, and the lengths: ``(total, …) -> (t, n, …), (n,)``.

    ``(n, t, …)`` with `batch_first`. What is beyond a sequence is `padding_value`; t is `total_length`, or the longest
    length. ValueError for a `total_length` below it.

    >>> packed = pack_sequence([Tensor([1.0, 2.0]), Tensor([3.0])])
    >>> padded, lengths = pad_packed_sequence(packed, batch_first=True, padding_value=-1.0)
    >>> padded.tolist(), lengths.tolist()
    ([[1.0, 2.0], [3.0, -1.0]], [2, 1])
    """
    rows, inside = _rows(sequence.batch_sizes)
    counts, t = inside.sum(axis=0), len(rows)
    missing = 0 if total_length is None else whole(total_length, "total_length") - t
    require_value("pad_packed_sequence", "total_length", total_length, missing >= 0, f"at least {t}")
    rows, inside = (np.pad(x, ((0, missing), (0, 0))) for x in (rows, inside))
    if sequence.unsorted_indices is not None:
        order = list(sequence.unsorted_indices)
        rows, inside, counts = rows[:, order], inside[:, order], counts[order]
    if batch_first:
        rows, inside = rows.T, inside.T
    data = sequence.data
    inside = inside.reshape(inside.shape + (1,) * (data.ndim - 1))
    return where(constant(inside), data[constant(rows)], padding_value), constant(counts)


def pad_sequence(
    sequences: Sequence[Any], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Sequences of several lengths as one tensor, filled up with `padding_value`: ``n × (tᵢ, …) -> (t, n, …)``.

    ``(n, t, …)`` with `batch_first`; t is the longest length. `padding_side` may be "left". ValueError for none, and
    for sequences whose elements differ in shape.

    >>> pad_sequence([Tensor([1.0, 2.0]), Tensor([3.0])], batch_first=True)
    Tensor([[1., 2.],
            [3., 0.]])
    """
    require_value("pad_sequence", "padding_side", padding_side, padding_side in ("left", "right"), "'left' or 'right'")
    xs = [as_tensor(x) for x in sequences]
    if not xs or {x.shape[1:] for x in xs} != {xs[0].shape[1:]}:
        shapes = ", ".join(str(x.shape) for x in xs) or "none"
        raise ValueError(f"pad_sequence: needs sequences of elements of one shape, found {shapes}.")
    longest = max(x.shape[0] for x in xs)
    widths = [(0, 0) * (x.ndim - 1) + ((longest - x.shape[0], 0)[:: 1 if padding_side == "left" else -1]) for x in xs]
    padded = [pad(x, width, value=padding_value) for x, width in zip(xs, widths, strict=True)]
    return stack(padded, axis=0 if batch_first else 1)


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """The first `lengths` elements of each sequence, one by one: the reverse of `pad_sequence`.

    ``(t, n, …), (n,) -> n × (tᵢ, …)``; ``(n, t, …)`` with `batch_first`.

    >>> [x.tolist() for x in unpad_sequence([[1.0, 2.0], [3.0, 0.0]], [2, 1], batch_first=True)]
    [[1.0, 2.0], [3.0]]
    """
    x = as_tensor(padded_sequences)
    counts = np.asarray(lengths.numpy() if isinstance(lengths, Tensor) else lengths).tolist()
    return [x[i, :n] if batch_first else x[:n, i] for i, n in enumerate(counts)]


def pack_sequence(sequences: Sequence[Any], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences of several lengths, packed: ``n × (tᵢ, …) -> (total, …)``; see `pack_padded_sequence`.

    >>> pack_sequence([Tensor([1.0, 2.0]), Tensor([3.0])]).data.tolist()
    [1.0, 3.0, 2.0]
    """
    lengths = [as_tensor(x).shape[0] for x in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def runs_of(batch_sizes: tuple[int, ...]) -> list[tuple[slice, int, int]]:
    """Stretches of steps with equally many sequences: the rows of packed data, the steps, and the sequences.

    >>> runs_of((3, 3, 1))
    [(slice(0, 6, None), 2, 3), (slice(6, 7, None), 1, 1)]
    """
    runs, start = [], 0
    for size in sorted(set(batch_sizes), reverse=True):
        steps = batch_sizes.count(size)
        runs.append((slice(start, start + steps * size), steps, size))
        start += steps * size
    return runs


def joined(parts: Sequence[Any]) -> Any:
    """Results of `runs_of`, each (t, n, h), as packed data (total, h)."""
    rows = [reshape(z, shape=(z.shape[0] * z.shape[1], z.shape[2])) for z in parts]
    return rows[0] if len(rows) == 1 else concatenate(*rows, axis=0)


explain_names(globals(), "micrograd_np.nn.utils.rnn")
