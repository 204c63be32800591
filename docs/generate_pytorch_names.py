"""Write `docs/pytorch-names.md`, where each name of PyTorch's is here, and `names_of_pytorch.txt` in `core`.

The latter are the names for which no table of `core.spellings` says what to write: `python
docs/generate_pytorch_names.py`, where PyTorch is installed.
"""

import re
from importlib import import_module
from inspect import isclass, isfunction, ismodule
from pathlib import Path
from pkgutil import iter_modules

import micrograd_np as mg
from micrograd_np.core.spellings import KINDS_NOT_HERE, ForeignName, add_foreign_names, hint, pytorchs_names

PAGE = Path(__file__).with_name("pytorch-names.md")
NAMES = Path(mg.__file__).parent / "core" / "names_of_pytorch.txt"
HEAD = """\
# Where each name of PyTorch's is

Every public name of PyTorch {version}, part by part, and what it is here. [Coming from PyTorch](from-pytorch.md) says
what differs; this is the list to search. `python docs/generate_pytorch_names.py` writes it from both packages as they
are, and a test fails when it is stale. Where a name is not here, the error message says the same.

Functions under NumPy's names have `axis` and `keepdims` where PyTorch has `dim` and `keepdim`; layers and the functions
of `nn.functional` keep PyTorch's words.
"""
PARTS = {
    "torch": ("torch", "micrograd_np"),
    "Tensor": ("torch.Tensor", "micrograd_np.Tensor"),
    "torch.linalg": ("torch.linalg", "micrograd_np.linalg"),
    "torch.random": ("torch.random", "micrograd_np.random"),
    "torch.autograd": ("torch.autograd", "micrograd_np.autograd"),
    "torch.nn": ("torch.nn", "micrograd_np.nn"),
    "nn.Module": ("torch.nn.Module", "micrograd_np.nn.Module"),
    "torch.nn.functional": ("torch.nn.functional", "micrograd_np.functional"),
    "torch.nn.init": ("torch.nn.init", "micrograd_np.nn.init"),
    "torch.nn.utils": ("torch.nn.utils", "micrograd_np.nn.utils"),
    "torch.optim": ("torch.optim", "micrograd_np.optim"),
    "optim.Optimizer": ("torch.optim.Optimizer", "micrograd_np.optim.Optimizer"),
    "torch.optim.lr_scheduler": ("torch.optim.lr_scheduler", "micrograd_np.optim.lr_scheduler"),
    "nn.utils.rnn": ("torch.nn.utils.rnn", "micrograd_np.nn.utils.rnn"),
    "torch.utils.data": ("torch.utils.data", "micrograd_np.data"),
}
"""Parts of PyTorch, and ours."""
DIFFERENT = {
    "max": "`max(axis)` is the values only; the positions are `argmax(axis)`",
    "min": "`min(axis)` is the values only; the positions are `argmin(axis)`",
    "sort": "the values only; the positions are `argsort`",
    "median": "the mean of the middle two where the count is even; the values only",
    "std": "divides by n; PyTorch's is `std(ddof=1)`",
    "var": "divides by n; PyTorch's is `var(ddof=1)`",
    "transpose": "all axes in a new order; PyTorch's `transpose(a, b)` is `swapaxes(a, b)`",
    "repeat": "each element several times; PyTorch's `t.repeat(2, 3)` is `mg.tile(t, (2, 3))`",
    "split": "into how many parts, or where to cut; PyTorch's `split(t, n)` is `mg.split(t, range(n, len(t), n))`",
    "size": "the number of elements; PyTorch's `size()` is `shape`",
    "equal": "elementwise; PyTorch's is `(a == b).all()`",
    "squeeze": "an error for an axis that is longer than one; PyTorch leaves it",
    "meshgrid": 'in the order "xy"; PyTorch\'s is `indexing="ij"`',
    "cross": "along the last axis; PyTorch's along the first of length 3, with a warning",
    "cumsum": "without `axis`, of all elements in a line; PyTorch requires `dim`",
    "cumprod": "without `axis`, of all elements in a line; PyTorch requires `dim`",
    "data": "NumPy's array, not a tensor",
    "Tensor": "of data: `Tensor(5)` is the number 5, where PyTorch's has five elements, and integers stay integers",
    "dtype": "NumPy's",
    "compile": "of a training step, not of a model",
    "load": "from `.npz` or `.safetensors`, never a pickle",
    "save": "to `.npz` or `.safetensors`, never a pickle",
    "state_dict": "the values are copies, as arrays",
}
"""Names of NumPy's meaning, or of ours, and what it is."""
SKIPPED = (
    "torch", "TYPE_CHECKING", "inf", "compiler", "storage", "functional", "ops", "attention", "parameter", "modules",
    "dataset", "name",
)  # fmt: skip
"""Modules behind the names, and names of Python's."""


def at(path):
    """The module or class at a dotted path."""
    try:
        return import_module(path)
    except ModuleNotFoundError:
        home, _, name = path.rpartition(".")
        return getattr(at(home), name)


