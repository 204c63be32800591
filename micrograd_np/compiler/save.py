"""A compiled program as a file of its own: it needs NumPy and nothing else, and goes on with the same bits."""

from __future__ import annotations

import ast
import inspect
import json
import math
import pprint
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from micrograd_np.core.messages import with_article
from micrograd_np.core.writes import owner_of

from .error import CompileError
from .ir import Value
from .running.program import CompiledProgram
from .writing.plain import plain
from .writing.write import Literals

_HEAD = '''"""{title}, written by micrograd_np. It needs NumPy alone.

    from {module} import step, state, save_state

`step({arguments})` makes one call, on arrays of the shapes and dtypes in `inputs`, and returns what the
compiled function returned, as arrays. `state` holds the arrays that outlive a call, by name; `save_state()`
writes them, with everything else that a next session needs, into the file beside this one, from which they were read.
"""

from __future__ import annotations

{imports}
import numpy as np

'''

_RUN = '''
_file = Path(__file__).with_suffix(".npz")
with np.load(_file) as _saved:
    _memory = {name.removeprefix("memory "): _saved[name] for name in _saved.files if name.startswith("memory ")}
    _constants = {name.removeprefix("constant "): _saved[name] for name in _saved.files if name.startswith("constant ")}
    gradients = {name.removeprefix("gradient "): _saved[name] for name in _saved.files if name.startswith("gradient ")}
    _rest = json.loads(str(_saved["rest"]))

# parts of the memory, by name: which array, where in it, shape, strides, dtype
_places = {places}
state = {
    name: np.ndarray(shape, dtype, _memory[of], offset, strides)
    for name, (of, offset, shape, strides, dtype) in _places.items()
}
inputs = {inputs}
_numbers = {name: np.zeros((), dtype) for name, dtype in {numbers}.items()}
_objects = {}
for _name, _kind in {generators}.items():
    _objects[_name] = np.random.Generator(getattr(np.random, _kind)())
    _objects[_name].bit_generator.state = _rest["generators"][_name]


class _Clock:
    """The settings of some parameters of an optimiser, their number of steps, and the numbers the next step needs."""

    def __init__(self, scalars, settings, steps, numbers, fixed, truths, every=1):
        self.scalars, self.settings, self.steps, self.every = scalars, settings, steps, every
        self.numbers, self.fixed, self.truths = numbers, fixed, truths

    def advance(self):
        found = {**self.settings, **self.scalars(self.settings, self.steps + 1)}
        changed = [n for n, x in self.fixed.items() if found[n] != x]
        changed += [n for n, x in self.truths.items() if bool(found[n]) != x]
        if changed:
            names = ", ".join(changed)
            raise ValueError(f"this program was made for another value of {names}; compile and save it again.")
        for number, key in self.numbers:
            _numbers[number].fill(found[key])


{clocks}
settings = [clock.settings for clock in _clocks]  # such as settings[0]["lr"], which may change from call to call
_program, _outputs = build(state, _numbers, _constants, _objects)
_incoming = {incoming}
_outgoing = {outgoing}
_lock = Lock()


def step({arguments}):
    """One call of the program."""
    return _step([{arguments}])


def _step(arrays):
    for i, (name, (shape, dtype)) in enumerate(inputs.items()):
        arrays[i] = given = np.asarray(arrays[i])
        if given.shape != tuple(shape) or given.dtype != dtype:
            raise ValueError(f"{name} is {given.shape} {given.dtype}; this program is for {tuple(shape)} {dtype}.")
    for name, shape in _incoming.items():
        if name not in gradients:
            raise ValueError(f"this program reads gradients[{name!r}]; set it, to zeros if there is none: {shape}.")
    with _lock:  # there is one set of buffers, so threads take turns
        for clock in _clocks:
            clock.advance()
        results = _program(*arrays, *(gradients[name].copy() for name in _incoming))
        for clock in _clocks:
            clock.steps += clock.every
        for name, i in _outgoing.items():
            if i is None:
                gradients.pop(name, None)
            else:
                gradients[name] = _outputs[i]
    return {returned}


def save_state(file=_file):
    """Write what a next session needs: arrays, gradients, counters, settings and the state of the generators."""
    rest = {
        "generators": {name: x.bit_generator.state for name, x in _objects.items()},
        "clocks": [[clock.settings, clock.steps] for clock in _clocks],
    }
    arrays = {f"memory {name}": x for name, x in _memory.items()}
    arrays |= {f"constant {name}": x for name, x in _constants.items()}
    arrays |= {f"gradient {name}": x for name, x in gradients.items()}
    np.savez(file, rest=json.dumps(rest), **arrays)
'''


