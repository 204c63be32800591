"""A saved step needs NumPy alone, and goes on with the same bits: optimiser, counters, dropout and running means."""

import ast
import builtins
import importlib.util
import inspect
import keyword
import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.array_utils import byte_bounds
from numpy.lib.stride_tricks import as_strided
from together import sparing
from trainable import MATRICES_ONLY, OPTIMIZERS

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.compiler import save
from micrograd_np.compiler.passes import blocks
from micrograd_np.compiler.writing.write import rows_of
from micrograd_np.numpy_api.linalg import put_cofactors
from micrograd_np.ops import checks
from micrograd_np.ops.fused.scipy_special import put_special
from micrograd_np.ops.routine import clear

SITE = Path(np.__file__).parents[1]
TAIL = "\nassert not [m for m in sys.modules if 'micrograd' in m]\n"


def run_alone(folder, code):
    """Run `code` in `folder` in an isolated Python that can import NumPy and what lies there, and nothing else."""
    head = (
        f"import sys\nsys.path[:0] = [{str(folder)!r}]\nsys.path.append({str(SITE)!r})\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'micrograd_np':\n"
        "            raise ImportError('hidden')\n"
        "sys.meta_path.insert(0, Hidden())\nimport numpy as np\n"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", head + code + TAIL], check=True, cwd=folder, timeout=60)


def undefined_names(path):
    """The names that a file reads, in annotations too, and that nothing in it binds."""
    nodes = [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    names = [node for node in nodes if isinstance(node, ast.Name)]
    bound = {node.id for node in names if not isinstance(node.ctx, ast.Load)} | {*vars(builtins), "__file__"}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.ExceptHandler))}
    bound |= {(node.asname or node.name).split(".")[0] for node in nodes if isinstance(node, ast.alias)}
    return {node.id for node in names} - bound


def training(name, settings):
    bias = name not in MATRICES_ONLY
    layers = [nn.Linear(3, 5, bias=bias), nn.Dropout(0.3), nn.Tanh(), nn.Linear(5, 2, bias=bias)]
    if bias:
        layers.insert(1, nn.BatchNorm1d(5))
    model = nn.Sequential(*layers)
    optimizer = getattr(optim, name)(model.parameters(), **settings)

    @mg.compile
    def step(x, y):
        optimizer.zero_grad()
        out = model(x)
        loss = (out - y).square().mean()
        loss.backward()
        optimizer.step()
        return {"loss": loss, "out": (out,)}

    return model, optimizer, step


def test_a_saved_step_that_updates_twice_counts_both(tmp_path):
    w, v = (mg.nn.Parameter(np.linspace(-1, 1, 4) + i) for i in range(2))
    optimizer = optim.Adam([w, v], lr=0.1)

    @mg.compile
    def step(x):
        for leaves in ((w, v), (w,)):
            optimizer.zero_grad()
            loss = sum((leaf * x).square().sum() for leaf in leaves)
            loss.backward()
            optimizer.step()
        return loss

    x = np.arange(4.0)
    step(x)
    step(x)
    step.save(tmp_path / "twice.py")
    wanted = [step.function(mg.Tensor(x)).data for _ in range(3)]
    np.save(tmp_path / "wanted.npy", wanted)
    code = """
import twice
x, wanted = np.arange(4.0), np.load("wanted.npy")
assert all(twice.step(x).tobytes() == a.tobytes() for a in wanted[:2])
twice.save_state()
import importlib
assert importlib.reload(twice).step(x).tobytes() == wanted[2].tobytes()
"""
    run_alone(tmp_path, code)


