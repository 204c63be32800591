"""A record of training: weights and gradients by layer over the epochs, and the page that replays it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from micrograd_np.engine.tensor import Tensor
from micrograd_np.nn.module import Module
from micrograd_np.pictures.boundary import Boundary, arrays_of
from micrograd_np.pictures.page import fill, numbers, write
from micrograd_np.pictures.plot import Plot, curves
from micrograd_np.pictures.render import target
from micrograd_np.pictures.text import shortened

from .history import History, numbers_of

_SHARE, _STOPS = 0.0225, 0.005  # of the time of training: for all, and for stops; caches grown cold cost as much again
_GUESS = 0.005  # seconds that the first page may take, with two planes and a rename
_FEW, _MANY = 8, 200  # stops of the slider: up to so few are all kept; a phone has no more positions than so many
_ROWS = 1000  # points of a curve: more than a screen has columns
_CURVES, _LAYERS, _POINTS = 12, 60, 300  # the most that a page shows of each
_SIDE = 32  # points of the plane along each side
_COPIES = 2**25  # bytes of weights that wait for their picture of the plane
_WEIGHTS = 2000  # weights of a layer that its spread is read from
_LEVELS, _LETTER, _NAN = 40, ord("0"), ord(" ")  # class numbers, or heights, are letters from "0" on

log = logging.getLogger(__name__)


class Record:
    """What the layers of `model` did, epoch by epoch, and at `path` (.html) a page that replays it.

    `data` is a pair of inputs and targets, a TensorDataset or a loader of one; where there are two inputs, the page
    shows what the model says over their plane, read as `draw_boundary` does with this `threshold`. Gradients are those
    of the last batch of an epoch, as the optimiser used them.

    The epochs kept are the stops of the page's slider. Where there are more than 200, or epochs too quick to keep each
    of them, every second one is left out, as often as need be, so that the rest is even. A stop holds norms and a copy
    of the weights, of which pages draw the plane: at as many stops, evenly again, as there is time for.

    The page is written aside and renamed, so that it is whole at any time; the first one after about 0.2 s. Recording
    takes at most 5 % of the time of training, and at the least what one page at the end takes: 0.3 ms, or 1.3 ms with a
    first and a last plane, and the time of the file system for a rename, which may be 3 ms. A run of less than 0.1 s
    may pay more than 5 %.

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
        self._parameters = list(model.parameters())  # found once; a module may bind another buffer
        self._buffers = [(m, name) for m in model.modules() for name, _ in m.named_buffers(recurse=False)]
        modules = ((f"{name} {type(m).__name__}".lstrip(), m) for name, m in model.named_modules())
        self._layers = {name: own for name, m in modules if (own := list(m.parameters(recurse=False)))}
        self._boundary = self._plane_of(data, threshold)
        self._ground = _ground(self._boundary) if self._boundary is not None else {}
        self._restart(0)

    def _plane_of(self, data: Any, threshold: float | None) -> Boundary | None:
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
        self._stops: list[dict[str, Any]] = []
        self._copies: dict[int, list[np.ndarray[Any, Any]]] = {}  # of the weights, by epoch,
        self._planes: dict[int, dict[str, str]] = {}  # and what became of them
        self._first, self._stride, self._held = epoch, 1, 1
        self._begun, self._spent = time.perf_counter(), 0.0
        self._stop, self._plane, self._page = math.inf, math.inf, _GUESS  # seconds: the least one took; the latest page

    @property
    def epochs(self) -> list[int]:
        """The epochs that are kept; 0 is before training."""
        return [stop["epoch"] for stop in self._stops]

    @property
    def gradients(self) -> dict[str, list[float]]:
        """For each layer the norms of its gradient in the epochs kept; nan where there was none."""
        return self._by_layer("gradient")

    @property
    def weights(self) -> dict[str, list[float]]:
        """For each layer the norms of its weights in the epochs kept."""
        return self._by_layer("weight")

    def _by_layer(self, key: str) -> dict[str, list[float]]:
        norms = [[math.nan if x is None else float(x) for x in stop[key]] for stop in self._stops]
        return dict(zip(self._layers, map(list, zip(*norms, strict=True)), strict=True))

    def begin(self, history: History) -> None:
        """Take down the model before the next epoch of `history`, and forget earlier training.

        ValueError if the name of the page does not end in .html, FileNotFoundError if there is no such folder.
        """
        if self.path is not None:
            target(self.path, ("html", "htm"))
        self._restart(len(history))
        self._keep(history)

    def add(self, history: History) -> None:
        """Take down the model after the last epoch of `history` and write the page, as far as there is time for it."""
        done, trained = len(history) - self._first, self._trained()
        writes = self._spent + self._page <= _SHARE * trained
        if writes or not done % self._stride:
            self._keep(history)
        dear = self._stop > _STOPS * trained / done * self._stride
        if len(self._stops) > (_FEW if dear else _MANY):
            self._stride *= 2
            self._thin(len(history))
        if writes:
            self._write(history)

    def close(self, history: History) -> None:
        """Take down the model at the end of training, whatever is left out before, and write the page."""
        if self._stops[-1]["epoch"] != len(history):
            self._keep(history)
        self._write(history)

    def plot(self) -> Plot:
        """Curves of the norms of gradients and weights of each layer over the epochs.

        ImportError if matplotlib is not installed.
        """
        panels = [("norm of gradient", self.gradients), ("norm of weights", self.weights)]
        return curves(panels, self.epochs, f"gradients and weights of {len(self._layers)} layers")

    def _every(self, stride: int, epochs: Iterable[int], last: int) -> list[int]:
        """Those of the epochs that are on the stride, and the `last`, which stands in until the next one comes."""
        return [e for e in epochs if e == last or (e - self._first) % stride == 0]

    def _thin(self, last: int = -1) -> None:
        self._held = max(self._held, self._stride)
        kept = self._every(self._stride, self.epochs, last)
        self._stops = [stop for stop in self._stops if stop["epoch"] in kept]
        self._planes = {e: self._planes[e] for e in kept if e in self._planes}
        self._copies = {e: self._copies[e] for e in self._every(self._held, self._copies, last)}

    def _keep(self, history: History) -> None:
        started = time.perf_counter()
        if self._stops and (self._stops[-1]["epoch"] - self._first) % self._held:  # it stood in for this one
            self._thin()
        gradients = [[p.grad.data for p in own if p.grad is not None] for own in self._layers.values()]
        weights = [_flat([p.data for p in own]) for own in self._layers.values()]
        stop = {
            "epoch": len(history),
            "gradient": [_norm(_flat(arrays)) if arrays else None for arrays in gradients],
            "weight": [_norm(flat) for flat in weights],
            "spread": [_spread(flat) for flat in weights[:_LAYERS]],
        }
        self._stops.append(stop)
        if self._boundary is not None:
            self._copies[len(history)] = copy = [x.data.copy() for x in self._tensors()]
            while len(self._copies) > 2 and sum(x.nbytes for x in copy) * len(self._copies) > _COPIES:
                self._held *= 2
                self._thin(len(history))
        taken = time.perf_counter() - started
        self._stop = min(self._stop, taken)
        self._spent += taken

    def _tensors(self) -> list[Tensor]:
        return [*self._parameters, *(getattr(m, name) for m, name in self._buffers)]

    def _develop(self, boundary: Boundary, budget: float) -> dict[int, dict[str, str]]:
        """The planes of all stops, or of every second, fourth, …, for which `budget` seconds do; two at the least."""
        last, step = self._stops[-1]["epoch"], self._held
        while True:
            chosen = self._every(step, self.epochs, last)
            missing = [e for e in chosen if e not in self._planes]
            if len(chosen) <= 2 or len(missing) * self._plane <= budget:
                break
            step *= 2
        tensors = self._tensors()
        now = [x.data for x in tensors]
        try:
            for epoch in missing:
                started = time.perf_counter()
                for x, array in zip(tensors, self._copies.pop(epoch), strict=True):
                    x.data = array
                self._planes[epoch] = _plane(boundary, *self._ground["range"])
                self._plane = min(self._plane, time.perf_counter() - started)
        finally:
            for x, array in zip(tensors, now, strict=True):
                x.data = array
        return {epoch: self._planes[epoch] for epoch in chosen}

    def _write(self, history: History) -> None:
        if self.path is None:
            return
        trained, started = self._trained(), time.perf_counter()
        budget = _SHARE * trained - self._spent - self._page
        planes = self._develop(self._boundary, budget) if self._boundary is not None else {}
        developed = time.perf_counter()
        chosen = _evenly(len(history), _ROWS)
        rows = [{name: _brief(x) for name, x in numbers_of(history.rows[i]).items()} for i in chosen]
        names = [*dict.fromkeys(name for row in rows for name in row)][:_CURVES]
        norms = ("gradient", "weight")
        data = {
            "rows": [i + 1 for i in chosen],
            "curves": [{"name": shortened(name, 60), "values": [row.get(name) for row in rows]} for name in names],
            "layers": [shortened(name, 60) for name in [*self._layers][:_LAYERS]],
            "unshown": max(len(self._layers) - _LAYERS, 0),
            "frames": [s | {k: s[k][:_LAYERS] for k in norms} | planes.get(s["epoch"], {}) for s in self._stops],
            "plane": self._ground or None,
        }
        try:
            write(self.path, fill("replay", f"Training of {type(self.model).__name__}", data))
        except OSError as error:  # a full disk ends no training
            log.warning("%s is not up to date: %s", self.path, error)
        now = time.perf_counter()
        self._page = now - developed
        self._spent += now - started

    def _trained(self) -> float:
        """Seconds of training so far, without those that the record takes."""
        return time.perf_counter() - self._begun - self._spent