_PLAIN = '''
def build(state, numbers, constants, objects):
    """The program bound to its memory, and the list in which its gradients will be."""
    outputs = []

    def bound(*arrays):
        results, found = program(*arrays, state, numbers, constants, objects)
        outputs[:] = [np.asarray(g) for g in found if g is not None]
        return tuple([np.array(x) for x in results])

    return bound, outputs
'''


def save(entry: CompiledProgram, path: str | Path, style: str = "exact") -> Path:
    """Write `entry` to `path` (``….py``), which is returned, and its state beside it (``….npz``)."""
    if style not in ("exact", "plain", "c"):
        message = f"compile: the style of save must be 'exact', 'plain' or 'c', found {style!r}."
        raise ValueError(message)
    if style == "c":
        from .c.file import reserved, write_file  # with all that writes C
    path = Path(path)
    suffix, what = (".c", "C file that is no word of C's own") if style == "c" else (".py", "module")
    if path.suffix != suffix or not path.stem.isidentifier() or (style == "c" and reserved(path.stem)):
        message = f"compile: save needs the name of a {what}, such as 'train_step{suffix}'; found {str(path)!r}."
        raise ValueError(message)
    _refuse(entry)
    if style == "c":
        write_file(entry.raw, path, entry.numbers, whole=entry.reverse is None)
        return path
    shown = plain(entry.raw) if style == "plain" else None
    writer: Literals = entry.writer if shown is None else shown
    program, source = (entry.program, entry.source) if shown is None else (shown.program, shown.source)
    arguments = [writer.name(v) for v in program.inputs]
    memory, places = _memory(entry, writer)
    generators = {name: type(x.bit_generator).__name__ for name, x in writer.objects.items()}
    owners = _owners(entry)
    outputs = [v for _, v in program.gradients_out if v is not None]
    clocks, functions, imports = _clocks(entry, writer)
    values: dict[str, Any] = {
        "places": pprint.pformat(places, width=116, compact=True),
        "inputs": repr({n: (v.shape, v.dtype.name) for n, v in zip(arguments, program.inputs, strict=True)}),
        "numbers": repr({n: v.dtype.name for n, v in writer.numbers.items()}),
        "generators": repr(generators),
        "clocks": clocks,
        "incoming": repr({owners[id(t)]: v.shape for t, v in program.gradients_in}),
        "outgoing": repr({owners[id(t)]: v and outputs.index(v) for t, v in program.gradients_out}),
        "arguments": ", ".join(arguments),
        "returned": _returned(entry),
    }
    tail = _RUN
    for name, text in values.items():
        tail = tail.replace(f"{{{name}}}", text)
    above, _, body = source.partition("import numpy as np\n")
    imports |= {row: f"{row}\n" for row in above.splitlines() if row.startswith("from ")}
    head = _HEAD.format(
        title=program.name,
        module=path.stem,
        arguments=", ".join(arguments),
        imports="".join(sorted(imports.values())),
    )
    if style == "plain":
        body = body.replace("\ndef step(", "\ndef program(", 1) + _PLAIN
    elif entry.reverse is not None:
        body = body.partition('\n"""')[0]
    path.write_text("\n".join((head, body.strip("\n"), *functions, tail)), encoding="utf-8")
    arrays = {f"memory {name}": x for name, x in memory.items()}
    arrays |= {f"constant {name}": x for name, x in writer.loaded().items()}
    leaves = [t for t, _ in (*program.gradients_out, *program.gradients_in) if t.grad is not None]
    arrays |= {f"gradient {owners[id(t)]}": t.grad.data for t in leaves}
    rest = {
        "generators": {name: x.bit_generator.state for name, x in writer.objects.items()},
        "clocks": [[_plain(c.group), c.states[0]["step"] + c.before] for c in program.groups],
    }
    np.savez(path.with_suffix(".npz"), rest=json.dumps(rest), **arrays)
    return path


