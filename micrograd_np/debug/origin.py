"""Where a tensor was made: the file and line outside this package, and the module whose call was running."""

import linecache
import sys
from pathlib import Path
from typing import Any, NamedTuple

from micrograd_np.core.vertex import Vertex

_package = str(Path(__file__).parent.parent) + "/"


class Origin(NamedTuple):
    """A place in the user's code."""

    file: str
    line: int
    function: str
    module: str | None = None
    """The module whose call was running, by its path from the outermost one."""

    def __str__(self) -> str:
        return f"{Path(self.file).name}:{self.line}"

    @property
    def source(self) -> str:
        """The line itself, stripped; empty if it cannot be read."""
        return linecache.getline(self.file, self.line).strip()


def here(module: str | None) -> Origin:
    """The innermost place on the stack that is not in this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_package):
        frame = frame.f_back
    return Origin(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name, module)


def origin_of(x: Vertex | Any) -> Origin | None:
    """Where `x` was made, if it was made inside ``mg.trace_origins()`` or a debugging context; otherwise None."""
    notes = getattr(x, "notes", None)
    return None if notes is None else notes.get("made")
