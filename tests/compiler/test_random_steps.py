"""Whatever the step computes: compiled, it gives on another batch the same bits as eager."""

from contextlib import nullcontext
from unittest.mock import patch

import hypothesis.strategies as st
import numpy as np
from hypothesis import assume, example, given, settings
from strategies import SIDE, Chain, Scratch, chains, expressions, scratches, seeds

import micrograd_np as mg
from micrograd_np import optim
from micrograd_np.compiler.passes import blocks

OPTIMIZERS = {
    "SGD": lambda leaves: optim.SGD(leaves, lr=0.1),
    "momentum": lambda leaves: optim.SGD(leaves, lr=0.1, momentum=0.9, weight_decay=0.01),
    "Adam": lambda leaves: optim.Adam(leaves, lr=0.1),
    "Adam in groups": lambda leaves: optim.Adam([{"params": [x]} for x in leaves], lr=0.1),
}


def equal(x, y):
    """Whether all bits are the same, zeros of either sign told apart and all nan alike."""
    x, y = (np.where(np.isnan(a), np.nan, a) if a.dtype.kind == "f" else a for a in (x, y))
    return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()


def blocks_of(size):
    """Loops over blocks as large programs have them, for arrays of a few elements; None leaves all as it is."""
    return nullcontext() if size is None else patch.multiple(blocks, BLOCK=size, _WORTH=1, _SHARED=1)


def laid_out(rng, shape, order):
    """Random numbers in one of the orders in which memory may come."""
    if order == "strided":
        return rng.uniform(-1, 1, (*shape, 2))[..., 0]
    return np.array(rng.uniform(-1, 1, shape), order=order)


block_sizes = st.sampled_from([None, 16, 64])
many = settings(max_examples=14 * settings().max_examples)  # one claim about whole programs, not one for each op


@many
@given(expressions(), seeds, st.sampled_from("CF"), block_sizes)
def test_a_random_value_and_its_gradients_are_eagers(expression, seed, order, size):
    rng = np.random.default_rng(seed)

    def value(*xs):
        return expression(*xs)

    compiled = mg.compile(value)
    for _ in range(3):
        batch = [laid_out(rng, x.shape, order) for x in expression.leaves]
        results = []
        for f in (value, compiled):
            leaves = [mg.Tensor(x.copy(order="K"), requires_grad=True) for x in batch]
            with blocks_of(size):
                z = f(*leaves)
            z.backward()
            results.append([z.data, *(x.grad.data for x in leaves if x.grad is not None)])
        assert all(equal(a, b) for a, b in zip(*results, strict=True))
    assert compiled.cache_info().hits == 2


@many
@given(
    expressions(),
    seeds,
    st.sampled_from(sorted(OPTIMIZERS)),
    st.sampled_from(["C", "F", "strided"]),
    st.booleans(),
    st.sampled_from([1, 1, 2]),
    block_sizes,
)
def test_a_random_training_step_is_eagers(expression, seed, optimizer, order, clip, times, size):
    *weights, data = expression.leaves

    def training():
        leaves = [mg.Tensor(w.copy(), requires_grad=True, name=f"w{i}") for i, w in enumerate(weights)]
        chosen = OPTIMIZERS[optimizer](leaves) if leaves else None

        def step(x):
            for _ in range(times):
                for leaf in leaves:
                    leaf.zero_grad()
                z = expression(*leaves, x if isinstance(x, mg.Tensor) else mg.Tensor(x))
                if z.requires_grad:
                    z.backward()
                    if clip:
                        optim.clip.clip_grad_norm_(leaves, 0.5)
                    chosen.step()
            return z

        return leaves, step

    ours, compiled = training()
    compiled = mg.compile(compiled)
    theirs, eager = training()
    rng = np.random.default_rng(seed)
    for _ in range(3):
        batch = laid_out(rng, data.shape, order)
        with blocks_of(size):
            found = compiled(batch)
        assert equal(found.data, eager(batch).data)
        for a, b in zip(ours, theirs, strict=True):
            assert equal(a.data, b.data)
            assert (a.grad is None) == (b.grad is None)
            assert a.grad is None or equal(a.grad.data, b.grad.data)
    assert compiled.cache_info().hits == 2