def test_a_saved_step_brings_its_threads_and_its_silence(monkeypatch, tmp_path):
    monkeypatch.setattr(blocks, "threads", lambda: 2)
    w = mg.nn.Parameter(np.linspace(-1, 1, 500_000, dtype=np.float32))
    optimizer = optim.SGD([w], lr=100.0)

    @mg.compile
    def step(x):
        optimizer.zero_grad()
        loss = (w * x - x).sigmoid().square().mean()
        loss.backward()
        optimizer.step()
        return loss

    x = np.full(500_000, 200, np.float32)  # exp overflows in some places
    step(x)
    step.save(tmp_path / "train_step.py")
    loss = step(x)
    assert "in 2 threads" in step.source
    code = "import train_step as t\nnp.seterr(all='raise')\n"
    code += "np.savez('after.npz', loss=t.step(np.full(500_000, 200, np.float32)))\n"
    run_alone(tmp_path, code)
    assert np.load(tmp_path / "after.npz")["loss"] == loss.data


@pytest.mark.parametrize("style", ["exact", "plain"])
def test_a_saved_step_keeps_what_two_optimisers_know_of_one_parameter(style, tmp_path):
    w, v = (mg.nn.Parameter(np.linspace(-1, 1, 4) + i) for i in range(2))
    optimizers = [optim.SGD([w, v], lr=0.1, momentum=0.9), optim.SGD([w], lr=0.01, momentum=0.5)]

    @mg.compile
    def step(x):
        for k, optimizer in enumerate(optimizers):
            optimizer.zero_grad()
            loss = ((w * x).square().sum() + (v * x).sum()) * (k + 1)
            loss.backward()
            optimizer.step()
        return w * x

    for _ in range(3):
        step(np.arange(4.0))
    step.save(tmp_path / "two.py", style=style)
    np.save(tmp_path / "wanted.npy", [step(np.arange(4.0)).data for _ in range(2)])
    code = "import two\nfor a in np.load('wanted.npy'): assert np.allclose(two.step(np.arange(4.0)), a, 1e-12, 0)"
    run_alone(tmp_path, code)


@pytest.mark.parametrize("name", sparing(OPTIMIZERS, 3))
def test_a_saved_step_goes_on_with_the_same_bits(name, tmp_path):
    model, optimizer, step = training(name, OPTIMIZERS[name][-1])
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((8, 4, 3)), rng.standard_normal((8, 4, 2))
    for x, y in zip(X[:3], Y[:3], strict=True):
        step(x, y)
    assert undefined_names(step.save(tmp_path / "train_step.py")) == set()
    for x, y in zip(X[3:6], Y[3:6], strict=True):
        step(x, y)
    optimizer.param_groups[0]["lr"] *= 0.5
    for x, y in zip(X[6:], Y[6:], strict=True):
        results = step(x, y)
    np.savez(tmp_path / "data.npz", X=X, Y=Y)
    run_alone(
        tmp_path,
        "import train_step as t, importlib\n"
        "d = np.load('data.npz')\n"
        "for i in range(3, 5): t.step(d['X'][i], d['Y'][i])\n"
        "t.save_state(); importlib.reload(t)\n"  # a new session
        "t.step(d['X'][5], d['Y'][5])\n"
        "t.settings[0]['lr'] *= 0.5\n"
        "for i in range(6, 8): r = t.step(d['X'][i], d['Y'][i])\n"
        "np.savez('after.npz', loss=r['loss'], out=r['out'][0], **t.state)\n",
    )
    after = np.load(tmp_path / "after.npz")
    assert np.array_equal(after["loss"], results["loss"].data)
    assert np.array_equal(after["out"], results["out"][0].data)
    for key, p in model.named_parameters():
        assert np.array_equal(after[key], p.data)


def test_a_function_in_a_saved_file_has_no_annotations():
    source = """def f(
    é: Sequence[float], /, *args: Any, k: dict[str, "int"] | None = None, **more: Any  # n: Any
) -> dict[str, Any]:
    n: int = len(args)  # -> Any
    def g(x: Any) -> Callable[[Any], Any]: return x
    return g(n) if k is None else {"a -> b: c": é}
"""
    bare = save._bare(source)
    assert "Any" not in bare.replace("# n: Any", "").replace("# -> Any", "")
    assert "def f(\n    é, /, *args, k = None, **more  # n: Any\n):\n    n = len(args)  # -> Any\n" in bare
    namespace = {}
    exec(bare, namespace)
    assert namespace["f"](1, 2, k={}) == {"a -> b: c": 1}
    assert namespace["f"](1, 2) == 1


