"""What to say when an emitted program fails half way: which of the user's lines it was, what has already changed."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..program import Program
    from ..writing.write import Writer


class Emitted(Protocol):
    """What is asked of a compiled program."""

    program: Program
    writer: Writer
    filename: str
    source: str
    step: Callable[..., Any]


def explain(error: BaseException, entry: Emitted) -> None:
    """Let `error` say what eager says, and add which of the user's lines failed, and the state of the state."""
    number = _line_in(error, entry.filename)
    lines = entry.source.splitlines()
    if number is None or not 0 < number <= len(lines):
        return
    asked = entry.writer.asked.get(lines[number - 1].strip())
    if asked and isinstance(error, (IndexError, ValueError)):
        error.args = (asked.replace("\0", f"{str(error).rstrip('.')}."),)
    for row in reversed(lines[:number]):
        told = row.strip()
        if told.startswith("# ") and ".py:" in told:
            error.add_note(f"compile: {lines[number - 1].strip()!r} does what {told.removeprefix('# ')!r} asks for.")
            break
    writes = [n for n in state_writes(entry.source) if n <= number]
    if writes:
        error.add_note(
            f"compile: {entry.program.name} had begun to change parameters, buffers or the optimiser's memory "
            f"({lines[writes[0] - 1].strip()!r}); they may be half updated: load a checkpoint."
        )
    else:
        error.add_note(
            f"compile: {entry.program.name} had changed no parameter, buffer or optimiser yet; only gradients are lost."
        )


def _line_in(error: BaseException, filename: str) -> int | None:
    found = None
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == filename and "<" in code.co_qualname:  # the step itself, no routine that it calls
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def state_writes(source: str) -> list[int]:
    """The numbers of the lines of an emitted program's step that write into memory which outlives it."""
    build = _function("build", ast.parse(source).body)
    step = _function("step", build.body)
    ours = {"state"}
    for row in build.body:
        if isinstance(row, ast.Assign) and ours & set(_names(row.value)):
            ours.update(name for target in row.targets for name in _names(target))
    found = set()
    for part in ast.walk(step):
        if isinstance(part, ast.Assign) and ours & set(_names(part.value)) and not isinstance(part.value, ast.Call):
            ours.update(t.id for t in part.targets if isinstance(t, ast.Name))  # a view of it, or another name
        if isinstance(part, (ast.stmt, ast.expr)) and any(ours & set(_names(target)) for target in _written(part)):
            found.add(part.lineno)
    return sorted(found)


def _function(name: str, body: list[ast.stmt]) -> ast.FunctionDef:
    return next(row for row in body if isinstance(row, ast.FunctionDef) and row.name == name)


def _written(node: ast.AST) -> Iterator[ast.AST]:
    """What a statement or call may write into: last argument, `out`, the first of copyto and fill, assigned items."""
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else name
        yield from (k.value for k in node.keywords if k.arg == "out")
        if name in ("copyto", "put", "place", "put_along_axis", "clear") or name.endswith("_at"):
            yield node.args[0]
        elif name == "fill":
            yield node.func
        elif name == "dot" and len(node.args) == 2:  # x.dot(y, out)
            yield node.args[1]
        elif isinstance(node.func, ast.Name) and len(node.args) > 1 and not any(k.arg == "out" for k in node.keywords):
            yield node.args[-1]
    elif isinstance(node, ast.Assign):
        yield from (t for t in node.targets if isinstance(t, ast.Subscript))
    elif isinstance(node, ast.AugAssign):
        yield node.target


def _names(node: Any) -> Iterator[str]:
    return (n.id for n in ast.walk(node) if isinstance(n, ast.Name))
