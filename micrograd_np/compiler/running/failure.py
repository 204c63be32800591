"""What to say when an emitted program fails half way: which of the user's lines it was, what has already changed."""

from __future__ import annotations

from traceback import walk_tb
from typing import Any


def explain(error: BaseException, entry: Any, *, wrote: bool = False) -> None:
    """Let `error` say what eager says, and add which of the user's lines failed, and the state of the state.

    `wrote` says that the entry is the backward pass of one that has changed something.
    """
    number, rows = _line_in(error, entry.filename), entry.writer.rows
    if number is None or not rows or number < min(rows):
        if entry.policy is not None and entry.policy.state == "c" and entry.program.stores:
            error.add_note(
                f"compile: {entry.program.name} runs in C, and may have changed parameters, buffers or the optimiser's "
                f"memory, some or all: load a checkpoint."
            )
        return
    text = entry.source.splitlines()
    failed = rows[max(n for n in rows if n <= number)]
    if failed.refusal and isinstance(error, (IndexError, ValueError)):
        error.args = (failed.refusal.replace("\0", f"{str(error).rstrip('.')}."),)
    if failed.where:
        error.add_note(f"compile: {text[number - 1].strip()!r} does what {failed.where!r} asks for.")
    begin = min(number, text.index(next(row for row in text if row.startswith("    def step("))))
    writes = [n for n, op in rows.items() if begin <= n <= number and entry.writer.changes_state(op)]
    if wrote:
        error.add_note(
            f"compile: {entry.program.name} changes no parameter, buffer or optimiser, but what the forward pass had "
            f"written before it stays written."
        )
    elif writes:
        error.add_note(
            f"compile: {entry.program.name} had begun to change parameters, buffers or the optimiser's memory "
            f"({text[min(writes) - 1].strip()!r}); they may be half updated: load a checkpoint."
        )
    else:
        error.add_note(
            f"compile: {entry.program.name} had changed no parameter, buffer or optimiser yet; only gradients are lost."
        )


def _line_in(error: BaseException, filename: str) -> int | None:
    """The number of the line of the step that raised."""
    number = None
    for frame, line in walk_tb(error.__traceback__):
        if frame.f_code.co_filename == filename and "<" in frame.f_code.co_qualname:  # no routine that the step calls
            number = line
    return number
