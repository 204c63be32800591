"""Memory that lies oddly, or in which several tensors lie: compiled, a step leaves what eager leaves, bit for bit."""

import importlib.util
from contextlib import nullcontext
from unittest.mock import patch

import numpy as np
import pytest
from together import sparing

import micrograd_np as mg
from micrograd_np.compiler.passes import blocks


def laid_out(array, layout):
    """The same numbers in memory of another order."""
    made = {
        "C": lambda a: a.copy(),
        "F": np.asfortranarray,
        "every other": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    }
    return made[layout](array)


LAYOUTS = ["C", "F", "every other", "backwards"]
VIEWS = {
    "transpose": lambda a: a.T, "row": lambda a: a[1], "backwards": lambda a: a[::-1], "flat": lambda a: a.reshape(-1),
    "whole": lambda a: a[...],
}  # fmt: skip


def agree(make, tmp_path, shape, layout="C"):
    """Compare three calls: results, the argument afterwards, and tensors; then those of the saved plain program."""
    (ours, step), (theirs, eager) = make(), make()
    compiled, draw = mg.compile(step), np.random.default_rng(0)
    saved = None
    with mg.no_grad():
        for i in range(4):
            x = draw.uniform(-1, 1, shape)
            mine, its = laid_out(x, layout), mg.Tensor(laid_out(x, layout))
            found, wanted = compiled(mine), eager(its)
            for a, b in zip((*found, *ours), (*wanted, *theirs), strict=True):
                assert a.data.tobytes() == b.data.tobytes()
            assert mine.tobytes() == its.data.tobytes()
            if saved is not None:
                for a, b in zip(saved.step(x), wanted, strict=True):
                    np.testing.assert_allclose(a, b.data, rtol=1e-12, atol=1e-12)
            elif i == 1:
                path = compiled.save(tmp_path / "plain_step.py", style="plain")
                spec = importlib.util.spec_from_file_location("plain_step", path)
                saved = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(saved)
    assert compiled.cache_info().hits == 3
    return compiled, saved


def matrix():
    return np.linspace(-1, 1, 16).reshape(4, 4)


@pytest.mark.native
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_parameter_whose_old_version_is_still_read_keeps_its_order_in_memory(layout, tmp_path):
    """Sums round by that order, so a version that lies elsewhere for a while has to lie alike."""

    def make():
        w = mg.Tensor(laid_out(np.linspace(-1, 1, 48).reshape(6, 8), layout), name="w")

        def step(x):
            y = -w
            w.copy_(w * x.sum())
            w[0] += 1
            total = (w + x).exp() * 2 + 1
            return (x.sum() + y).sum(), w.sum(), w.sum(axis=0), w.mean(axis=1), total, w.sum() + w.T.sum(axis=0)

        return (w,), step

    agree(make, tmp_path, (6, 8))


@pytest.mark.native
@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_argument_that_is_written_keeps_its_order_in_memory(layout, tmp_path):
    def make():
        w = mg.Tensor(np.linspace(-1, 1, 48).reshape(6, 8), name="w")

        def step(x):
            y = -x
            x[0] += 1
            x *= 0.5
            sums = x.sum(axis=0), x.sum()
            x += w
            return (w + y, *sums, x * 2 + w)

        return (w,), step

    agree(make, tmp_path, (6, 8), layout)


def test_tensors_that_lie_in_the_same_memory_stay_with_numpy():
    """In C the order of their reads and writes would not be kept."""
    w = mg.Tensor(matrix(), name="w")
    v = mg.Tensor(w.data.T, name="v")

    @mg.compile(backend="c", wait=True)
    def step(x):
        v.__iadd__(x.sum())
        return (w @ w).tanh(), w.sum()

    with mg.no_grad():
        for _ in range(3):
            step(np.ones((4, 4)))
    assert "lie in the same memory" in str(step.report())
    with pytest.raises(mg.CompileError, match="cannot be written in C"):
        step.source_as("c")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("links", sparing(range(64), 5))
