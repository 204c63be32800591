"""Programs keep every bit where it is easy to lose one: twins, zeros of either sign, wrapping integers, late writes."""

import threading

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import optim
from micrograd_np.compiler.passes import blocks


def bits(x):
    """The bytes of an array, all nan being alike."""
    a = x.data.copy()
    if a.dtype.kind == "f":
        a[np.isnan(a)] = np.nan
    return a.dtype, a.shape, a.tobytes()


def same(function, *batches):
    """The compiled function, after it has agreed with the function itself in every bit, batch by batch."""
    compiled = mg.compile(function)
    for batch in batches:
        with np.errstate(all="ignore"):
            wanted, found = function(*map(mg.Tensor, batch)), compiled(*map(mg.Tensor, batch))
        pairs = zip(wanted, found, strict=True) if isinstance(wanted, tuple) else [(wanted, found)]
        assert all(bits(a) == bits(b) for a, b in pairs), compiled.source
    return compiled


def test_twins_of_other_shapes_and_types_are_kept_apart():
    def training():
        p = mg.Tensor(np.linspace(-1, 1, 24).reshape(6, 4), requires_grad=True)
        q = mg.Tensor(np.linspace(-1, 1, 36).reshape(9, 4), requires_grad=True)
        optimizer = optim.SGD([p, q], lr=0.1)

        def step(x):
            optimizer.zero_grad()
            loss = ((p.tanh()[:3] + q.tanh()[:3] - x) ** 2).sum()
            loss.backward()
            optimizer.step()
            return loss

        return p, q, step

    p, q, step = training()
    r, s, twin = training()
    compiled = mg.compile(twin)
    for i in range(3):
        assert step(np.full((3, 4), i)).data == compiled(np.full((3, 4), i)).data
    assert bits(p) == bits(r)
    assert bits(q) == bits(s)


def test_a_buffer_that_is_read_before_its_twin_is_complete_is_one_of_its_own():
    def late(x):
        a, b = (mg.zeros_like(mg.constant(np.ones(5))) for _ in range(2))
        with mg.no_grad():
            b[0:2] = x
            y = b * 2
            a[0:2] = x
        return y, a * 3

    same(late, ([1.0, 2.0],), ([3.0, 4.0],), ([5.0, 6.0],))


def test_a_constant_that_changes_after_it_was_read_is_not_folded():
    def late(x):
        c = mg.zeros_like(mg.constant(np.ones(3)))
        with mg.no_grad():
            y = x + c
            c += 1
        return y + c

    same(late, ([1.0, 2.0, 3.0],), ([4.0, 5.0, 6.0],))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (1 / mg.where(x > 0, x, 0.0), 1 / mg.where(x > 0, x, -0.0)),
        lambda x: (1 / mg.pad(x, (1, 1)), 1 / mg.pad(x, (1, 1), constant_values=-0.0)),
        lambda x: 1 / (x * mg.constant(np.array([0.0, -0.0, 0.0]))),
        lambda x: x ** mg.constant(np.full(3, 2.0)),
        lambda x: x ** mg.constant(np.full(3, 0.5)),
    ],
)
def test_zeros_keep_their_signs_and_powers_their_last_bits(function):
    same(function, ([1.7, -2.3, 3.1],), ([-1.1, 0.0, 5.3],))


def test_whole_numbers_wrap_before_they_are_widened():
    same(lambda x, u: x + (-u), ([0.5, 1.5], np.array([3, 200], np.uint8)), ([2.5, 1.0], np.array([1, 2], np.uint8)))
    same(lambda x, i: x - (-i) * 3, *[([0.5, 1.5], np.array([-128, k], np.int8)) for k in (1, 2)])


@pytest.mark.parametrize("threads", [1, 2])
def test_what_a_loop_over_blocks_sees_from_outside_or_hands_on_is_there(monkeypatch, threads):
    monkeypatch.setattr(blocks, "threads", lambda: threads)
    weight = mg.Tensor(np.linspace(-1, 1, 600 * 600, dtype=np.float32).reshape(600, 600), requires_grad=True)

    def masked(x):
        weight.grad = None
        loss = (mg.clip(weight * 2, 0.0, 1.5) @ x).sum()
        loss.backward()
        return loss, weight.grad

    rng = np.random.default_rng(0)
    same(masked, *[(rng.random((600, 30), np.float32),) for _ in range(3)])
    scaled = same(
        lambda x, s: ((x * s + 1).exp() * s).tanh(),
        *[(rng.random(1_000_003, np.float32), np.array(k, np.float32)) for k in (2, 3)],
    )
    assert "in blocks of" in scaled.source


def test_results_are_arrays_also_where_numpy_gives_scalars():
    compiled = same(lambda x: x[1], *[([1.0, k],) for k in (2.0, 3.0, 4.0)])
    assert isinstance(compiled(np.array([1.0, 5.0])).data, np.ndarray)


def test_a_saved_program_takes_turns_with_threads(tmp_path):
    model = mg.nn.Sequential(mg.nn.Linear(50, 50), mg.nn.Sigmoid())
    predict = mg.compile(model.eval())
    x = np.random.default_rng(0).random((40, 50))
    with mg.no_grad():
        wanted = predict(x).data
    namespace = {"__file__": str(predict.save(tmp_path / "predict.py")), "__name__": "predict"}
    exec((tmp_path / "predict.py").read_text(encoding="utf-8"), namespace)
    wrong = []

    def work():
        for _ in range(40):
            if not np.array_equal(namespace["step"](x), wanted):
                wrong.append(1)  # noqa: PERF401

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_a_leaf_that_is_returned_is_that_very_leaf():
    w = mg.Tensor(np.ones(3), requires_grad=True, name="w")
    both = mg.compile(lambda x: (w, (w * x).sum()))
    for k in (1.0, 2.0, 3.0):
        leaf, loss = both(np.full(3, k))
        assert leaf is w
        assert loss.item() == 3 * k
        w.grad = None
        (leaf.sum() + loss).backward()
        assert w.grad.tolist() == [1 + k] * 3


def test_an_argument_that_requires_a_gradient_is_not_returned_as_it_is():
    with pytest.raises(mg.CompileError, match=r"returns an argument that requires a gradient.*x \* 1"):
        mg.compile(lambda x: x)(mg.Tensor(np.ones(3), requires_grad=True))
    again = mg.compile(lambda x: x * 1)
    for _ in range(2):
        x = mg.Tensor(np.ones(3), requires_grad=True)
        again(x).sum().backward()
        assert x.grad.tolist() == [1.0, 1.0, 1.0]


def test_a_backward_pass_that_eager_would_refuse_is_refused_by_name():
    w = mg.Tensor(np.ones(3), requires_grad=True)

    def late(x):
        z = w * x
        with mg.no_grad():
            x *= 2
        return z

    with pytest.raises(mg.CompileError, match=r"its backward pass.*changed in place.*detach"):
        mg.compile(late)(mg.Tensor(np.ones(3)))


def test_a_repeat_that_is_written_through_a_view_is_not_left_out():
    x = np.array([0.5, 0.25])
    compiled = mg.compile(lambda a, b, c: mg.functional.triplet_margin_loss(a, b, c, p=1.5))
    for _ in range(2):
        assert compiled(x, x, x).item() == 1.0