VIEWS = [
    lambda y: y[0] if len(y) else y, lambda y: y[1:], lambda y: y.T, lambda y: y[::-1], lambda y: y.reshape(-1),
    lambda y: y[..., :1], lambda y: y[None], lambda y: y[::2], lambda y: y.swapaxes(0, -1), lambda y: y.detach(),
]  # fmt: skip
WRITES = ["+=", "*=", "[...] =", "[:1] =", "-= mean", "copy_", "+= itself", "/=", "swap"]


def write(v, how, w):
    """Write into a view."""
    if how == "+=":
        v += w.sum()
    elif how == "*=":
        v *= w.mean()
    elif how == "[...] =":
        v[...] = w.sum()
    elif how == "[:1] =" and v.ndim:
        v[:1] = w.sum() * 2
    elif how == "-= mean":
        v -= v.mean() if v.size else 1
    elif how == "copy_":
        v.copy_(v.exp())
    elif how == "+= itself":
        v += v
    elif how == "/=":
        v /= 2.0
    elif v.ndim:
        v[-1:] = v[:1] + 1


@many
@given(
    seeds,
    st.sampled_from([(2, 3), (3, 3), (1, 3), (4,), (2, 1, 3), (1, 1)]),
    st.lists(st.tuples(st.integers(0, 9), st.lists(st.sampled_from(VIEWS), max_size=2), st.sampled_from(WRITES)),
             min_size=1, max_size=4),
    st.tuples(*[st.sampled_from(["float32", "float64"])] * 2),
    st.booleans(),
)  # fmt: skip
def test_random_writes_through_views_are_eagers(seed, shape, links, dtypes, trains):
    def step(x, w):
        family = [x * w if trains else x * 2]
        for of, views, how in links:
            v = family[of % len(family)]
            for view in views:
                v = view(v) if v.ndim else v
            family.append(v)
            if v.requires_grad or not trains:  # else it looks into what requires a gradient, and cannot be written to
                write(v, how, w)
        return [(v * v).sum() if i % 2 else v * 1 for i, v in enumerate(family)]

    compiled = mg.compile(step)
    rng = np.random.default_rng(seed)
    for _ in range(3):
        x, values = (rng.uniform(-1, 1, shape).astype(dtype) for dtype in dtypes)
        results = []
        for f in (step, compiled):
            w = mg.Tensor(values.copy(), requires_grad=trains)
            with np.errstate(all="ignore"):  # exp of exp
                found = f(mg.Tensor(x.copy()), w)
                if trains:
                    sum(z.sum() for z in found).backward()
            results.append([*(z.data for z in found), *([w.grad.data] if trains and w.grad is not None else [])])
        assert all(equal(a, b) for a, b in zip(*results, strict=True))
    assert compiled.cache_info().hits == 2


@given(expressions(), seeds, st.sampled_from("CF"), block_sizes)
@settings(max_examples=5 * settings().max_examples)
def test_in_the_fast_mode_a_random_value_and_its_gradients_are_eagers_to_rounding(expression, seed, order, size):
    rng = np.random.default_rng(seed)

    def value(*xs):
        return expression(*xs)

    fast = mg.compile(value, mode="fast")
    for _ in range(2):
        batch = [laid_out(rng, x.shape, order) for x in expression.leaves]
        results = []
        for f in (value, fast):
            leaves = [mg.Tensor(x.copy(order="K"), requires_grad=True) for x in batch]
            with blocks_of(size):
                z = f(*leaves)
            z.backward()
            results.append([z.data, *(x.grad.data for x in leaves if x.grad is not None)])
        for a, b in zip(*results, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-9)
    assert fast.cache_info().hits == 1


