"""Every public name says what it is, of which shapes, which errors it raises, and shows an example that runs.

The lists say what is missing still. They may only get shorter: a name that needs its line no more fails, too.
"""

import ast
import doctest
import importlib.util
import inspect
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from together import together

import micrograd_np as mg
from micrograd_np.core.primitive import Primitive

SOURCE = Path(__file__).parents[1] / "docs" / "extensions" / "public_names.py"
ABOUT_TENSORS = ("", "creation", "linalg", "random", "functional", "nn", "nn.init", "nn.utils.rnn")
SHAPES = re.compile(
    r"->|\bshapes?\b|elementwise|\belements?\b|\bax[ei]s\b|scalar|\bnumbers?\b|\bscale\b|matri|vector|\([nc…,]|everywhere",
    re.IGNORECASE,
)
ERRORS = re.compile(r"[A-Z]\w*(?:Error|Warning)\b|[Rr]aises?\b")

WITHOUT_SHAPES: set[str] = set()
WITHOUT_ERRORS: set[str] = set()
WITHOUT_EXAMPLE: set[str] = set()


def load():
    """What the reference is made from, as a module."""
    spec = importlib.util.spec_from_file_location("public_names", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


public_names = load()
ENTRIES = [
    entry
    for entry in dict.fromkeys(public_names.entries().values())
    if getattr(entry.value, "__module__", "") != "numpy" and callable(entry.value)
]
CLASSES = {entry.name: entry.value for entry in ENTRIES if inspect.isclass(entry.value)}
OPS = {entry.name: entry.value for entry in ENTRIES if isinstance(entry.value, Primitive)}


def raises(value):
    """Whether the code of a function, or of the constructor of a class, raises an error by itself."""
    if isinstance(value, Primitive):
        return False  # what NumPy refuses is the same for all of them
    code = inspect.unwrap(value)
    if inspect.isclass(code):
        code = vars(code).get("__init__")
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(code))))
    except (OSError, TypeError, SyntaxError):
        return False
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return any(name.startswith("require_") for name in calls) or any(isinstance(x, ast.Raise) for x in ast.walk(tree))


def lacking(entry):
    """What the docstring of an entry does not say, of what it should."""
    text = public_names.document(entry.value)
    yield "docstring", not text
    yield "example", ">>>" not in text
    yield "shapes", entry.page in ABOUT_TENSORS and takes_tensors(entry.value) and not SHAPES.search(text)
    yield "errors", raises(entry.value) and not ERRORS.search(text)


def takes_tensors(value):
    """Whether it is a layer, or a function with arguments that is not about settings, functions or states."""
    if inspect.isclass(value):
        return hasattr(value, "forward") and not value.__name__.endswith(("List", "Dict"))
    return not {"f", "seed", "state", "dtype"} >= set(list(inspect.signature(value).parameters)[:1])


@pytest.mark.parametrize(
    ("what", "known"),
    [("docstring", set()), ("example", WITHOUT_EXAMPLE), ("shapes", WITHOUT_SHAPES), ("errors", WITHOUT_ERRORS)],
    ids=["docstring", "example", "shapes", "errors"],
)
def test_every_public_name_has(what, known):
    without = {entry.name for entry in ENTRIES if dict(lacking(entry))[what]}
    assert without <= known, f"write it into these docstrings ({what}), as their neighbours do"
    assert without == known, "well done: strike these from the list"


def test_every_file_of_layers_is_on_one_page_of_the_reference():
    pages = SOURCE.parents[1].glob("reference/nn*.rst")
    listed = [
        name for page in pages for names in re.findall(":of: (.*)", page.read_text("utf-8")) for name in names.split()
    ]
    files = {path.stem for path in Path(mg.nn.__file__).parent.glob("[!_]*.py")}
    homes = {x.__module__.rpartition(".")[2] for x in vars(mg.nn).values() if inspect.isclass(x)} & files
    assert sorted(listed) == sorted(homes), "name each file once, behind :of: in docs/reference/nn*.rst"


def test_every_method_and_property_has_a_docstring_there_or_where_it_is_first_declared():
    found = {
        f"{name}.{method}"
        for name, kind in CLASSES.items()
        for method in public_names.defined(kind)
        if not any(public_names.defined(base).get(method, ("", ""))[1] for base in kind.__mro__)
    }
    assert found == set(), "write a docstring for each"


def test_every_method_of_a_tensor_says_its_shapes_and_errors_with_an_example_or_names_the_function_that_does():
    found = {}
    for name, (method, text) in public_names.members(mg.Tensor).items():
        function = public_names.entries().get(name)
        if inspect.isfunction(method) and not (function and f"`mg.{name}`" in text):
            wanted = {"example": ">>>", "shapes": SHAPES, "errors": ERRORS if raises(method) else ""}
            found[name] = [what for what, pattern in wanted.items() if not re.search(pattern, text)]
    assert {name: lacks for name, lacks in found.items() if lacks} == {}
    assert found


@together
@pytest.mark.parametrize("name", OPS)
def test_the_example_of_every_op_runs(name):
    op = OPS[name]
    (test,) = doctest.DocTestFinder().find(op.__doc__, name, globs=vars(sys.modules[op.__module__]).copy())
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.DocTestRunner(optionflags=options).run(test) == (0, len(test.examples))
    assert test.examples


def test_docstrings_are_derived_only_when_they_are_read():
    program = """if True:
        import sys, micrograd_np as mg
        mg.nn, mg.optim, mg.training, mg.pictures
        print("micrograd_np.check" in sys.modules)
        print(">>>" in mg.nn.ReLU.__doc__, "micrograd_np.check" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "True"]


def test_help_of_an_op_tells_what_its_declaration_says():
    text = OPS["matmul"].__doc__
    assert "Matrix product" in text
    assert "Shapes: ``(n, k), (k, m) -> (n, m)``." in text
    assert "Domain: x in ℝ, y in ℝ." in text
    assert "Derivative: by x: g @ yᵀ; by y: xᵀ @ g, where g is the gradient of the result." in text
    assert ">>> mg.matmul(mg.Tensor([[" in text
    assert Primitive.__doc__.startswith("An op that can be differentiated")