@pytest.mark.parametrize("name", ["SGD", "Adam", "Muon"])
def test_a_saved_plain_step_goes_on_with_the_same_numbers(name, tmp_path):
    model, _, step = training(name, OPTIMIZERS[name][-1])
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((7, 4, 3)), rng.standard_normal((7, 4, 2))
    for x, y in zip(X[:3], Y[:3], strict=True):
        step(x, y)
    path = step.save(tmp_path / "by_hand.py", style="plain")
    assert undefined_names(path) == set()
    assert "out=" not in path.read_text(encoding="utf-8")
    assert path.with_suffix(".npz").exists()
    for x, y in zip(X[3:], Y[3:], strict=True):
        results = step(x, y)
    grads = {f"grad {key}": p.grad.data for key, p in model.named_parameters()}
    parameters = {key: p.data for key, p in model.named_parameters()}
    np.savez(tmp_path / "data.npz", X=X, Y=Y, out=results["out"][0].data, **parameters, **grads)
    run_alone(
        tmp_path,
        "import by_hand as t, importlib\n"
        "d = np.load('data.npz')\n"
        "for i in range(3, 5): t.step(d['X'][i], d['Y'][i])\n"
        "t.save_state(); importlib.reload(t)\n"  # a new session
        "for i in range(5, 7): r = t.step(d['X'][i], d['Y'][i])\n"
        "close = lambda a, b: np.allclose(a, b, rtol=1e-10, atol=1e-12)\n"
        "assert isinstance(r['loss'], np.ndarray) and close(r['out'][0], d['out'])\n"
        "names = [n[5:] for n in d.files if n.startswith('grad ')]\n"
        "assert names and all(close(t.state[n], d[n]) for n in names)\n"
        "assert all(close(t.gradients[n], d['grad ' + n]) for n in names)\n",
    )


def test_what_lies_between_parameters_warns_of_nothing_in_a_saved_step(tmp_path):
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))
    optimizer = optim.Adam(model.parameters(), eps=0.0)

    @mg.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((8, 4, 3)), rng.standard_normal((8, 4, 2))
    for x, y in zip(X[:4], Y[:4], strict=True):
        step(x, y)
    step.save(tmp_path / "train_step.py")
    for x, y in zip(X[4:], Y[4:], strict=True):
        step(x, y)
    np.savez(tmp_path / "data.npz", X=X, Y=Y, **{key: p.data for key, p in model.named_parameters()})
    run_alone(
        tmp_path,
        "import train_step as t\nd = np.load('data.npz')\nnp.seterr(divide='raise', invalid='raise')\n"
        "for i in range(4, 8): t.step(d['X'][i], d['Y'][i])\n"
        "assert all(np.array_equal(t.state[n], d[n]) for n in d.files if n not in 'XY')\n",
    )


def test_the_style_of_a_saved_step_is_exact_or_plain(tmp_path):
    f = mg.compile(lambda x: x * 2)
    f(np.ones(3))
    with pytest.raises(ValueError, match="'exact', 'plain' or 'c', found 'fine'"):
        f.save(tmp_path / "f.py", style="fine")


@pytest.mark.parametrize("style", ["exact", "plain"])
def test_a_saved_model_predicts_the_same(style, tmp_path):
    model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2)).eval()
    predict = mg.compile(model)
    x = np.random.default_rng(0).standard_normal((4, 3))
    with mg.no_grad():
        wanted = predict(x)
    assert predict.save(str(tmp_path / "predict.py"), style) == tmp_path / "predict.py"
    np.savez(tmp_path / "data.npz", x=x, wanted=wanted.data)
    run_alone(
        tmp_path,
        "from predict import step\nd = np.load('data.npz')\nassert np.array_equal(step(d['x']), d['wanted'])\n"
        "try: step(d['x'][:2])\n"
        "except ValueError as e: assert 'this program is for (4, 3) float64' in str(e)\n"
        "else: raise AssertionError\n",
    )