def _refuse(entry: CompiledProgram) -> None:
    strange = [x for x in entry.writer.objects.values() if not isinstance(x, np.random.Generator)]
    if strange:
        kind = with_article(type(strange[0]).__name__)
        raise CompileError(f"compile: {entry.program.name} uses {kind}, which a file of its own cannot hold.")
    delivered = {id(t) for t, v in entry.program.gradients_out if v is not None}
    if any(id(t) in delivered for t in entry.absent):
        message = (
            f"compile: {entry.program.name} adds to gradients, and its last call found none to add to, so the program "
            f"of that call is not the one that goes on. Call it once more, then save."
        )
        raise CompileError(message)


def _memory(entry: CompiledProgram, writer: Literals) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays that own the state's memory, and where in them each named array lies."""
    memory: dict[str, Any] = {}
    roots: dict[int, str] = {}
    places: dict[str, Any] = {}
    named: dict[str, Any] = {name: x.current for name, x in writer.state.items()}
    for t, array, _ in entry.tensors:
        if t.name and t.name not in named:
            named[t.name] = array
    for name, array in named.items():
        root = owner_of(array)
        if id(root) not in roots:
            roots[id(root)] = name
            memory[name] = root if root.flags.forc else _spread(root)
        offset = array.__array_interface__["data"][0] - byte_bounds(root)[0]
        dtype = array.dtype.name if array.dtype.isnative else array.dtype.str
        places[name] = (roots[id(root)], offset, array.shape, array.strides, dtype)
    return memory, places


def _spread(root: Any) -> Any:
    """The bytes from the first of `root` to the last, with nothing where it leaves gaps."""
    low, high = byte_bounds(root)
    memory = np.zeros(high - low, np.uint8)
    same = np.ndarray(root.shape, root.dtype, memory, root.__array_interface__["data"][0] - low, root.strides)
    same[...] = root
    return memory


def _owners(entry: CompiledProgram) -> dict[int, str]:
    """Names for the tensors that have gradients."""
    names: dict[int, str] = {}
    for t in (*(t for t, _ in entry.program.gradients_out), *(t for t, _ in entry.program.gradients_in)):
        name = t.name or f"tensor {len(names)}"
        if id(t) not in names:
            names[id(t)] = name if name not in names.values() else f"{name} {len(names)}"
    return names


def _plain(group: Any) -> dict[str, Any]:
    """The settings of a group without its parameters."""
    return {
        k: x
        for k, x in group.items()
        if isinstance(x, (float, int, bool, str, tuple, list, type(None))) and k != "params"
    }