def test_a_parameter_and_a_view_that_a_step_meets_late_are_one_memory(view, links, tmp_path):
    """Each link of the chain is there or not, so that the two are met, read and written in any order."""

    def make():
        w = mg.Tensor(matrix(), name="w")
        v = mg.Tensor(VIEWS[view](w.data), name="v")

        def step(x):
            results = [w * x] if links & 1 else []
            if links & 2:
                v.__iadd__(x.sum())
            if links & 4:
                w[:2] *= 0.5
            results += [v * 2] if links & 8 else []
            if links & 16:
                w.T[0] += v.sum()
            results += [(w @ w).tanh()]
            if links & 32:
                v.copy_(v * 0.3)
            return (*results, w.sum(), v * 1)

        return (w, v), step

    with patch.multiple(blocks, BLOCK=16, _WORTH=1) if links & 1 else nullcontext():
        agree(make, tmp_path, (4, 4))


def test_what_was_read_before_a_view_was_met_is_not_read_later(tmp_path):
    def make():
        w = mg.Tensor(matrix(), name="w")
        v = mg.Tensor(w.data.T, name="v")

        def step(x):
            y = -w
            v.__iadd__(x.sum())
            return (x + y,)

        return (w, v), step

    agree(make, tmp_path, (4, 4))


def test_what_was_read_of_memory_without_a_name_is_not_read_later(tmp_path):
    """Where a set keeps them, tensors have no name by which the plain program would keep a copy of its own."""

    def make():
        w = mg.Tensor(matrix())
        v = mg.Tensor(w.data.T)
        ws, vs = frozenset([w]), frozenset([v])

        def step(x):
            first = -next(iter(ws)) + next(iter(vs)).__iadd__(x.sum())
            second = -next(iter(vs)) + next(iter(ws)).__iadd__(x.sum())
            return first, second

        return (w, v), step

    agree(make, tmp_path, (4, 4))


def test_a_parameter_that_is_written_through_a_view_is_written_where_it_lies(tmp_path):
    """A sum of it rounds by its order in memory, not by that of what was written."""

    def make():
        w = mg.Tensor(np.linspace(-1, 1, 35 * 23).reshape(35, 23), name="w")

        def step(x):
            w.T.copy_(x * 0.1)
            return w.sum(), w.mean(axis=0), w.exp().sum(axis=1)

        return (w,), step

    compiled, _ = agree(make, tmp_path, (23, 35))
    assert compiled.source.count("copyto(") == 1


def test_what_is_computed_through_a_view_is_read_without_another(tmp_path):
    def make():
        def step(x):
            y = x * 2
            t = y.T
            t.copy_(x.exp())
            return t + 1, y * 3

        return (), step

    compiled, _ = agree(make, tmp_path, (4, 4))
    assert sum(op.effect == "view" for op in compiled.last.program.ops) == 1


@pytest.mark.parametrize("index", [(), None, (None, ...), slice(0, 1)], ids=str)
def test_a_number_that_numpy_gives_can_be_written_into(index, tmp_path):
    def make():
        def step(x):
            top = x[1, 2]
            target = top.reshape(1) if isinstance(index, slice) else top
            target[index] = top * 2
            return (top * 1,)

        return (), step

    agree(make, tmp_path, (2, 3))


def test_a_write_of_all_takes_leading_axes_of_length_one(tmp_path):
    def make():
        def step(x):
            y = x * 2
            y[...] = x[None] + 1
            y[()] = y.reshape(1, 1, 3) * 2
            return (y * 1,)

        return (), step

    agree(make, tmp_path, (3,))


def test_parameters_that_change_places_have_a_plain_program(tmp_path):
    def make():
        a, b = (mg.Tensor(matrix() + i, name="ab"[i]) for i in range(2))

        def step(x):
            t = a * 1.0
            a.copy_(b + x)
            b.copy_(t)
            return a.detach(), b[::-1], a.exp()

        return (a, b), step

    agree(make, tmp_path, (4, 4))