@pytest.mark.parametrize("style", ["exact", "plain"])
def test_gradients_that_accumulate_are_saved_too(style, tmp_path):
    model = nn.Linear(3, 1)

    @mg.compile
    def accumulate(x):
        loss = model(x).sum()
        loss.backward()
        return loss

    X = np.random.default_rng(0).standard_normal((4, 2, 3))
    accumulate(X[0])
    with pytest.raises(mg.CompileError, match="Call it once more"):
        accumulate.save(tmp_path / "accumulate.py")
    accumulate(X[1])
    accumulate.save(tmp_path / "accumulate.py", style)
    accumulate(X[2])
    accumulate(X[3])
    np.savez(tmp_path / "data.npz", X=X, weight=model.weight.grad.data)
    run_alone(
        tmp_path,
        "import accumulate as a\nd = np.load('data.npz')\nfor x in d['X'][2:]: a.step(x)\n"
        "assert np.array_equal(a.gradients['weight'], d['weight'])\n",
    )


@pytest.mark.parametrize("style", ["exact", "plain"])
def test_a_saved_step_says_which_gradient_it_lacks(style, tmp_path):
    model = nn.Linear(3, 1)

    @mg.compile
    def accumulate(x):
        loss = model(x).sum()
        loss.backward()
        return loss

    X = np.random.default_rng(0).standard_normal((2, 2, 3))
    accumulate(X[0])
    accumulate(X[0])
    model.zero_grad()
    accumulate.save(tmp_path / "accumulate.py", style)
    np.save(tmp_path / "x.npy", X[0])
    run_alone(
        tmp_path,
        "import accumulate as a\nx = np.load('x.npy')\n"
        "try: a.step(x)\n"
        "except ValueError as e: assert \"gradients['weight']; set it, to zeros if there is none: (1, 3)\" in str(e)\n"
        "else: raise AssertionError\n"
        "a.gradients['weight'] = np.zeros((1, 3))\na.gradients['bias'] = np.zeros(1)\na.step(x)\n"
        "assert np.allclose(a.gradients['weight'], x.sum(axis=0))\nassert a.gradients['bias'] == 2\n",
    )


BIG = np.random.default_rng(0).standard_normal((16, 15))
LAYOUTS = {
    "C": BIG[:8, :5].copy(),
    "F": np.asfortranarray(BIG[:8, :5]),
    "backwards": BIG[:8, :5].copy()[::-1, ::-1],
    "every third": BIG[::2, ::3],
    "every third, transposed": np.random.default_rng(1).standard_normal((15, 16))[::3, ::2].T,
    "one row": np.broadcast_to(BIG[:1, :5], (8, 5)),
    "one column": np.broadcast_to(BIG[:8, :1], (8, 5)),
    "strides of its own": as_strided(BIG[1:], (8, 5), (120, 16)),
    "strides of its own, backwards": as_strided(BIG[-1, -1:], (8, 5), (-120, -16)),
    "not aligned": np.concatenate([np.zeros(1, np.uint8), BIG[:8, :5].ravel().view(np.uint8)])[1:]
    .view(float)
    .reshape(8, 5),
    "other bytes": BIG[:8, :5].astype(">f8"),
}


def alike(layout):
    """A copy with the same strides, which may be those of no array that it is a view of."""
    c = LAYOUTS[layout]
    low, high = byte_bounds(c)
    memory = np.zeros(high - low, np.uint8)
    same = np.ndarray(c.shape, c.dtype, memory, c.__array_interface__["data"][0] - low, c.strides)
    same[...] = c
    return as_strided(same) if "of its own" in layout else same


WRITABLE = [("written", layout) for layout, array in LAYOUTS.items() if array.flags.writeable]


