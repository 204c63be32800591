"""Plots by matplotlib, as objects that show themselves in any notebook: curves over epochs, and regions of a plane."""

import io
import logging
import math
import warnings
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .boundary import Boundary
from .picture import Shown
from .text import shortened

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#b8860b", "#7f3fbf", "#5b6875")
"""Told apart by people who see red and green alike (after Okabe and Ito, 2008)."""

_LINES = ("-", "--", "-.", ":")
_MARKERS = "os^DvPX*<>ph"
_NAME = 60  # letters
_SPREAD = 10  # largest over smallest value, from which on a logarithmic axis shows more
_METADATA: Mapping[str, Mapping[str, None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}

log = logging.getLogger(__name__)


class Plot(Shown):
    """A plot that shows itself in a notebook and is written to a file by `save`; `figure` is matplotlib's Figure.

    The same plot gives the same bytes.

    >>> import micrograd_np as mg
    >>> plot = mg.draw_boundary(lambda x: x[:, :1], ([[0.0, 1.0], [1.0, 0.0]], [0, 1]), resolution=5)
    >>> type(plot).__name__
    'Plot'
    """

    file = "plot.svg"

    def __init__(self, figure: Any, about: str) -> None:
        self.figure, self.about = figure, about
        self.formats = sorted(figure.canvas.get_supported_filetypes())

    def _bytes(self, format: str) -> bytes:
        from matplotlib import rc_context

        buffer = io.BytesIO()
        with rc_context({"svg.hashsalt": "micrograd_np"}), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")  # a name in a script that the font lacks
            self.figure.savefig(buffer, format=format, dpi=150, metadata=_METADATA.get(format))
        return buffer.getvalue()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle: dict[str, str] = {"text/plain": repr(self)}
        try:
            bundle |= {
                "image/svg+xml": self._bytes("svg").decode(),
                "image/png": b64encode(self._bytes("png")).decode(),
            }
        except Exception as error:  # noqa: BLE001 - a cell that shows a plot must not fail
            log.warning("The plot could not be drawn: %s", error)
        return bundle

    def __repr__(self) -> str:
        return f"<Plot of {self.about}; .save('plot.svg') writes it>"


def curves(panels: Sequence[tuple[str, Mapping[str, Sequence[float]]]], epochs: Sequence[int], about: str) -> Plot:
    """Curves over `epochs`: a panel for each label of a vertical axis, with its curves by name.

    An axis is logarithmic where all its values are positive and spread over a factor of 10 or more. ImportError if
    matplotlib is not installed.
    """
    figure = _figure(caller="plot", size=(7, 3 * max(len(panels), 1)))
    if not panels or not len(epochs):
        figure.text(0.5, 0.5, "no epochs yet", ha="center", va="center")
        return Plot(figure, about)
    from matplotlib import colormaps
    from matplotlib.ticker import MaxNLocator

    stack = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for axes, (label, lines) in zip(stack, panels, strict=True):
        few = len(lines) <= len(COLOURS)
        shades = COLOURS if few else colormaps["viridis"](np.linspace(0, 0.9, len(lines)))
        for i, values in enumerate(lines.values()):
            style = {"linestyle": _LINES[i % 4], "marker": "." if len(epochs) < 30 else None}
            axes.plot(epochs, np.asarray(values, float), color=shades[i], **style)
        finite = np.array([v for values in lines.values() for v in values if math.isfinite(v)])
        if not finite.size:
            axes.set_yticks([])
            axes.text(0.5, 0.5, "no value is a finite number", transform=axes.transAxes, ha="center", va="center")
        elif finite.min() > 0 and finite.max() >= _SPREAD * finite.min():
            axes.set_yscale("log")
        axes.set_ylabel(shortened(label, _NAME), parse_math=False)
        axes.grid(alpha=0.3)
        listed = range(len(lines)) if few else np.linspace(0, len(lines) - 1, 12).astype(int)
        _legend(axes, [axes.lines[i] for i in listed], [list(lines)[i] for i in listed])
    axes.set(xlabel="epoch", xlim=(epochs[0] - 0.5, epochs[-1] + 0.5))  # no tick where there is no epoch
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return Plot(figure, about)


def draw_boundary(model: Any, data: Any, *, resolution: int = 200, threshold: float | None = None) -> Plot:
    """What `model` says over the plane around `data`: regions by class, or for a continuous target the surface.

    `data` is a pair ``(x, y)``, a TensorDataset, or a DataLoader of one: inputs ``(n, 2)``, and labels or targets for
    each. A model with several outputs names the class of the largest. One with a single output and targets that take
    two values says the higher one above `threshold`: 0.5 after a sigmoid, otherwise 0, unless given. `resolution`
    counts the points along each side. The model is asked in evaluation mode, and left as it was.

    ValueError for inputs that are not ``(n, 2)``, or outputs that do not fit the targets. ImportError if matplotlib is
    not installed.

    >>> from micrograd_np import data, nn
    >>> plot = draw_boundary(nn.Linear(2, 2), data.moons(50))
    >>> plot
    <Plot of the regions of 2 classes; .save('plot.svg') writes it>
    """
    figure = _figure(caller="draw_boundary", size=(6, 5))
    boundary = Boundary(model, data, threshold, caller="draw_boundary")
    axes = figure.subplots()
    left, right, bottom, top = boundary.limits
    across, up = np.linspace(left, right, resolution), np.linspace(bottom, top, resolution)
    margins = boundary.margins(resolution)
    horizontal, vertical = boundary.points.T
    if boundary.classes is None:
        from matplotlib.ticker import MaxNLocator

        finite = np.concatenate([margins[np.isfinite(margins)], boundary.targets])
        levels = MaxNLocator(20).tick_values(finite.min(), finite.max())
        surface = axes.contourf(across, up, margins[0], levels, cmap="cividis", extend="both")
        figure.colorbar(surface, label="prediction, and inside the circles the target")
        axes.scatter(horizontal, vertical, 30, boundary.targets, cmap="cividis", norm=surface.norm, edgecolors="white")
        about = "the surface over two inputs"
    else:
        marks = []
        for i, margin in enumerate(np.ma.masked_invalid(margins)):
            chosen, color = boundary.targets == i, COLOURS[i % len(COLOURS)]
            if margin.max() > 0:
                axes.contourf(across, up, margin, [0, margin.max()], colors=color, alpha=0.25)
            if margin.min() < 0 < margin.max():
                axes.contour(across, up, margin, [0], colors="#333333", linewidths=1)
            look = {"marker": _MARKERS[i % len(_MARKERS)], "color": color, "edgecolors": "white", "linewidths": 0.6}
            marks.append(axes.scatter(horizontal[chosen], vertical[chosen], 34, zorder=3, **look))
        _legend(axes, marks, [f"class {name}" for name in boundary.classes])
        about = f"the regions of {len(boundary.classes)} classes"
    axes.set(xlabel="input 0", ylabel="input 1", xlim=(left, right), ylim=(bottom, top))
    return Plot(figure, about)


def _figure(caller: str, size: tuple[float, float]) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        message = f"{caller}: matplotlib, which draws this, is not installed; run `pip install matplotlib`."
        raise ImportError(message) from error
    return Figure(figsize=size, layout="constrained")


def _legend(axes: Any, handles: Sequence[Any], names: Sequence[str]) -> None:
    """A legend above the axes, where it hides nothing; names are text, whatever matplotlib makes of "_" and "$"."""
    names = [shortened(name, _NAME) for name in names]
    columns = min(len(names), 80 // (max(map(len, names)) + 8)) or 1
    look: Mapping[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": columns, "frameon": False}
    legend = axes.legend(handles, ["name"] * len(names), fontsize="small", **look)
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set(text=name, parse_math=False)
