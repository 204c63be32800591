"""What a model of two inputs says at each point of the plane around its data."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from micrograd_np import random
from micrograd_np.core.messages import with_article
from micrograd_np.engine.backward import topological
from micrograd_np.engine.grad_mode import enable_grad, no_grad
from micrograd_np.engine.module_modes import modes_kept
from micrograd_np.engine.tensor import Tensor, get_default_dtype

_MARGIN = 0.12  # of the range of the data, on each side
_AT_ONCE = 4096  # points: what a wide layer keeps of them fits into memory
_SAME_VALUES = {"reshape", "transpose", "squeeze", "view", "copy", "astype", "take", "ravel"}


class Boundary:
    """The data of a picture of the plane, and how a model's outputs are read there.

    `points` are ``(n, 2)``; `limits` are left, right, bottom and top. `classes` are the labels by number, and `targets`
    ``(n,)`` the number of each point's class; for a continuous target `classes` is None and `targets` are its values.
    Points with a coordinate that is not finite are left out. ValueError where model and data do not fit.
    """

    def __init__(self, model: Any, data: Any, threshold: float | None = None, caller: str = "Boundary") -> None:
        pair = arrays_of(data)
        if pair is None:
            raise ValueError(
                f"{caller}: data is {with_article(type(data).__name__)}; pass a pair (x, y), a TensorDataset or "
                f"a DataLoader of one."
            )
        x, y = pair
        if x.ndim != 2 or x.shape[1] != 2 or len(x) != len(y):
            raise ValueError(
                f"{caller}: the inputs are {x.shape} and the targets {y.shape}; a plane has two inputs, (n, 2), and a "
                "target for each point. For other inputs, fit(..., record='run.html') shows the weights."
            )
        kept = np.isfinite(x).all(axis=1)
        if not kept.any():
            raise ValueError(f"{caller}: there is no point with finite inputs among the {len(x)}; pass some.")
        x, y = x[kept], y[kept]
        self.model, self.threshold = model, threshold
        self.classes: list[Any] | None
        self.points = x if x.dtype.kind == "f" else x.astype(get_default_dtype())
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        margin = np.where(high > low, _MARGIN * (high - low), 1.0)
        (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
        self.limits = (left, right, bottom, top)
        with _at_rest(model), enable_grad():
            output = model(Tensor(self.points[:1], requires_grad=True))
        outputs = output.size
        labels = y.argmax(axis=1) if outputs > 1 and y.shape == (len(y), outputs) else y  # one-hot
        fits = y.size == len(y) if outputs == 1 else labels.ndim == 1 and labels.dtype.kind in "iub"
        if not (fits and outputs and output.ndim <= 2 and output.shape[:1] == (1,)):
            raise ValueError(
                f"{caller}: for one point the output is {output.shape}, and the targets are {y.shape} {y.dtype}; "
                "pass labels (n,) for outputs (n, classes), or targets (n,) for one output."
            )
        if outputs > 1:
            if labels.max() >= outputs:
                raise ValueError(f"{caller}: labels are up to {labels.max()}, and the model has {outputs} outputs.")
            self.classes, self.targets = list(range(outputs)), labels.astype(int)
        else:
            values = labels.ravel()
            self.classes = next((pair for pair in ([0, 1], [-1, 1]) if np.isin(values, pair).all()), None)
            self.targets = values.astype(float) if self.classes is None else (values > 0).astype(int)
        if threshold is None:
            ops = [z.op.name for z in topological(output) if z.op] if isinstance(output, Tensor) else []
            last = next((name for name in reversed(ops) if name not in _SAME_VALUES), "")
            self.threshold = 0.5 if last == "sigmoid" else 0.0

    def margins(self, resolution: int) -> np.ndarray[Any, Any]:
        """How far each class leads the best of the others, ``(classes, resolution, resolution)``; rows go upwards.

        A class is predicted where its lead is positive, and the border runs where leads are 0. For a continuous target
        it is the prediction, ``(1, resolution, resolution)``.
        """
        left, right, bottom, top = self.limits
        across, up = np.linspace(left, right, resolution), np.linspace(bottom, top, resolution)
        grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2).astype(self.points.dtype)
        parts = [Tensor(grid[i : i + _AT_ONCE]) for i in range(0, len(grid), _AT_ONCE)]
        with _at_rest(self.model), no_grad(), np.errstate(all="ignore"):
            outputs = np.concatenate([self.model(part).data for part in parts]).reshape(len(grid), -1).T
            if len(outputs) > 1:
                second, first = np.partition(outputs, -2, axis=0)[-2:]
                outputs = outputs - np.where(outputs == first, second, first)
            elif self.classes is not None:
                above = outputs - self.threshold
                outputs = np.concatenate([-above, above])
        return outputs.reshape(-1, resolution, resolution)


def arrays_of(data: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
    """Inputs and targets of a pair, of a set of two tensors, of its loader, or of a list of batches; None where they
    cannot be had without drawing, loading or changing samples.
    """
    if hasattr(data, "dataset"):  # a loader, or a part of a set
        changed = getattr(data, "transform", None) or getattr(data, "collate_fn", None)
        whole, chosen = None if changed else arrays_of(data.dataset), getattr(data, "indices", ...)
        return whole and (whole[0][chosen], whole[1][chosen])
    parts = getattr(data, "arrays", data)
    if isinstance(parts, list) and parts and all(_is_batch(part) for part in parts):
        inputs, targets = zip(*(arrays_of(tuple(batch)) or () for batch in parts), strict=True)
        return np.concatenate(inputs), np.concatenate(targets)
    if not isinstance(parts, (tuple, list)) or len(parts) != 2:
        return None
    x, y = (part.detach().data if isinstance(part, Tensor) else np.asarray(part) for part in parts)
    return (x, y) if x.ndim and y.ndim else None


def _is_batch(x: Any) -> bool:
    return isinstance(x, (tuple, list)) and len(x) == 2 and all(getattr(part, "ndim", 0) for part in x)


@contextmanager
def _at_rest(model: Any) -> Iterator[None]:
    """Inside, the modules are in evaluation mode; afterwards modes and random numbers are what they would have been."""
    state = random.get_state()
    with modes_kept(model) as modules:
        for module in modules:
            module.training = False
        try:
            yield
        finally:
            random.set_state(state)