@pytest.mark.parametrize(("kind", "layout"), [*product(["constant", "state"], LAYOUTS), *WRITABLE])
def test_a_saved_step_has_the_bits_of_arrays_that_lie_oddly(layout, kind, tmp_path):
    def made():
        array = alike(layout)
        w = mg.constant(array) if kind == "constant" else mg.Tensor(array, name="w")

        def step(x):
            if kind == "written":
                with mg.no_grad():
                    w.copy_(w * 0.5)
            return ((x @ w) @ w.T).sum(axis=0), w.sum(axis=0), mg.einsum("ij,kj->ik", w, w)

        return step

    x = mg.Tensor(np.random.default_rng(2).standard_normal((3, 8)))
    step, eager = mg.compile(made()), made()
    wanted = [eager(x) for _ in range(3)]
    step(x)
    spec = importlib.util.spec_from_file_location("saved", step.save(tmp_path / "saved.py"))
    saved = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(saved)
    for ours in wanted[1:]:
        for a, b, c in zip(ours, step(x), saved.step(x.data), strict=True):
            assert a.data.tobytes() == b.data.tobytes() == c.tobytes()


def test_save_wants_a_module_name_and_a_program(tmp_path):
    f = mg.compile(lambda x: x * 2)
    with pytest.raises(mg.CompileError, match="call it once"):
        f.save(tmp_path / "f.py")
    f(np.ones(3))
    with pytest.raises(ValueError, match=r"train_step\.py"):
        f.save(tmp_path / "not-a-module.py")


OURS = {*re.findall(r"\b[a-z]\w*", save._RUN + save._PLAIN)} - {*keyword.kwlist}
OURS |= {"range", "min", "slice", "threads", "objects", "labels_within", "passage", "exp", "i", "j", "own", "arena"}


@pytest.mark.parametrize("as_argument", [True, False], ids=["arguments", "tensors of its own"])
def test_names_of_users_never_meet_names_of_the_program(as_argument, tmp_path, monkeypatch):
    """An argument called inputs broke a saved module, and a tensor called range the program itself."""
    monkeypatch.setattr(blocks, "BLOCK", 64)
    monkeypatch.setattr(blocks, "_WORTH", 1)
    words = sorted(OURS)
    held = [mg.Tensor(np.full(100, i / 100), name=word) for i, word in enumerate(words)]
    arguments = words if as_argument else [f"x_{i}" for i in range(len(words))]
    space = {"mg": mg, "nn": nn, "held": [mg.Tensor(1.5)] * len(words) if as_argument else held}
    parts = [f"(({x} * 2 + held[{i}]).exp() * held[{i}]).tanh()" for i, x in enumerate(arguments)]
    rows = [f"def function(labels_of_all, {', '.join(arguments)}):"]
    rows += [f"    return nn.CrossEntropyLoss()(mg.stack([{', '.join(arguments)}]), labels_of_all), {', '.join(parts)}"]
    exec("\n".join(rows), space)
    step = mg.compile(space["function"])
    xs = [np.arange(len(words)) % 7, *(np.linspace(-1, 0.5, 100) + i / 100 for i in range(len(words)))]
    wanted = step(*xs)
    assert "in blocks of" in step.source
    assert all(np.array_equal(a.data, b.data) for a, b in zip(step(*xs), wanted, strict=True))
    for style in ("exact", "plain"):
        path = step.save(tmp_path / f"saved_{style}.py", style=style)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
        for a, b in zip(module.step(*xs), wanted, strict=True):
            np.testing.assert_allclose(a, b.data)


RULES = [x for x in vars(checks).values() if inspect.isfunction(x) and x.__module__ == checks.__name__]
ROUTINES = [routine.function for routine in (clear, put_cofactors, put_special)]


@pytest.mark.parametrize("function", [*RULES, *ROUTINES], ids=lambda f: f.__name__)
def test_the_rows_of_a_routine_are_those_of_its_source(function):
    assert rows_of(function) == inspect.getsource(function).removeprefix("@Routine\n").splitlines()