def _clocks(entry: CompiledProgram, writer: Literals) -> tuple[str, list[str], dict[str, str]]:
    """The optimisers' clocks as source, the functions they call, and what those import."""
    numbers = {id(v.memory.array): name for name, v in writer.numbers.items() if v.memory is not None}
    functions: dict[str, str] = {}
    imports = {"json": "import json\n", "Path": "from pathlib import Path\n", "Lock": "from threading import Lock\n"}
    rows = []
    for i, clock in enumerate(entry.program.groups):
        name = f"{type(clock.optimizer).__name__.lower()}_scalars"
        if name not in functions:
            functions[name] = _function(clock.optimizer.scalars, name, functions, imports)
        slots = [(numbers[id(a)], key) for c, s in entry.numbers if c is clock for a, key in s if id(a) in numbers]
        fixed = {k: x for k, x in clock.fixed.items() if not callable(x)}
        every = sum(any(s is clock.states[0] for s in c.states) for c in entry.program.groups)  # steps in each call
        last = f", {every}" if every > 1 else ""
        rows.append(f"    _Clock({name}, *_rest['clocks'][{i}], {slots!r}, {fixed!r}, {clock.truths!r}{last}),")
    text = "\n".join(["_clocks = [", *rows, "]"]) if rows else "_clocks = []"
    return text, [f"\n{source}" for source in functions.values()], imports


def _function(function: Callable[..., Any], name: str, functions: dict[str, str], imports: dict[str, str]) -> str:
    """The source of a function of plain Python under another name; what it uses goes into `functions` and `imports`."""
    source = _bare(textwrap.dedent(inspect.getsource(function)).removeprefix("@staticmethod\n"))
    source = source.replace(f"def {function.__name__}(", f"def {name}(", 1)
    for used in function.__code__.co_names:
        thing: Any = function.__globals__.get(used)
        if thing is None:
            continue
        if getattr(math, getattr(thing, "__name__", ""), None) is thing:
            name_there = str(getattr(thing, "__name__", used))
            imports[used] = f"from math import {name_there}{f' as {used}' if used != name_there else ''}\n"
        elif thing is math:
            imports[used] = "import math\n"
        elif inspect.isfunction(thing):
            functions.setdefault(used, "")
            functions[used] = functions[used] or _function(thing, used, functions, imports)
        elif isinstance(thing, (int, float, str, tuple)):
            functions[used] = f"{used} = {thing!r}\n"
        else:
            message = f"compile: {function.__qualname__} uses {used}, which cannot be written into a file of its own."
            raise CompileError(message)
    return source


def _bare(source: str) -> str:
    """The source of a function without annotations, whose names the file need not know."""
    text = source.encode()  # columns are counted in bytes
    starts = [0, *(i + 1 for i, byte in enumerate(text) if byte == ord("\n"))]
    spans: list[tuple[int, Any]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.arg) and node.annotation is not None:
            spans.append((starts[node.lineno - 1] + node.col_offset + len(node.arg.encode()), node.annotation))
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            name: Any = node.target
            spans.append((starts[name.end_lineno - 1] + name.end_col_offset, node.annotation))
        elif isinstance(node, ast.FunctionDef) and node.returns is not None:
            at = starts[node.returns.lineno - 1] + node.returns.col_offset
            spans.append((text.rindex(b"->", 0, at) - 1, node.returns))
    for start, annotation in sorted(spans, key=lambda span: -span[0]):
        text = text[:start] + text[starts[annotation.end_lineno - 1] + annotation.end_col_offset :]
    return text.decode()


def _returned(entry: CompiledProgram) -> str:
    """What the step returns, as an expression over the tuple `results`."""
    count = iter(range(10**9))

    def expression(tree: Any) -> str:
        if isinstance(tree, Value):
            return f"results[{next(count)}]"
        if isinstance(tree, dict):
            return "{" + ", ".join(f"{k!r}: {expression(x)}" for k, x in tree.items()) + "}"
        if isinstance(tree, list):
            return f"[{', '.join(map(expression, tree))}]"
        if isinstance(tree, tuple):
            return f"({''.join(f'{expression(x)}, ' for x in tree)})"
        if isinstance(tree, (int, float, str, bool, bytes, type(None))):
            return repr(tree)
        kind = with_article(type(tree).__name__)
        raise CompileError(f"compile: {entry.program.name} returns {kind}, which a file of its own cannot hold.")

    return expression(entry.reverse.tree if entry.reverse is not None else entry.program.results)
