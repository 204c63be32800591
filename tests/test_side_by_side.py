"""docs/from-pytorch.md and docs/from-numpy.md are right on both sides: both columns of their tables give the same."""

import doctest
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import test_ported_scripts
from together import together

import micrograd_np as mg
import micrograd_np.nn.functional as F  # noqa: N812  PyTorch's import line

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "from-pytorch.md").read_text(encoding="utf-8")
NUMPYS = (DOCS / "from-numpy.md").read_text(encoding="utf-8")
ROW = r"\| `.+` \| `.+` \|\n"
ROWS = [
    (library, theirs, ours)
    for library, table in re.findall(rf"(?m)^\| (\w+) \| micrograd_np \|\n.+\n((?:{ROW})+)", PAGE + NUMPYS)
    for theirs, ours in re.findall(r"\| `(.+)` \| `(.+)` \|", table)
]
TEXT = re.findall(r"(?ms)^```text\n(.+?)^```$", PAGE)
TENSORS = dict(re.findall(r"(?m)^([xyi]) = mg\.\w+\((\[\[.+?\]\])", PAGE))
VECTOR = re.search(r">>> x = np\.array\((.+)\)", NUMPYS)[1]
RANDOM = "rand|permutation|multinomial|normal_|uniform_"
EXTRA = "pip install 'micrograd_np[bench]'"


def result(code, **namespace):
    """The value of an expression, or of the y that a statement has written; as nested numbers."""
    try:
        value = eval(code, namespace)
    except SyntaxError:  # a statement
        exec(code, namespace)
        value = namespace["y"]
    return numbers(value, shape_only=re.search(RANDOM, code) is not None)


def numbers(value, *, shape_only):
    if shape_only:
        return tuple(value.shape)
    if isinstance(value, (tuple, list)):
        return [numbers(part, shape_only=False) for part in value]
    return np.asarray(value.detach() if hasattr(value, "detach") else value, dtype=np.float64)


def tensors(kind):
    x, y, i = (kind(np.array(eval(TENSORS[name]))) for name in "xyi")
    return {"x": x.requires_grad_(), "y": y, "i": i}


def functions(np):
    """What the page on NumPy calls f, h and x."""

    def f(x):
        return np.sum(np.sin(x) ** 2 / (1 + np.abs(x)))

    return {"np": np, "f": f, "h": lambda x: x**3, "x": np.array(eval(VECTOR))}


def ours(library, code):
    namespace = {"np": np, "F": F, **tensors(mg.Tensor)} if library == "PyTorch" else functions(np)
    if library == "SciPy":
        namespace = scipys_arrays(lambda x: mg.Tensor(x, requires_grad=True))
    return result(code, mg=mg, **namespace)


def pytorchs(code):
    torch = pytest.importorskip("torch", reason=EXTRA)
    return result(code, torch=torch, np=np, F=torch.nn.functional, **tensors(torch.tensor))


def autograds(code):
    operators = pytest.importorskip("autograd.differential_operators", reason=EXTRA)
    return result(code, **(vars(operators) | functions(import_module("autograd.numpy"))))


def jaxs(code):
    jax = pytest.importorskip("jax", reason=EXTRA)
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    try:
        return result(code, jax=jax, **functions(jax.numpy))
    finally:
        jax.config.update("jax_enable_x64", before)


def scipys_arrays(kind):
    """What the page on NumPy calls x, p, q, A, i and j in its table of SciPy's functions."""
    code = "".join(re.findall(r"(?m)^>>> ((?:p, q|A|i, j) = .+\n)", NUMPYS))
    namespace = {"np": np, "x": functions(np)["x"]}
    exec(code, namespace)
    return {"np": np, "i": namespace["i"], "j": namespace["j"], **{name: kind(namespace[name]) for name in "xpqA"}}


def scipys(code):
    scipy = pytest.importorskip("scipy", reason=EXTRA)
    parts = {part: import_module(f"scipy.{part}") for part in ("special", "spatial", "linalg", "integrate")}
    assert scipy.__version__
    return result(code, **parts, **scipys_arrays(np.array))


LIBRARIES = {"PyTorch": pytorchs, "autograd": autograds, "JAX": jaxs, "SciPy": scipys}


def test_the_pages_have_their_tables():
    assert TENSORS.keys() == set("xyi")
    assert {library: sum(row[0] == library for row in ROWS) > 9 for library in LIBRARIES} == dict.fromkeys(
        LIBRARIES, True
    )


@together
@pytest.mark.parametrize(("library", "code"), [(library, ours) for library, _, ours in ROWS])
def test_our_column_runs(library, code):
    ours(library, code)


QUIET = [f"ignore::{kind}Warning" for kind in ("User", "Future", "Deprecation")]  # the others' advice


@together
@pytest.mark.filterwarnings(*QUIET)
@pytest.mark.parametrize(("library", "theirs", "code"), ROWS)
def test_the_columns_agree(library, theirs, code):
    expected, found = LIBRARIES[library](theirs), ours(library, code)
    assert isinstance(expected, list) == isinstance(found, list)
    pairs = zip(found, expected, strict=True) if isinstance(found, list) else [(found, expected)]
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_what_is_shown_of_pytorch_is_what_it_prints():
    torch = pytest.importorskip("torch", reason=EXTRA)
    sessions = [text for text in TEXT if text.startswith(">>> ")]
    assert len(sessions) == 3
    namespace = {"torch": torch}
    for text in sessions:
        shown = doctest.DocTestParser().get_doctest(text, namespace, "from-pytorch.md", None, 0)
        assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(shown, clear_globs=False).failed == 0
        namespace = shown.globs


def test_the_script_on_the_page_is_the_one_that_is_ported():
    assert as_diff(test_ported_scripts.MLP) in TEXT, "the last block is as_diff(MLP)"


def as_diff(script):
    """A script of `test_ported_scripts` as a diff: what is PyTorch's after "-", what is ours after "+"."""
    lines = []
    for line in script.strip("\n").splitlines():
        sign = "-" if "#-" in line else "+" if "#+" in line else " "
        lines.append(f"{sign} {re.sub('  #[-+].*', '', line)}".rstrip())
    return "\n".join(lines) + "\n"
