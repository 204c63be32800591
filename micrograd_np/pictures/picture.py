"""`Picture`: a drawing that shows itself, in a notebook, in a window, or in a file."""

import logging
import sys
import tempfile
import webbrowser
from collections.abc import Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from micrograd_np.core.messages import count_of
from micrograd_np.core.terminal import shown

from .drawing import Drawing, digraph, words
from .headings import laid_out
from .page import fill
from .render import FORMATS, RenderError, target

log = logging.getLogger(__name__)


class Shown:
    """What is saved in the format that a suffix names, one of `formats`, and shows itself.

    `file` is the name that `show` saves it under.
    """

    file = "picture.html"
    formats: Sequence[str] = ()

    def save(self, path: str | Path) -> Path:
        """Write it in the format that the suffix names (svg, png, pdf, …) and return the path.

        ValueError for a suffix that names no format, FileNotFoundError where there is no such folder.
        """
        path, format = target(path, self.formats)
        path.write_bytes(self._bytes(format))
        return path

    def _bytes(self, format: str) -> bytes:
        raise NotImplementedError

    def show(self) -> None:
        """Show it as the output of the notebook's cell (Jupyter, marimo), elsewhere in the browser, from a new file."""
        marimo, ipython = sys.modules.get("marimo"), sys.modules.get("IPython")
        if marimo is not None and marimo.running_in_notebook():
            marimo.output.append(self)
        elif ipython is not None and hasattr(ipython.get_ipython(), "kernel"):
            ipython.display.display(self)
        else:
            path = self.save(Path(tempfile.mkdtemp(prefix="picture-")) / self.file)
            if path.suffix != ".gv":  # which no browser shows; a warning has said where it is, and why
                webbrowser.open(path.as_uri())


class Picture(Shown):
    """A drawn graph: shows itself in a notebook, and is written to a file by `save`.

    `drawing` holds the nodes, edges and clusters as plain data, `digraph` is the same as a `graphviz.Digraph`, and
    `source` as text in the DOT language.

    >>> import micrograd_np as mg
    >>> x = mg.Tensor([1.0], requires_grad=True, name="x")
    >>> picture = mg.draw(x * 2)
    >>> picture.source.startswith("digraph")
    True
    """

    formats = (*FORMATS, "gv", "dot", "html")

    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing

    @property
    def digraph(self) -> Any:
        """The picture as a new `graphviz.Digraph`, to be changed at will."""
        return digraph(self.drawing)

    @cached_property
    def source(self) -> str:
        """The picture in the DOT language."""
        return str(self.digraph.source)

    def describe(self) -> str:
        """The picture in words, one line a node: what it is, how it was made, and where, if that is known."""
        return shown("\n".join(words(self.drawing)))

    def save(self, path: str | Path) -> Path:
        """Write the picture in the format of the suffix and return the path written.

        svg, png, pdf and others are drawn by Graphviz, html is a page with the SVG in it, gv the source. Without
        Graphviz the source is written beside it as ``.gv``, and a logged warning says what to install.
        """
        try:
            return super().save(path)
        except RenderError as failure:
            written = super().save(Path(path).with_suffix(".gv"))
            log.warning("%s Wrote the source %s instead of %s.", failure, written, path)
            return written

    def _bytes(self, format: str) -> bytes:
        if format in {"gv", "dot"}:
            return self.source.encode()
        if format != "html":
            return laid_out(self.drawing, format)
        svg, words = laid_out(self.drawing).decode(), escape(self.describe())
        picture = svg[svg.index("<svg") :]
        points = float(picture.split('"', 2)[1].removesuffix("pt"))
        least = f"{0.9 * points:g}pt"  # with letters of 12 pixels
        return fill("picture", "A picture of a computation", least=least, picture=picture, words=words).encode()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            return {"image/svg+xml": laid_out(self.drawing).decode(), "text/plain": repr(self)}
        except Exception as failure:  # noqa: BLE001 - a notebook would show a traceback in place of the cell's result
            return {"text/plain": f"{failure}\nThe graph itself is in .source, and .save('graph.gv') writes it."}

    def __repr__(self) -> str:
        n, edges = len(self.drawing.every_node()), sum(edge.kind != "order" for edge in self.drawing.edges)
        note = f"; {self.drawing.note}" if self.drawing.note else ""
        return f"<Picture of {count_of(n, 'node')} and {count_of(edges, 'edge')}; .save('graph.svg') writes it{note}>"
