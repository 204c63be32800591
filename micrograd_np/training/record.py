"""A record of training: weights and gradients by layer over the epochs, and the page that replays it."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.pictures.boundary import Boundary, arrays_of
from micrograd_np.pictures.escape import shortened
from micrograd_np.pictures.page import fill, numbers, write
from micrograd_np.pictures.plot import Plot, curves

from .history import History, numbers_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from micrograd_np.nn.module import Module

_SHARE = 0.02  # of the time of training that frames may take, and as much again pages: 4 %, and with the unforeseen 5 %
_FRAMES = 200  # a slider on a phone has no more positions; frames are thinned to between half of it and this
_ROWS = 1000  # points of a curve: more than a screen has columns
_CURVES, _LAYERS, _POINTS = 12, 60, 300  # the most that a page shows of each
_SIDE = 40  # points of the plane along each side
_WEIGHTS = 2000  # weights of a layer that its spread is read from
_LEVELS, _LETTER, _NAN = 40, ord("0"), ord(" ")  # class numbers, or heights, are letters from "0" on

log = logging.getLogger(__name__)


class Record:
    """What the layers of `model` did, epoch by epoch, and at `path` (.html) a page that replays it.

    `data` is a pair of inputs and targets, a TensorDataset or a loader of one; where there are two inputs, the page
    shows what the model says over their plane, read as `draw_boundary` does with this `threshold`. Gradients are those
    of the last batch of an epoch, as the optimiser used them.

    The page is written aside and renamed, so that it is whole at any time. Recording takes at most 5 % of the time of
    training: where epochs are too quick for that, the page is not written after each, and some are left out, evenly
    but for the first moments, as are those beyond 200. What every run has, the model before and after and a page of
    it, takes 4 to 10 ms, which is more than 5 % of a run that takes less than 0.1 to 0.2 s.

    >>> from micrograd_np import nn
    >>> record, history = Record(nn.Linear(2, 1)), History()
    >>> record.begin(history)
    >>> history.add({"loss": 1.0})
    >>> record.close(history)
    >>> record.epochs, list(record.weights)
    ([0, 1], ['Linear'])
    """

    def __init__(
        self, model: Module, path: str | Path | None = None, data: Any = None, threshold: float | None = None
    ) -> None:
        self.model, self.path = model, path
        modules = ((f"{name} {type(m).__name__}".lstrip(), m) for name, m in model.named_modules())
        self._layers = {name: own for name, m in modules if (own := list(m.parameters(recurse=False)))}
        self._boundary = self._plane(data, threshold)
        self._restart(0)

    def _plane(self, data: Any, threshold: float | None) -> Boundary | None:
        try:
            pair = arrays_of(data)
            if pair is None or pair[0].shape[1:] != (2,) or not len(pair[0]):
                return None
            x, y = pair
            chosen = _evenly(len(x), _POINTS)
            boundary = Boundary(self.model, (x[chosen], y[chosen]), threshold, caller="record")
        except Exception as error:  # noqa: BLE001 - what cannot be drawn can be trained all the same
            log.warning("The record has no picture of the plane: %s", error)
            return None
        return boundary if len(boundary.classes or ()) <= _LEVELS else None

    def _restart(self, epoch: int) -> None:
        self._frames: list[dict[str, Any]] = []
        self._first, self._stride = epoch, 1
        self._begun = time.perf_counter()
        self._kept = -1  # frames after the first, which is slow
        self._on_frames = self._on_pages = 0.0  # seconds
        self._frame = self._page = 0.0  # of them, on the first frame and on the last page

    @property
    def epochs(self) -> list[int]:
        """The epochs that are kept; 0 is before training."""
        return [frame["epoch"] for frame in self._frames]

    @property
    def gradients(self) -> dict[str, list[float]]:
        """For each layer the norms of its gradient in the epochs kept; nan where there was none."""
        return self._by_layer("gradient")

    @property
    def weights(self) -> dict[str, list[float]]:
        """For each layer the norms of its weights in the epochs kept."""
        return self._by_layer("weight")

    def _by_layer(self, what: str) -> dict[str, list[float]]:
        rows = [[float("nan") if x is None else float(x) for x in frame[what]] for frame in self._frames]
        return {name: [row[i] for row in rows] for i, name in enumerate(self._layers)}

    def begin(self, history: History) -> None:
        """Take down the model before the next epoch of `history`, and forget earlier training.

        ValueError if the name of the page does not end in .html, OSError if it cannot be written.
        """
        self._restart(len(history))
        self._keep(history)
        self._write(history)

    def add(self, history: History) -> None:
        """Take down the model after the last epoch of `history` and write the page, as far as there is time for it."""
        done = len(history) - self._first
        trained = time.perf_counter() - self._begun - self._on_frames - self._on_pages
        share = _SHARE * trained  # the last frame and page are to come, hence twice
        writes = self._on_pages + 2 * self._page <= share
        frame = (self._on_frames - self._frame) / self._kept if self._kept else self._frame
        affordable = self._on_frames + 2 * frame <= share
        if affordable and (writes or done % self._stride == 0):
            self._keep(history)
        dear = not affordable and self._kept > 2  # fewer say little of what one takes
        while len(self._frames) > _FRAMES or (dear and frame * done > share * self._stride):
            self._stride *= 2
            self._frames = [f for f in self._frames[:-1] if not self._off(f)] + self._frames[-1:]
        if writes:
            self._write_if_possible(history)

    def close(self, history: History) -> None:
        """Take down the model at the end of training, whatever is left out before, and write the page."""
        if self._frames[-1]["epoch"] != len(history):
            self._keep(history)
        self._write_if_possible(history)

    def plot(self) -> Plot:
        """Curves of the norms of gradients and weights of each layer over the epochs.

        ImportError if matplotlib is not installed.
        """
        panels = [("norm of gradient", self.gradients), ("norm of weights", self.weights)]
        return curves(panels, self.epochs, f"gradients and weights of {len(self._layers)} layers")

    def _off(self, frame: dict[str, Any]) -> bool:
        """Whether a frame stands in for the latest only, until the next one comes."""
        return (frame["epoch"] - self._first) % self._stride != 0

    def _keep(self, history: History) -> None:
        started = time.perf_counter()
        if self._frames and self._off(self._frames[-1]):
            self._frames.pop()
        layers = list(self._layers.values())
        gradients = [[p.grad.data for p in own if p.grad is not None] for own in layers]
        frame = {
            "epoch": len(history),
            "gradient": [_brief(_norm(arrays)) if arrays else None for arrays in gradients],
            "weight": [_brief(_norm(p.data for p in own)) for own in layers],
            "spread": [[_brief(x) for x in _spread([p.data for p in own])] for own in layers[:_LAYERS]],
        }
        if self._boundary is not None:
            plane, leads = self._boundary.leads(self.model, _SIDE)
            frame["plane"] = self._letters(plane)
            if self._boundary.classes is not None:
                frame["leads"] = _octaves(leads)
        self._frames.append(frame)
        self._kept += 1
        self._on_frames += time.perf_counter() - started
        self._frame = self._frame or self._on_frames

    def _letters(self, plane: np.ndarray[Any, Any]) -> str:
        """A letter for each point of the plane, from the bottom upwards; a space where the value is not a number."""
        assert self._boundary is not None
        if self._boundary.classes is None:
            low, high = self._range()
            with np.errstate(all="ignore"):
                plane = np.floor((plane - low) / (high - low) * _LEVELS).clip(0, _LEVELS - 1)
        return np.where(np.isnan(plane), _NAN, plane + _LETTER).astype(np.uint8).tobytes().decode("ascii")

    def _range(self) -> tuple[float, float]:
        """The least and the largest target, and something between them."""
        assert self._boundary is not None
        finite = self._boundary.targets[np.isfinite(self._boundary.targets)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        return low, high if high > low else low + 1

    def _write_if_possible(self, history: History) -> None:
        try:
            self._write(history)
        except OSError as error:  # a full disk ends no training
            log.warning("%s is not up to date: %s", self.path, error)

    def _write(self, history: History) -> None:
        if self.path is None:
            return
        started = time.perf_counter()
        chosen = _evenly(len(history), _ROWS)
        rows = [numbers_of(history.rows[i]) for i in chosen]
        names = list(dict.fromkeys(name for row in rows for name in row))[:_CURVES]
        data = {
            "rows": [i + 1 for i in chosen],
            "curves": [
                {"name": shortened(n, 60), "values": [_brief(r[n]) if n in r else None for r in rows]} for n in names
            ],
            "layers": [shortened(name, 60) for name in list(self._layers)[:_LAYERS]],
            "unshown": max(len(self._layers) - _LAYERS, 0),
            "frames": [
                f | {"gradient": f["gradient"][:_LAYERS], "weight": f["weight"][:_LAYERS]} for f in self._frames
            ],
            "plane": None if self._boundary is None else self._ground(self._boundary),
        }
        write(self.path, fill("replay", f"Training of {type(self.model).__name__}", data))
        self._page = time.perf_counter() - started
        self._on_pages += self._page

    def _ground(self, boundary: Boundary) -> dict[str, Any]:
        """What does not change in the picture of the plane."""
        low, high = self._range() if boundary.classes is None else (0, 1)
        points = zip(boundary.points.tolist(), boundary.targets.tolist(), strict=True)
        above = -np.inf if boundary.classes is None else -1  # labels below 0 are ignored ones
        return {
            "side": _SIDE,
            "levels": _LEVELS,
            "limits": [_brief(x) for x in boundary.limits],
            "points": [[_brief(a), _brief(b), _brief(t)] for (a, b), t in points if above < t < np.inf],
            "classes": boundary.classes,
            "range": [_brief(low), _brief(high)],
        }


def _octaves(leads: np.ndarray[Any, Any]) -> str:
    """A letter for each: six for each time that it doubles, up to the largest, which is 72."""
    with np.errstate(all="ignore"):
        levels = np.nan_to_num(72 + 6 * np.log2(leads / np.nanmax(leads)), nan=0.0, neginf=0.0)
    return (levels.clip(0, 72) + _LETTER + 0.5).astype(np.uint8).tobytes().decode("ascii")


def _evenly(count: int, most: int) -> list[int]:
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int)).tolist()


def _brief(x: Any) -> Any:
    """A number to four digits, which is what a page shows of it."""
    return numbers(float(f"{x:.4g}"))


def _norm(arrays: Iterable[np.ndarray[Any, Any]]) -> float:
    """The root of the sum of all squares; in float64, where the square of a vanishing gradient is not 0."""
    with np.errstate(all="ignore"):
        return float(np.sqrt(sum(np.square(a, dtype=np.float64).sum() for a in arrays)))


def _spread(arrays: list[np.ndarray[Any, Any]]) -> list[float]:
    """The least, the quartiles and the largest of (a sample of) the elements; nan where there are none."""
    step = max(sum(a.size for a in arrays) // _WEIGHTS, 1)
    sample = np.sort(np.concatenate([a.reshape(-1)[::step] for a in arrays]))
    last = len(sample) - 1
    return sample[[0, last // 4, last // 2, 3 * last // 4, last]].tolist() if last >= 0 else [float("nan")] * 5
