"""`Picture`: a drawing that shows itself, in a notebook, in a window, or in a file."""

from __future__ import annotations

import html
import tempfile
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .drawing import Drawing, digraph
from .render import RenderError, render, save

if TYPE_CHECKING:
    import graphviz

__all__ = ["Picture"]


class Picture:
    """A drawn graph: shows itself in a notebook, and is written to a file by `save`.

    `drawing` holds the nodes, edges and clusters as plain data, `digraph` is the same as a `graphviz.Digraph`, and
    `source` as text in the DOT language.
    """

    def __init__(self, drawing: Drawing, lines: list[str] | None = None) -> None:
        self.drawing = drawing
        self._lines = lines or []
        self._source: str | None = None

    @property
    def digraph(self) -> graphviz.Digraph:
        """The picture as a new `graphviz.Digraph`, to be changed at will."""
        return digraph(self.drawing)

    @property
    def source(self) -> str:
        """The picture in the DOT language."""
        if self._source is None:
            self._source = str(self.digraph.source)
        return self._source

    def describe(self) -> str:
        """The picture in words, one line a node: what it is, how it was made, and where, if that is known."""
        return "\n".join(self._lines or [node.text.replace("\n", "  ") for node in self.drawing.every_node()])

    def save(self, path: str | Path) -> Path:
        """Write the picture in the format of the suffix and return the path written.

        svg, png, pdf and others are drawn by Graphviz, html is a page with the SVG in it, gv the source. Without
        Graphviz the source is written beside it as ``.gv``, and a logged warning says what to install.
        """
        path = Path(path)
        if path.suffix.lower() != ".html":
            return save(self.source, path)
        try:
            return self._page(path)
        except RenderError:
            return save(self.source, path.with_suffix(".svg"))  # which says why, and writes the source

    def _page(self, path: Path) -> Path:
        page = Path(__file__).with_name("picture.html").read_text(encoding="utf-8")
        svg = render(self.source, "svg").decode()
        path.parent.mkdir(parents=True, exist_ok=True)
        text = html.escape(self.describe())
        page = page.replace("{{ picture }}", svg[svg.index("<svg") :]).replace("{{ words }}", text)
        path.write_text(page, encoding="utf-8")
        return path

    def show(self) -> None:
        """Open the picture: in a notebook as its output, elsewhere in the browser."""
        try:
            from IPython import get_ipython
            from IPython.display import display
        except ImportError:
            pass
        else:
            if get_ipython() is not None:
                display(self)
                return
        path = self.save(Path(tempfile.mkdtemp(prefix="picture-")) / "picture.html")
        webbrowser.open(path.as_uri())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            return {"image/svg+xml": render(self.source, "svg").decode(), "text/plain": repr(self)}
        except Exception as failure:  # noqa: BLE001 - a notebook would show a traceback in place of the cell's result
            return {"text/plain": f"{failure}\nThe graph itself is in .source, and .save('graph.gv') writes it."}

    def __repr__(self) -> str:
        n, edges = len(self.drawing.every_node()), sum(edge.kind != "order" for edge in self.drawing.edges)
        return f"<Picture of {n} nodes and {edges} edges; .save('graph.svg') writes it>"
