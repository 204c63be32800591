"""Names that both have: those of one meaning agree with PyTorch, and of the others the page says how they differ."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from peers.torch_table import torch

import micrograd_np as mg
from micrograd_np.numpy_api import torch_names

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's advice

SPEC = importlib.util.spec_from_file_location(
    "generate_pytorch_names", Path(__file__).parents[2] / "docs" / "generate_pytorch_names.py"
)
names = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(names)

X = np.array([[0.3, -0.6, 0.9], [0.2, 0.5, -0.1]])
ROW = np.array([[0.5, 0.4, 0.1]])
SQUARE = np.array([[1.0, 2.0], [3.0, 5.0]])
COUNTS = np.array([[6, 3, 12], [5, 9, 10]])
BINARY = "add divide fmod hypot logaddexp maximum minimum multiply remainder subtract arctan2 inner kron"
COMPARING = "greater greater_equal less less_equal not_equal logical_and logical_or logical_xor"
CALLS = {
    **dict.fromkeys(BINARY.split(), (X, ROW)),
    "outer": (X[0], X[1]),
    "floor_divide": (X, ROW),
    **dict.fromkeys(COMPARING.split(), (X, ROW)),
    **dict.fromkeys(("bitwise_and", "bitwise_or", "bitwise_xor"), (COUNTS, COUNTS[:1])),
    **dict.fromkeys(("log10", "log1p", "log2"), (X + 1.5,)),
    **dict.fromkeys(("hsplit", "unsqueeze"), (COUNTS, 1)),
    **dict.fromkeys(("softmax", "log_softmax", "logsumexp", "nanmean", "nansum"), (X, 1)),
    "arccosh": (X + 2.0,),
    "broadcast_to": (ROW, (2, 3)),
    "chunk": (X, 2, 1),
    "clamp": (X, -0.2, 0.4),
    "diag": (X, 1),
    "diff": (X, 2, 1),
    "dsplit": (X[None], [1]),
    "expand": (ROW, 4, -1),
    "gather": (X, 1, np.array([[0, 2], [1, 1]])),
    "index_add": (X, 0, np.array([1, 1]), SQUARE @ X),
    "index_select": (X, 1, np.array([2, 0])),
    "masked_fill": (X, X > 0, -1.0),
    "matmul": (SQUARE, X),
    "moveaxis": (X[None], 0, -1),
    "permute": (X[None], 2, 0, 1),
    "quantile": (X, 0.3, 1),
    "roll": (X, 1, 1),
    "rot90": (X, 1, (0, 1)),
    "topk": (X, 2, 1),
    "scatter": (X, 1, np.array([[0, 2], [1, 0]]), SQUARE),
    "scatter_add": (X, 1, np.array([[0, 2], [1, 1]]), SQUARE),
    "tril": (SQUARE, -1),
    "triu": (SQUARE, 1),
    "vsplit": (X, 2),
    "xlogy": (X, ROW),
}
"""What a method is called with, and on: X alone where nothing else is said."""


def called(kind, name):
    """The results of a method as arrays, and the gradient of the sum of the floating ones."""
    arrays = [kind(x) if isinstance(x, np.ndarray) else x for x in CALLS.get(name, (X,))]
    t = arrays[0].requires_grad_() if arrays[0].dtype in (torch.float64, np.float64) else arrays[0]
    results = getattr(t, name)(*arrays[1:])
    results = list(results) if isinstance(results, (tuple, list)) else [results]
    results = [z if hasattr(z, "requires_grad") else kind(np.array(z)) for z in results]
    total = sum((z * z).sum() for z in results if z.requires_grad)
    if getattr(total, "requires_grad", False) and name != "floor_divide":  # PyTorch has no derivative for it
        total.backward()
    return [z.detach().numpy() for z in results], None if t.grad is None else t.grad.numpy()


@pytest.mark.parametrize("name", torch_names.METHODS.split())
def test_a_method_of_one_meaning_does_what_pytorchs_does(name):
    (ours, g), (theirs, h) = called(mg.Tensor, name), called(torch.tensor, name)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    assert (h is None or not h.any()) if g is None else np.allclose(g, 0 if h is None else h, rtol=1e-12, atol=1e-14)


MATRIX = np.array([[3.0, 1.0, 2.0], [4.0, 6.0, 5.0]])
DIFFERING = {
    "max": lambda lib, t: t.max(1),
    "min": lambda lib, t: t.min(1),
    "sort": lambda lib, t: lib.sort(t),
    "median": lambda lib, t: lib.median(t),
    "std": lambda lib, t: t.std(),
    "var": lambda lib, t: t.var(),
    "transpose": lambda lib, t: t.transpose(0, 1),
    "repeat": lambda lib, t: t.repeat(2),
    "split": lambda lib, t: lib.split(t, 1),
    "size": lambda lib, t: t.size,
    "equal": lambda lib, t: lib.equal(t, t),
    "squeeze": lambda lib, t: t.squeeze(0),
    "meshgrid": lambda lib, t: lib.meshgrid(t[0], t[1][:2]),
    "cross": lambda lib, t: lib.cross(t.T @ t, (t.T @ t) + t[:1]),
    "cumsum": lambda lib, t: t.cumsum(),
    "cumprod": lambda lib, t: t.cumprod(),
    "data": lambda lib, t: t.data.dim(),
    "dtype": lambda lib, t: t.dtype,
    "Tensor": lambda lib, t: lib.Tensor([1, 2]).dtype == lib.int64,
    "compile": lambda lib, t: lib.compile(lib.nn.Linear(1, 1)).parameters(),
    "load": lambda lib, t: lib.load("a.npz"),
    "save": lambda lib, t: lib.save(t, "a.pt"),
    "state_dict": lambda lib, t: lib.nn.Linear(1, 1).state_dict()["weight"].dim(),
}
"""For each name of another meaning something that comes out otherwise, or only in one of the libraries."""


def outcome(f, lib, t):
    """What `f` gives, as something to compare: numbers, and the kind of an error."""
    try:
        z = f(lib, t)
    except Exception as error:  # noqa: BLE001  any difference counts
        return type(error).__name__
    parts = list(z) if isinstance(z, (tuple, list)) else [z]
    return [p.tolist() if hasattr(p, "tolist") else str(p) for p in parts]


@pytest.mark.parametrize("name", DIFFERING)
def test_a_name_of_another_meaning_differs_from_pytorchs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    f = DIFFERING[name]
    mg.save({"a": 1}, "a.npz")
    assert outcome(f, mg, mg.Tensor(MATRIX)) != outcome(f, torch, torch.tensor(MATRIX))


def test_every_name_of_another_meaning_has_an_example():
    assert DIFFERING.keys() == names.DIFFERENT.keys()


@pytest.mark.parametrize("part", names.PARTS)
def test_no_name_of_pytorchs_is_without_an_answer(part):
    theirs, ours = names.PARTS[part]
    own, answer = names.instance(names.at(ours)), "(Write |There are no |PyTorch's has no counterpart here)"
    messages = {name: names.there(own, name) for name in names.asked_for(theirs)}
    bare = {
        name: message
        for name, message in messages.items()
        if message is not None and not re.search(rf"has no '{name}'\. {answer}", message)
    }
    assert bare == {}


def test_the_page_and_the_file_of_names_are_fresh():
    version = torch.__version__.partition("+")[0]
    written = names.PAGE.read_text(encoding="utf-8")
    if f"PyTorch {version}," not in written:
        pytest.skip(f"the page is of another version than {version}")
    show = "import runpy; g = runpy.run_path({!r}); print(g['names']() + g['page']({!r}), end='')"
    command = [sys.executable, "-c", show.format(str(names.__file__), version)]
    now = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    written = names.NAMES.read_text(encoding="utf-8") + written
    assert now == written, "run: python docs/generate_pytorch_names.py"  # in a process of its own: imports add names