def outcome(step, *batch):
    """What a step gives, or the words of its refusal."""
    try:
        return step(*batch).data
    except (IndexError, ValueError) as error:
        return np.array(f"{type(error).__name__}: {error}")


@many
@example(Chain(("written",), "along"), 0, [0], 2, "Adam", "C", 0)  # nothing to write into
@given(
    chains,
    seeds,
    st.lists(st.integers(0, 9), min_size=1, max_size=2),
    st.sampled_from([1, 2, 5, 8]),
    st.sampled_from(sorted(OPTIMIZERS)),
    st.sampled_from(["C", "F", "strided"]),
    st.integers(-1, 8),
)
def test_a_random_step_with_labels_is_eagers(chain, seed, sizes, d, optimizer, order, odd):
    """Batches of none, of one and of more; and at the end one of whose labels may be none of the classes."""
    assume(chain.end != "mean cross_entropy" or 0 not in sizes)  # nan, with a warning

    def training():
        rng = np.random.default_rng(seed)
        w = mg.Tensor(rng.uniform(-1, 1, (d, d)), requires_grad=True, name="w")
        seen = mg.Tensor(np.zeros(d), name="seen")
        chosen = OPTIMIZERS[optimizer]([w])

        def step(x, labels):
            x, labels = (a if isinstance(a, mg.Tensor) else mg.Tensor(a) for a in (x, labels))
            w.zero_grad()
            z = chain(x @ w, labels, w, seen)
            z.backward()
            chosen.step()
            return z

        return (w, seen), step

    ours, compiled = training()
    compiled = mg.compile(compiled)
    theirs, eager = training()
    rng = np.random.default_rng(seed)
    for n in sizes * 3:
        batch = laid_out(rng, (n, d), order), rng.integers(0, min(d, 2 if chain.end == "probabilities" else d), n)
        assert equal(compiled(*batch).data, eager(*batch).data)
        assert all(equal(a.data, b.data) for a, b in zip(ours, theirs, strict=True))
        assert equal(ours[0].grad.data, theirs[0].grad.data)
    assert compiled.cache_info().misses == len(set(sizes))
    if n:
        labels = batch[1].copy()
        labels[-1] = odd
        found, wanted = outcome(compiled, batch[0], labels), outcome(eager, batch[0], labels)
        if "counted" in chain.links:  # a program checks before it counts, so of two refusals it may meet another first
            assert (found.dtype.kind == "U") == (wanted.dtype.kind == "U")
        else:
            assert equal(found, wanted)
        assert equal(ours[0].data, theirs[0].data)


ADD, TURN = ("add", 0, 0, "nothing"), ("turned", 1, 1, "-= 1")
ALIKE = Scratch(steps=(ADD, ADD, TURN, ADD, ("add", 4, 3, "-= 1")), shown=(0,))
"""Two writes alike, one into an array, one into memory that is known by a view of it."""


@many
@given(scratches(), seeds, st.sampled_from(["C", "F", "strided"]), block_sizes)
@example(ALIKE, 0, "C", None)
def test_a_random_step_that_writes_in_place_is_eagers(scratch, seed, order, size):
    rng = np.random.default_rng(seed)
    mine, its = (mg.Tensor(np.linspace(-1, 2, SIDE), name="kept") for _ in range(2))
    compiled = mg.compile(lambda x: scratch(x, mine))
    for _ in range(3):
        x = laid_out(rng, (SIDE, SIDE), order)
        np.trunc(3 * x, out=x)  # zeros of either sign among them
        with np.errstate(all="ignore"), blocks_of(size):
            found, wanted = compiled(x), scratch(mg.Tensor(x), its)
        assert equal(found.data, wanted.data)
        assert equal(mine.data, its.data)
    assert compiled.cache_info().hits == 2