def _ground(boundary: Boundary) -> dict[str, Any]:
    """What does not change in the picture of the plane."""
    points, targets = boundary.points.astype(float), boundary.targets
    finite = targets[np.isfinite(targets)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    high = high if high > low else low + 1
    shown = (targets > (-np.inf if boundary.classes is None else -1)) & (targets < np.inf)  # labels below 0 are ignored
    left, right, bottom, top = boundary.limits
    parts = [(points[:, 0], right - left), (points[:, 1], top - bottom), (targets, high - low)]
    columns = [np.round(x[shown], min(3 - math.floor(math.log10(min(span, 1e300))), 300)).tolist() for x, span in parts]
    return {
        "side": _SIDE,
        "levels": _LEVELS,
        "limits": [_brief(x) for x in boundary.limits],
        "points": [list(point) for point in zip(*columns, strict=True)],
        "classes": boundary.classes,
        "range": [_brief(low), _brief(high)],
    }


def _plane(boundary: Boundary, low: float, high: float) -> dict[str, str]:
    """A letter for each point: for its class, or for a value between `low` and `high`; a space for nan.

    With classes also one for the lead: six letters for each time that it doubles, up to the largest, which is 72.
    """
    leads = boundary.margins(_SIDE)
    best = leads.max(axis=0)
    with np.errstate(all="ignore"):
        if boundary.classes is None:
            kinds = np.floor((best - low) / (high - low) * _LEVELS).clip(0, _LEVELS - 1)
        else:
            kinds = leads.argmax(axis=0)
        octaves = 72.5 + 6 * np.log2(best / np.fmax.reduce(best, axis=None))
        octaves = np.nan_to_num(octaves, nan=0.0, neginf=0.0).clip(0, 72)
    letters = {"plane": np.where(np.isnan(best), _NAN, kinds + _LETTER)}
    letters |= {} if boundary.classes is None else {"leads": octaves + _LETTER}
    return {name: codes.astype(np.uint8).tobytes().decode("ascii") for name, codes in letters.items()}


def _evenly(count: int, most: int) -> list[int]:
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int)).tolist()


def _brief(x: Any) -> Any:
    """A number to four digits, which is what a page shows of it."""
    return numbers(float(f"{x:.4g}"))


def _flat(arrays: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """All elements in a row; in float64, where the square of a vanishing gradient is not 0."""
    return np.concatenate([a.reshape(-1) for a in arrays]).astype(float, copy=False)


def _norm(flat: np.ndarray[Any, Any]) -> Any:
    return _brief(np.linalg.norm(flat))


def _spread(flat: np.ndarray[Any, Any]) -> list[Any]:
    """The least, the quartiles and the largest of (a sample of) the elements; nan where there are none."""
    sample = np.sort(flat[:: max(len(flat) // _WEIGHTS, 1)])
    last = len(sample) - 1
    chosen = sample[[0, last // 4, last // 2, 3 * last // 4, last]] if last >= 0 else [math.nan] * 5
    return [_brief(x) for x in chosen]
