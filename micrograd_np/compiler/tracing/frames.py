"""The frames of the user's functions under a trace: where a line was asked for, and what values are called there."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from micrograd_np.primitive import Vertex

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

_PACKAGE = str(Path(__file__).parents[2])


class Frames:
    """The frames of the user's functions under a trace: where a line of the program was asked for, and local names.

    They are kept until the trace ends. A frame that is kept keeps its local variables as they were when its function
    returned, so that nothing need watch the functions return (a profiler's hook made traces three to five times as
    slow).
    """

    def __init__(self, until: CodeType) -> None:
        self.until = until  # whose frame lies under all of the user's
        self.found: dict[FrameType, int] = {}  # with how deep they lay in the stack
        self.places: dict[tuple[CodeType, int], str] = {}

    def place(self) -> str:
        """File, line and text of the user's code that is being run; its frames, down to the trace, are noted."""
        outside = []
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code is not self.until:
            if not frame.f_code.co_filename.startswith(_PACKAGE):
                outside.append(frame)
            frame = frame.f_back
        for depth, frame in enumerate(reversed(outside)):
            self.found.setdefault(frame, depth)
        if not outside:
            return place()  # the step is one of the package's own
        key = outside[0].f_code, outside[0].f_lineno
        if key not in self.places:
            self.places[key] = place()
        return self.places[key]

    def names(self) -> Iterator[tuple[str, Any]]:
        """The user's local variables that are tensors, those of inner functions first, parameters after all others."""
        inner_first = sorted(self.found, key=lambda frame: -self.found[frame])
        parameters = []
        for frame in inner_first:
            code = frame.f_code
            if code.co_name.startswith("<"):
                continue
            own = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
            for name, x in frame.f_locals.items():
                if isinstance(x, Vertex) and not name.startswith("_"):
                    if name in own:
                        parameters.append((name, x))
                    else:
                        yield name, x
        yield from parameters


def place() -> str:
    """File, line and text of the user's code that is being run: the first frame outside this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file, number = frame.f_code.co_filename, frame.f_lineno
        if not file.startswith(_PACKAGE) and "importlib" not in file:
            return f"{Path(file).name}:{number}  {linecache.getline(file, number).strip()}".rstrip()
        frame = frame.f_back
    return ""
