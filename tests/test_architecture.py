"""The house stands as designed: imports lead only downward, files are short, and what is exported is in order."""

import ast
import statistics
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

import micrograd_np

PACKAGE = Path(micrograd_np.__file__).parent

# From the ground up. A module may import from its own floor's rooms beneath it, and from any floor below.
FLOORS = (
    ("allocation", "primitive", "ops.domains", "hooks"),
    ("ops",),
    ("backward", "grad_mode", "pickling", "protocols", "symbol"),
    ("tensor",),
    ("constant", "random", "functional", "linalg", "autograd", "optim", "check", "compiler", "pictures", "debug"),
    ("nn", "data", "storage"),
    ("training",),
    ("training",),
    ("sklearn", "export", "distributed"),
)

modules = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path != PACKAGE / "__init__.py"
}
every_module = pytest.mark.parametrize("name", modules)


def floor(name):
    """The number of the floor on which a module lives: that of its longest known prefix."""
    found = {prefix: number for number, rooms in enumerate(FLOORS) for prefix in rooms}
    parts = name.split(".")
    return next((found[p] for k in range(len(parts), 0, -1) if (p := ".".join(parts[:k])) in found), None)


def imported(name, *, also_for_types=False):
    """The modules of the package that a module imports when it is itself imported."""
    path = modules[name]
    package = ["micrograd_np", *name.split(".")]
    if path.name != "__init__.py":
        package.pop()
    found = set()
    waiting = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            found.update(f"{origin}.{alias.name}" for alias in node.names)
            found.add(origin)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue  # imported where asked for
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not also_for_types:
            waiting.extend(node.orelse)
        else:
            waiting.extend(ast.iter_child_nodes(node))
    own = {x.removeprefix("micrograd_np.") for x in found if x.startswith("micrograd_np.")}
    return {x for x in own if x in modules} - {name}


@every_module
def test_every_module_has_a_floor(name):
    assert floor(name) is not None, f"say in FLOORS on which floor {name} lives"


@every_module
def test_imports_lead_only_downward(name):
    own = floor(name) or 0
    above = {other for other in imported(name) if (floor(other) or 0) > own}
    assert not above, f"{name} imports from floors above its own: {', '.join(sorted(above))}"


@every_module
def test_primitives_do_not_know_tensors(name):
    if floor(name) is not None and floor(name) < floor("backward"):
        assert "tensor" not in imported(name, also_for_types=True)


def test_no_imports_go_in_circles():
    graph = {name: {x for x in imported(name) if not name.startswith(f"{x}.")} for name in modules}
    graph = {name: {x for x in found if not x.startswith(f"{name}.")} for name, found in graph.items()}
    tuple(TopologicalSorter(graph).static_order())  # CycleError names the circle


@every_module
def test_exports_are_sorted_and_exist(name):
    for node in ast.parse(modules[name].read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            exported = ast.literal_eval(node.value)
            assert exported == sorted(exported, key=lambda x: (not x.isupper(), x.islower(), x)), (
                "CONSTANTS, Classes, functions"
            )
            assert len(set(exported)) == len(exported)
            module = __import__(f"micrograd_np.{name}", fromlist=exported)
            assert [x for x in exported if not hasattr(module, x)] == []


@every_module
def test_every_module_opens_by_saying_what_it_is_for(name):
    assert ast.get_docstring(ast.parse(modules[name].read_text(encoding="utf-8")))


@every_module
def test_no_module_is_a_drawer_for_odds_and_ends(name):
    assert not {"utils", "util", "helpers", "helper", "base", "manager", "common", "misc"} & set(name.split("."))


def test_files_are_short(record_property):
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules.items()}
    median = statistics.median(lengths.values())
    record_property("median_file_length", median)
    longest = ", ".join(f"{name} {lengths[name]}" for name in sorted(lengths, key=lengths.get)[-3:])
    assert median <= 160, f"the median file has {median} lines, against about 130; the longest: {longest}"


def test_names_of_folders_and_of_functions_do_not_collide():
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    hidden = [x for x in folders if not isinstance(getattr(micrograd_np, x, ast), ModuleType)]
    assert hidden == []


def test_importing_the_package_brings_in_numpy_and_nothing_heavy():
    code = "import sys, micrograd_np; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {
        "unittest",
        "graphviz",
        "matplotlib",
        "pygraphviz",
        "scipy",
        "sklearn",
        "torch",
        "tqdm",
        "hypothesis",
        "pytest",
        "safetensors",
    }
    assert heavy.isdisjoint(found)