def test_a_parameter_that_is_computed_elsewhere_keeps_its_name(tmp_path):
    def make():
        w = mg.Tensor(matrix(), name="w")

        def step(x):
            y = w * x
            w.copy_(y * 2)
            w.__iadd__(y)
            return w.detach(), y, w.sum()

        return (w,), step

    compiled, saved = agree(make, tmp_path, (4, 4))
    assert "w = state['w']" in compiled.source
    assert list(saved.state) == ["w"]


@pytest.mark.parametrize("which", ["a row", "all", "the gradient"])
def test_an_argument_may_lie_in_memory_that_the_step_writes(which):
    """Another call has brought other memory, so that the program knows nothing of it."""

    def results(compiles):
        w = mg.Tensor(matrix(), requires_grad=True, name="w")

        def step(x):
            w.zero_grad()
            before = x.tanh()
            loss = (w * x).square().sum()
            loss.backward()
            with mg.no_grad():
                w.__isub__(0.1 * w.grad)
            return loss, before, x.tanh(), x * 2

        run, found = mg.compile(step) if compiles else step, []
        for i in range(4):
            other = {"a row": lambda: w.data[1], "all": lambda: w.data[...], "the gradient": lambda: w.grad.data}[which]
            x = other() if i > 1 else np.full((4, 4) if which != "a row" else 4, 0.5)
            found += [z.data.copy() for z in run(x if compiles else mg.Tensor(x))]
            found.append(w.data.copy())
        return found

    for a, b in zip(results(compiles=True), results(compiles=False), strict=True):
        assert a.tobytes() == b.tobytes()


def test_a_gradient_that_is_the_same_in_every_call_may_be_written_to():
    w = mg.Tensor(matrix(), requires_grad=True, name="w")

    @mg.compile
    def step(x):
        w.zero_grad()
        loss = w.sum() + x.sum()
        loss.backward()
        return loss

    for _ in range(4):
        step(np.ones(3))
        assert (w.grad.data == 1).all()
        w.grad.data[...] = 7
    assert step.cache_info().hits == 3


def test_gradients_that_are_equal_have_memory_of_their_own():
    a, b, kept = (mg.Tensor(matrix(), requires_grad=i < 2, name="abk"[i]) for i in range(3))

    @mg.compile
    def step(x):
        a.zero_grad()
        b.zero_grad()
        loss = ((a + b) * x).sum()
        loss.backward()
        with mg.no_grad():
            kept.copy_(a.grad)
        return loss

    for i in range(4):
        step(np.full((4, 4), 1.0 + i))
        assert (a.grad.data == 1 + i).all()
        a.grad.data[...] = 7
        assert (b.grad.data == 1 + i).all()
        assert (kept.data == 1 + i).all()
    assert step.cache_info().hits == 3


@pytest.mark.parametrize("late", [False, True], ids=["one_that_is_there", "one_that_is_read_between_the_updates"])
def test_parameters_around_one_in_other_memory_are_one_vector_where_gradients_are_there(late, tmp_path):
    def make():
        whole = mg.Tensor(np.arange(4.0), name="whole")
        half = mg.Tensor(whole.data[:2], requires_grad=not late, name="half")
        w = mg.Tensor(np.ones(4), requires_grad=True, name="w")
        first, last = (mg.Tensor(np.full(4, 1.0 + i), requires_grad=True, name=f"p{i}") for i in range(2))
        between = w if late else half
        held = w.data[:] if late else None  # so that w stays where it is
        optimizer = mg.optim.SGD([first, between, last], lr=0.1, weight_decay=0.1)

        def step(x):
            with mg.no_grad():
                whole.__iadd__(1)
                half.__iadd__(late)
                first.grad = x * 2
                between.grad, last.grad = (whole, whole) if late else (x[:2] * 3, x * 4)
                optimizer.step()
                return (whole * 2,)

        step.held = held
        return (first, between, last, whole), step

    compiled, _ = agree(make, tmp_path, 4)
    assert bool(compiled.report().passes["one vector"]) is not late
