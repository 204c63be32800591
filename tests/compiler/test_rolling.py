"""Equal time steps and equal layers are one loop in the source, which keeps bits, lines and names."""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.compiler.memory import plan
from micrograd_np.compiler.parser import parse
from micrograd_np.compiler.writing.times import repetitions
from micrograd_np.compiler.writing.write import Writer


@pytest.mark.parametrize(
    ("kinds", "found"),
    [
        ("a" * 30, [(0, 1, 30)]),
        ("a" * 24, []),  # too few rows less
        ("x" + "abc" * 20 + "y" + "de" * 15, [(1, 3, 20), (62, 2, 15)]),
        ("aab" * 12, [(0, 3, 12)]),
        ("aaaab" * 8, [(0, 5, 8)]),
        ("abcdefghijkl" * 3, []),  # too few times
        ("".join(map(chr, range(100))), []),
    ],
)
def test_what_repeats_is_found(kinds, found):
    assert list(repetitions([ord(kind) for kind in kinds])) == found


def source_of(text):
    program = parse(text)
    return Writer(program, plan(program)).source()


def test_views_that_move_on_evenly_are_made_in_a_loop():
    rows = ["w: float64[3] = state()", "x: float64[30, 3] = input()", "copied = copy(x)", "y_30 = copy(w)"]
    for t in range(29, -1, -1):
        rows += [f"x_{t} = getitem(copied, {t})", f"y_{t} = np.multiply(y_{t + 1}, x_{t}, into=y_{t + 1})"]
    source = source_of("\n".join([*rows, "return y_0"]))
    assert "range(29, -1, -1),\n" in source
    assert "\n        x_i = copied[t]\n        times.append((y_i, x_i))\n" in source
    assert "for (y_i, x_i) in times:\n            multiply(y_i, x_i, y_i)\n" in source


def test_views_that_move_on_unevenly_are_listed():
    rows = ["w: float64[3] = state()", "x: float64[9000, 3] = input()", "copied = copy(x)", "y_0 = copy(w)"]
    for t in range(30):
        rows += [f"x_{t} = getitem(copied, {t * t})", f"y_{t + 1} = np.multiply(y_{t}, x_{t}, into=y_{t})"]
    source = source_of("\n".join([*rows, "return y_30"]))
    assert all(f"x_{t} = copied[{t * t}]\n" in source for t in range(30))
    assert "for (y_i, x_i) in times:\n            multiply(y_i, x_i, y_i)\n" in source


def test_what_writes_into_a_parameter_is_no_loop():
    """Should a call fail half way, it says whether something has been written."""
    rows = ["w_0: float64[3] = state()", "x: float64[3] = input()"]
    rows += [f"w_{t + 1} = np.multiply(w_{t}, x, into=w_{t})" for t in range(30)]
    source = source_of("\n".join([*rows, "store(w_0, w_30)"]))
    assert source.count("multiply(w_0, x, w_0)") == 30


def recurrence(cell):
    """A recurrent network and its training step."""
    mg.random.manual_seed(0)
    net, head = cell(3, 4), nn.Linear(4, 1)
    optimizer = optim.SGD([*net.parameters(), *head.parameters()], lr=0.1)

    def step(x, y):
        optimizer.zero_grad()
        outputs, _ = net(x)
        loss = nn.functional.mse_loss(head(outputs[-1]), y)
        loss.backward()
        optimizer.step()
        return loss

    return step, optimizer


@pytest.mark.parametrize("cell", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_recurrence_reads_as_a_loop_and_keeps_its_bits(cell):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 5, 3)), rng.standard_normal((5, 1))
    step, optimizer = recurrence(cell)
    twin, other = recurrence(cell)
    compiled = mg.compile(twin)
    for _ in range(4):
        assert np.array_equal(compiled(x, y).data, step(x, y).data)
    for p, q in zip(optimizer.param_groups[0]["params"], other.param_groups[0]["params"], strict=True):
        assert np.array_equal(p.data, q.data)
    assert compiled.source.count(" in times") == 2  # forward and backward
    rows = len(compiled.source.splitlines())
    longer = mg.compile(recurrence(cell)[0])
    longer(np.ones((40, 5, 3)), y)
    assert len(longer.source.splitlines()) < rows + 20


def test_equal_layers_are_a_loop_and_parameters_keep_their_names():
    mg.random.manual_seed(0)
    layers = [layer for _ in range(20) for layer in (nn.Linear(4, 4), nn.Tanh())]
    net = nn.Sequential(*layers)
    compiled = mg.compile(net)
    x = np.random.default_rng(0).standard_normal((3, 4))
    for _ in range(3):
        assert np.array_equal(compiled(x).data, net(mg.Tensor(x)).data)
    assert " in times:" in compiled.source
    assert all(f"weight_{i}" in compiled.source or f"{i}_weight" in compiled.source for i in range(0, 40, 2))


def test_an_error_in_a_loop_names_the_line_of_the_user():
    def grow(x):
        for _ in range(40):
            x = x * x
        return x

    compiled = mg.compile(grow)
    x = np.full(5000, 1.0)
    assert compiled(x).data[0] == 1.0
    assert "multiply(" in compiled.source
    assert compiled.source.count("multiply(") < 10
    with np.errstate(over="raise"):
        step = mg.compile(grow)
        step(x)
        with pytest.raises(FloatingPointError) as error:
            step(np.full(5000, 2.0))
    assert "x = x * x" in "".join(error.value.__notes__)


def test_what_one_time_hands_to_the_next_in_memory_of_numpys_is_no_loop():
    def walk(x):
        seen = []
        for k in range(30):
            x = mg.where(x > k, x - 1, x * 0.5)
            seen.append(x)
        return x, seen[3], sum(seen)

    compiled = mg.compile(walk)
    x = np.random.default_rng(0).standard_normal(7)
    for _ in range(3):
        for a, b in zip(compiled(x), walk(mg.Tensor(x)), strict=True):
            assert np.array_equal(a.data, b.data)


def test_a_saved_module_has_the_loop(tmp_path):
    step = mg.compile(recurrence(nn.LSTM)[0])
    step(np.ones((20, 5, 3)), np.ones((5, 1)))
    step.save(tmp_path / "step.py")
    assert " in times:" in (tmp_path / "step.py").read_text()
