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
    if isinstance(x, dict):
        x = tuple(x.values())
    if isinstance(x, (tuple, list)) and type(x).__name__ != "Size":
        return [y for part in x for y in flat(part)]
    return [x]


SWAPPED = {
    "where": lambda x, condition, other: ours.where(condition, x, other),
    "einsum": lambda tensors, equation: ours.einsum(equation, *tensors),
    "nn.functional.embedding": lambda weight, indices, **more: ours.nn.functional.embedding(indices, weight, **more),
    "nn.functional.embedding_bag": lambda weight, indices, *more, **settings: ours.nn.functional.embedding_bag(
        indices, weight, *more, **settings
    ),
    "zero_": lambda x: x.clone().zero_(),
    "linalg.pinv/singular": lambda a, b: ours.linalg.pinv(a @ b.mT),
    "linalg.lstsq/grad_oriented": lambda a, b, **settings: ours.linalg.lstsq(a, b, **settings)[:2],
    "svd_lowrank": lambda a, b, **settings: ours.svd_lowrank(a @ b.mT, **settings),
    "pca_lowrank": lambda a, b, **settings: ours.pca_lowrank(a @ b.mT, **settings),
    "slice": lambda x, dim=0, start=None, end=None, step=1: x.movedim(dim, 0)[start:end:step].movedim(0, dim),
    "native_dropout_backward": lambda grad, mask, scale: grad * mask * scale,
    "max_pool2d_with_indices_backward": lambda x, return_indices, **settings: ours.autograd.grad(
        ours.nn.functional.max_pool2d(x, **settings).sum(), x, create_graph=True
    )[0],
    **dict.fromkeys(("polygamma", "special.polygamma"), lambda x, n: ours.polygamma(n, x)),
    **{name: lambda x, name=name: getattr(x, name) for name in ATTRIBUTES},
}
"""Entries whose arguments stand in an order of their own, or that are made of several functions."""


def function(name, title="", *, in_place=False):
    """Ours of the name of an entry: a function, or a method; AttributeError if there is none."""
    for key in (title, name):
        if key in SWAPPED:
            return SWAPPED[key]
    called = lambda x, *args, **settings: getattr(x, name)(*args, **settings)
    written = lambda x, *args, **settings: getattr(x.detach().clone(), f"{name}_")(*args, **settings)
    if in_place:
        return written
    found = ours
    try:
        for part in name.split("."):
            found = getattr(found, part)
    except AttributeError:
        if "." in name or not (hasattr(ours.Tensor, name) or hasattr(ours.Tensor, f"{name}_")):
            raise
    return found if callable(found) else called if hasattr(ours.Tensor, name) else written


def problem(entry, array):
    """None where ours gives the recorded answer; else what differs."""
    leaves = []
    args, settings = rebuilt(entry["args"], array, leaves), rebuilt(entry["settings"], array, leaves)
    with np.errstate(all="ignore"):
        results = [
            x
            for x in flat(function(entry["name"], entry.get("title", ""))(*args, **settings))
            if isinstance(x, ours.Tensor)
        ]
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
