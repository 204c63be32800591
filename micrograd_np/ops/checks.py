"""Checks of values, made by eager code and by every call of a compiled program, with the same messages.

Each rule is a function of an array and settings that uses NumPy alone, because programs contain its source. It compares
the smallest and the largest element; ``argmin`` finds them in a quarter of the time of a reduction.
"""

from collections.abc import Callable
from typing import Any

from micrograd_np.core.modes import mode, unusual
from micrograd_np.core.vertex import Vertex


def check(rule: Callable[..., None], x: Any, *settings: Any) -> None:
    """Apply ``rule(array, *settings)`` to the values of `x`; a step that is being traced repeats it in each call."""
    rule(x.data if isinstance(x, Vertex) else x, *settings)
    if unusual:
        mode.events.checked(rule, x, settings)


def labels_within(labels: Any, caller: Any, classes: Any, ignored: Any) -> None:
    """IndexError for a label that is neither in [0, classes) nor `ignored`."""
    if labels.size and (labels.item(labels.argmin()) < 0 or labels.item(labels.argmax()) >= classes):
        wrong = labels[((labels < 0) | (labels >= classes)) & (labels != ignored)]
        if wrong.size:
            message = f"{caller}: target {wrong[0]} is out of bounds; the {classes} classes are 0 to {classes - 1}."
            raise IndexError(message)


def rows_within(indices: Any, caller: Any, count: Any) -> None:
    """IndexError for an index of a table of `count` rows that is outside."""
    if indices.size and (indices.item(indices.argmin()) < 0 or indices.item(indices.argmax()) >= count):
        wrong = indices[(indices < 0) | (indices >= count)].item(0)
        message = f"{caller}: index {wrong} is out of bounds; the {count} rows are 0 to {count - 1}."
        raise IndexError(message)


def offsets_within(offsets: Any, total: Any) -> None:
    """ValueError for offsets of bags among `total` indices that do not begin at 0, that fall, or that are outside."""
    if offsets.size and (offsets[0] != 0 or (offsets[1:] < offsets[:-1]).any() or offsets[-1] > total):
        message = f"embedding_bag: offsets must begin at 0, not fall, and end within {total}, found {offsets}."
        raise ValueError(message)


def lengths_within(lengths: Any, name: Any, longest: Any) -> None:
    """ValueError for a length that is negative or larger than that of all."""
    if lengths.size and (lengths.min() < 0 or lengths.max() > longest):
        message = f"ctc_loss: {name} must be from 0 to {longest}, found {lengths}."
        raise ValueError(message)


def places_within(places: Any, classes: Any) -> None:
    """ValueError for a place to be 1 that a vector of length `classes` does not have."""
    if places.size and (places.item(places.argmin()) < 0 or places.item(places.argmax()) >= classes):
        wrong = places[(places < 0) | (places >= classes)].item(0)
        message = f"one_hot: found {wrong}; the {classes} classes are 0 to {classes - 1}."
        raise ValueError(message)


def probabilities_within(p: Any, name: str, advice: str) -> None:
    """ValueError for what is outside [0, 1], nan included, in the argument `name` of binary cross-entropy."""
    if p.size and not (p.item(p.argmin()) >= 0 and p.item(p.argmax()) <= 1):
        message = (
            f"binary_cross_entropy: {name} must be probabilities in [0, 1], found values from {p.min():.4g} to "
            f"{p.max():.4g}. {advice}"
        )
        raise ValueError(message)


def weights_within(total: Any, shape: Any) -> None:
    """ValueError for weights of a shape whose sum is 0 somewhere."""
    if not total.all():
        message = f"average: the weights, of shape {shape}, sum to 0, and nothing can be divided by that."
        raise ValueError(message)


def norm_within(size: Any) -> None:
    """RuntimeError for a norm of gradients that is nan or inf."""
    if not abs(size.item()) < float("inf"):
        message = (
            f"clip_grad_norm_: the norm of the gradients is {size.item()}, so they cannot be scaled. Look for the step "
            f"that made it, or pass error_if_nonfinite=False."
        )
        raise RuntimeError(message)


def variances_within(var: Any) -> None:
    """ValueError for a negative one."""
    if (var < 0).any():
        message = f"gaussian_nll_loss: a variance is not negative, found {var[var < 0].min()}."
        raise ValueError(message)
