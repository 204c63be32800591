"""The frames of the user's functions under a trace: where a line was asked for, and what values are called there."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterable
from itertools import takewhile
from pathlib import Path
from traceback import walk_stack, walk_tb
from types import CodeType, FrameType
from typing import Any

from micrograd_np.core.vertex import Vertex

_PACKAGE = str(Path(__file__).parents[2])


class Frames:
    """The frames of the user's functions: while one runs, where its lines are; when it is left, what it called things.

    A frame that is kept keeps its local variables as they were when its function returned, so that nothing need watch
    functions return (a profiler's hook made traces three to five times as slow).
    """

    def __init__(self, until: CodeType, value_of: Callable[[Vertex], Any]) -> None:
        self.until = until  # whose frame lies under all of the user's
        self.value_of = value_of
        self.running: list[FrameType] = []
        self.heard: list[tuple[int, bool, str, Any]] = []  # how deep, whether a parameter, name, value
        self.places: dict[tuple[str, int], str] = {}

    def place(self) -> str:
        """File, line and text of the user's code that is being run."""
        running: list[FrameType] = []
        frame: FrameType | None = sys._getframe(3)  # above the tracer's own
        while frame is not None and frame.f_code is not self.until:
            if not frame.f_code.co_filename.startswith(_PACKAGE):
                running.append(frame)
            frame = frame.f_back
        running.reverse()
        if running != self.running:
            pairs = zip(self.running, running, strict=False)
            self._hear(len([*takewhile(lambda pair: pair[0] is pair[1], pairs)]))
            self.running = running
        if not running:
            return place()  # the step is one of the package's own
        key = running[-1].f_code.co_filename, running[-1].f_lineno
        if key not in self.places:
            self.places[key] = place()
        return self.places[key]

    def _hear(self, depth: int) -> None:
        """Note what the functions from `depth` on, which have returned, called the values that are still known."""
        while len(self.running) > depth:
            frame = self.running.pop()
            code = frame.f_code
            if code.co_name.startswith("<"):
                continue
            own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            for name, x in frame.f_locals.items():
                if isinstance(x, Vertex) and not name.startswith("_"):
                    value = self.value_of(x)
                    if value is not None:
                        self.heard.append((len(self.running), name in own, name, value))

    def names(self) -> list[tuple[str, Any]]:
        """What values are called: by inner functions first, as parameters after all others."""
        self._hear(0)
        return [(name, value) for _, _, name, value in sorted(self.heard, key=lambda x: (x[1], -x[0]))]


def place(frames: Iterable[tuple[FrameType, int]] | None = None) -> str:
    """File, line and text of the user's code that is being run: the first of `frames` outside this package."""
    for frame, number in walk_stack(sys._getframe(1)) if frames is None else frames:
        file = frame.f_code.co_filename
        if not file.startswith(_PACKAGE) and "importlib" not in file:
            return f"{Path(file).name}:{number}  {linecache.getline(file, number).strip()}".rstrip()
    return ""


def place_of(error: BaseException) -> str:
    """File, line and text of the user's code that raised."""
    return place(reversed([*walk_tb(error.__traceback__)]))
