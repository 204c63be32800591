"""Recorded answers of PyTorch: how they are written (``tests/peers/record_answers.py``) and read again, without it.

One .npz: a pool of numbers for each dtype, and a text in JSON that says, for each sample, the function, its arguments,
the results and the gradients, as trees whose tensors are places in the pools.
"""

import json
from pathlib import Path

import numpy as np

import micrograd_np.torch as ours

FILE = Path(__file__).with_name("answers.npz")
ATTRIBUTES = ("T", "H", "mT", "mH")


class Pools:
    """Arrays one after another, by dtype."""

    def __init__(self):
        self.parts, self.sizes = {}, {}

    def add(self, array):
        """The place of `array`: its dtype, where it begins, and its shape."""
        kind = array.dtype.name
        start = self.sizes.get(kind, 0)
        self.parts.setdefault(kind, []).append(
            np.array(array).reshape(-1)
        )  # a copy: some functions write into arguments
        self.sizes[kind] = start + array.size
        return [kind, start, list(array.shape)]

    def save(self, entries, file=FILE):
        """Write the pools and the text."""
        pools = {kind: np.concatenate(parts) for kind, parts in self.parts.items()}
        np.savez_compressed(file, text=np.frombuffer(json.dumps(entries).encode(), np.uint8), **pools)


def load(file=FILE):
    """The entries, and a function that gives the array of a place."""
    with np.load(file) as archive:
        pools = dict(archive)
    entries = json.loads(pools.pop("text").tobytes())

    def array(place):
        kind, start, shape = place
        size = int(np.prod(shape, dtype=int))
        return pools[kind][start : start + size].reshape(shape).copy()

    return entries, array


def rebuilt(tree, array, leaves):
    """The arguments of a sample; tensors that require a gradient are appended to `leaves`."""
    kind, value = tree
    if kind == "tensor":
        place, requires_grad = value
        t = ours.from_numpy(array(place))
        if requires_grad:
            leaves.append(t.requires_grad_())
        return t
    if kind in ("tuple", "list"):
        return (tuple if kind == "tuple" else list)(rebuilt(x, array, leaves) for x in value)
    if kind == "dict":
        return {key: rebuilt(x, array, leaves) for key, x in value.items()}
    if kind == "slice":
        return slice(*value)
    return getattr(ours, value) if kind == "dtype" else ... if kind == "ellipsis" else value


def flat(x):
    """Every tensor or number in a result."""
    if isinstance(x, (tuple, list)) and type(x).__name__ != "Size":
        return [y for part in x for y in flat(part)]
    return [x]


def function(name):
    """The function or method of a recorded name."""
    swapped = {
        "where": lambda x, condition, other: ours.where(condition, x, other),
        "einsum": lambda tensors, equation: ours.einsum(equation, *tensors),
        "zero_": lambda x: x.clone().zero_(),
        **{
            f"nn.functional.{name}": lambda weight, indices, *more, _name=name, **settings: getattr(
                ours.nn.functional, _name
            )(indices, weight, *more, **settings)
            for name in ("embedding", "embedding_bag")
        },
        **{name: lambda x, name=name: getattr(x, name) for name in ATTRIBUTES},
    }
    if name in swapped:
        return swapped[name]
    found = ours
    try:
        for part in name.split("."):
            found = getattr(found, part)
    except AttributeError:
        found = None
    return found if callable(found) else lambda x, *more, **settings: getattr(x, name)(*more, **settings)


def problem(entry, array):
    """None where ours gives the recorded answer; else what differs."""
    leaves = []
    args, settings = rebuilt(entry["args"], array, leaves), rebuilt(entry["settings"], array, leaves)
    with np.errstate(all="ignore"):
        results = [x for x in flat(function(entry["name"])(*args, **settings)) if isinstance(x, ours.Tensor)]
        for x, place in zip(results, entry["results"], strict=True):
            wanted, got = array(place), x.detach().numpy()
            if (wanted.shape, wanted.dtype) != (got.shape, got.dtype):
                return f"{got.shape} of {got.dtype}, PyTorch {wanted.shape} of {wanted.dtype}"
            if not np.allclose(wanted, got, rtol=1e-7, atol=1e-8, equal_nan=True):
                return "values"
        pairs = [(results[i], ours.from_numpy(array(p))) for i, p in entry["seeds"] if results[i].requires_grad]
        found = [None] * len(leaves)
        if pairs:
            ys, gs = zip(*pairs, strict=True)
            found = ours.autograd.grad(ys, leaves, gs, allow_unused=True)
    for place, g in zip(entry["gradients"], found, strict=bool(entry["gradients"])):
        got = 0 if g is None else g.detach().numpy()
        if not np.allclose(array(place), got, rtol=1e-6, atol=1e-8, equal_nan=True):
            return "gradients"
    return None
