"""The public names of the package: where each stands, what it is called, and what its docstring says."""

import importlib
import inspect
import re
from functools import cache, cached_property
from types import FunctionType

import micrograd_np

PACKAGE = "micrograd_np"
MODULES = [name for name in micrograd_np.__all__ if inspect.ismodule(getattr(micrograd_np, name))]
PAGES = (
    "", *MODULES, "nn.init", "nn.utils.rnn", "optim.lr_scheduler", "onnx", "sklearn", "core.primitive", "core.domains",
)  # fmt: skip
SAME_PAGE = {"nn.functional": "functional", "nn.utils": "optim"}


def exported(module):
    """The public names of a module: what `__all__` lists, else what it defines, and the instances of its classes."""
    named = {n: x if inspect.isroutine(x) or inspect.isclass(x) else type(x) for n, x in vars(module).items()}
    own = [n for n, x in named.items() if n[0] != "_" and getattr(x, "__module__", "") == module.__name__]
    return getattr(module, "__all__", own)


def module_of(page):
    """The module that a page is about."""
    return importlib.import_module(f"{PACKAGE}.{page}" if page else PACKAGE)


class Entry:
    """One object: its spellings, shortest first, and the page that it stands on."""

    def __init__(self, value):
        self.value, self.spellings, self.page = value, [], ""

    @property
    def name(self):
        """The shortest spelling."""
        return self.spellings[0]


@cache
def entries():
    """Every public object but modules, by each of its spellings without the package's name."""
    found, by_spelling = {}, {}
    for page in (*PAGES, *SAME_PAGE):
        module = module_of(page)
        for name in exported(module):
            value = getattr(module, name)
            if inspect.ismodule(value):
                continue
            entry = found.setdefault(id(value), Entry(value))
            entry.spellings.append(spelling := f"{page}.{name}".lstrip("."))
            entry.page = SAME_PAGE.get(page, page)
            by_spelling[spelling] = entry
    for entry in found.values():
        entry.spellings.sort(key=lambda x: (x.count("."), getattr(entry.value, "__name__", x) != x.split(".")[-1], x))
    return by_spelling


@cache
def defined(kind):
    """The public methods and properties of a class, each with its docstring; also those of private bases."""
    public = {e.value for e in entries().values() if inspect.isclass(e.value)} - {kind}
    bases = [b for b in kind.__mro__ if b.__module__.startswith(PACKAGE) and b not in public]
    found = {}
    for base in bases:
        slots = getattr(base, "__slots__", ())
        for name, x in vars(base).items():
            value = x.__func__ if isinstance(x, (staticmethod, classmethod)) else x
            of_slot = inspect.ismemberdescriptor(value) and isinstance(slots, dict) and slots[name]
            kinds = (FunctionType, property, cached_property)
            if name[0] != "_" and (of_slot or isinstance(value, kinds)):
                found.setdefault(name, (value, inspect.cleandoc(slots[name]) if of_slot else document(value)))
    return found


def members(kind):
    """Those with a docstring: a method that overrides another may leave it to that."""
    return {name: (value, text) for name, (value, text) in defined(kind).items() if text}


def document(value):
    """The docstring of a value, cleaned; that of its class is not its own."""
    text = getattr(value, "__doc__", None)
    return inspect.cleandoc(text) if isinstance(text, str) and text != type(value).__doc__ else ""


def is_public(text):
    """The full name of what `text` means, if that is public: `mg.cos`, `nn.Linear`, `Tensor.backward`; else None."""
    name = re.sub(r"\(.*\)$", "", text).removeprefix("mg.").removeprefix("micrograd_np.")
    name = re.sub(r"^F\.", "functional.", name)
    if name in entries():
        return f"{PACKAGE}.{entries()[name].name}"
    if name and name in (*PAGES, *SAME_PAGE):
        return f"{PACKAGE}.{name}"
    owner, _, method = name.rpartition(".")
    entry = entries().get(owner)
    if entry is not None and inspect.isclass(entry.value) and method in members(entry.value):
        return f"{PACKAGE}.{entry.name}.{method}"
    return None


def signature(value):
    """The arguments of a function or class, without annotations."""
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return "(…)"
    parameters = []
    for p in found.parameters.values():
        if p.name == "self":
            continue
        default = p.default
        if default is not p.empty:
            text = getattr(default, "__name__", None) or repr(default)
            default = type("Default", (), {"__repr__": lambda _, text=text: "…" if "<" in text else text})()
        parameters.append(p.replace(annotation=p.empty, default=default))
    return str(found.replace(parameters=parameters, return_annotation=found.empty))