def public(part, path):
    """The names of a part of PyTorch that are its own: no types, no modules of Python's, no leading underscore."""
    for name in dir(part):
        thing = getattr(part, name)
        home = thing.__name__ if ismodule(thing) else getattr(thing, "__module__", None) or "torch"
        foreign = not home.startswith("torch") or (not isclass(part) and isfunction(thing) and path not in home)
        imported = name in SKIPPED or (name == "Tensor" and path != "torch")
        if name[0] != "_" and not imported and not (foreign and (ismodule(thing) or path != "torch")):
            yield name


def there(ours, name):
    """What says where the name is: None where it is here, else the error."""
    try:
        getattr(ours, name)
    except AttributeError as error:
        return str(error)
    except (ValueError, RuntimeError):
        pass  # it is here, and this one object has none
    return None


def instance(ours):
    """An object of a class: messages are those of objects."""
    makers = {
        "Tensor": lambda: mg.Tensor([[1.0]]),
        "Module": lambda: mg.nn.Linear(1, 1),
        "Optimizer": lambda: mg.optim.SGD([mg.nn.Parameter([1.0])]),
    }
    return makers[ours.__name__]() if isclass(ours) else ours


def sorted_names(theirs, ours):
    """The names of a part of PyTorch in four groups: of one meaning, of another, answered by a message, not here."""
    one, other, instead, missing = [], {}, {}, {}
    part, own = at(theirs), instance(at(ours))
    for name in sorted(set(public(part, theirs)), key=lambda name: (name.lower(), name)):
        message = there(own, name)
        if message is None:
            if name in DIFFERENT and not theirs.endswith("linalg"):
                other[name] = DIFFERENT[name]
            else:
                one.append(name)
        elif found := re.search(rf"has no '{name}'\. Write (.*)\.$", message):
            write = found[1].replace(f"t.{name[:-1]}(...)", "t.name(...)").replace("|", "\\|")
            write = re.sub(rf"^mg\.torch\b(.*)\b{name}\b", r"mg.torch\1name", write)
            instead.setdefault(write, []).append(name)
        elif not ismodule(getattr(part, name)):  # which of those are there depends on what was imported
            kinds = (kind for kind, names in KINDS_NOT_HERE.items() if re.search("|".join(names.split()), name))
            reason = next(kinds, "seldom called in a script")
            missing.setdefault(reason, []).append(name)
    return one, other, instead, missing


def listed(names):
    """Names as code."""
    return ", ".join(f"`{name}`" for name in names)


def section(title, theirs, ours):
    """One part of the page."""
    one, other, instead, missing = sorted_names(theirs, ours)
    lines = [f"## {title}\n"]
    if one:
        lines.append(f"**Of one meaning:** {listed(one)}.\n")
    if other:
        lines += ["| name | what it is here |", "| --- | --- |", *(f"| `{k}` | {v} |" for k, v in other.items()), ""]
    if instead:
        rows = [f"| {listed(names)} | {write} |" for write, names in instead.items()]
        lines += ["| PyTorch's name | write |", "| --- | --- |", *rows, ""]
    lines += [f"**Not here**, {reason}: {listed(names)}.\n" for reason, names in missing.items()]
    return "\n".join(lines)


def asked_for(theirs):
    """The names of a part of PyTorch, with its modules on disk: which are imported depends on what was used before."""
    part = at(theirs)
    modules = {module.name for module in iter_modules(getattr(part, "__path__", ())) if module.name[0] != "_"}
    return sorted(modules | {name for name in public(part, theirs) if not ismodule(getattr(part, name))})


def unanswered(theirs, ours):
    """The names of a part of PyTorch that are not here and in no table."""
    own, home = instance(at(ours)), f"micrograd_np.{ours.rpartition('.')[2]}" if isclass(at(ours)) else ours
    return [name for name in asked_for(theirs) if there(own, name) is not None and not hint(home, name)]


def home_of(part, name):
    """The part of `micrograd_np.torch` that has a name of PyTorch's; of methods, functions come first."""
    homes = ["", "Tensor"] if part == "Tensor" else [] if part in ("nn.Module", "optim.Optimizer") else [part]
    for home in homes:
        path = f"mg.torch.{home}".removesuffix(".").replace("torch.torch", "torch")
        thing = vars(at(path.replace("mg", "micrograd_np", 1))).get(name)
        if thing is not None and not isinstance(thing, ForeignName):
            return path
    return ""


def names():
    """The file of names: for each part of PyTorch those that are nowhere here, and those that `mg.torch` has."""
    rows = {}
    for theirs, ours in PARTS.values():
        part = theirs.removeprefix("torch.")
        for name in unanswered(theirs, ours):
            rows.setdefault(f"{part} by {home_of(part, name)}".removesuffix(" by "), []).append(name)
    return "".join(f"{title}: {' '.join(row)}\n" for title, row in rows.items())


def page(version):
    """The whole page."""
    return "\n".join([HEAD.format(version=version), *(section(title, *paths) for title, paths in PARTS.items())])


if __name__ == "__main__":
    NAMES.write_text(names(), encoding="utf-8")
    pytorchs_names.cache_clear()  # and what the classes know of the file
    for kind in (mg.Tensor, mg.nn.Module, mg.optim.Optimizer):
        add_foreign_names(kind)
    PAGE.write_text(page(import_module("torch").__version__.partition("+")[0]), encoding="utf-8")
