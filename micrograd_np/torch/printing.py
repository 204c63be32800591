"""What a tensor looks like in print: PyTorch's rules for digits, widths, line breaks and what is left out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from micrograd_np.core.messages import require_value

_PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": np.inf, "edgeitems": 3, "linewidth": 80},
}
_options: Any = SimpleNamespace(**_PROFILES["default"], sci_mode=None)


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed.

    `precision` is the digits after the point, `threshold` the number of elements from which on only `edgeitems` at
    each end of an axis are shown, `linewidth` the characters of a line, `sci_mode` whether powers of ten are written
    (None: where the numbers need it); `profile` is "default", "short" or "full". ValueError for another profile.

    >>> import micrograd_np.torch as torch
    >>> torch.set_printoptions(precision=2)
    >>> torch.tensor([1.0, 2.345])
    tensor([1.00, 2.35])
    >>> torch.set_printoptions(profile="default")
    """
    if profile is not None:
        require_value("set_printoptions", "profile", profile, profile in _PROFILES, f"one of {', '.join(_PROFILES)}")
        vars(_options).update(_PROFILES[profile])
    numbers = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    vars(_options).update({name: x for name, x in numbers.items() if x is not None})
    _options.sci_mode = sci_mode


class _Numbers:
    """How the numbers of one array are written: all in one width, whole, with digits, or with powers of ten."""

    def __init__(self, numbers: np.ndarray[Any, Any]) -> None:
        self.floating, self.whole, self.scientific, self.width = numbers.dtype.kind == "f", True, False, 1
        if not self.floating:
            self.width = max(map(len, map(str, numbers.ravel().tolist())))
            return
        finite = numbers[np.isfinite(numbers) & (numbers != 0)].astype(np.float64)
        if not finite.size:
            return
        sizes = np.abs(finite)
        low, high = float(sizes.min()), float(sizes.max())
        self.whole = bool((finite == np.ceil(finite)).all())
        self.scientific = high / low > 1000 or high > 1e8 or (low < 1e-4 and not self.whole)
        if _options.sci_mode is not None:
            self.scientific = _options.sci_mode
        self.width = max(map(len, map(self._digits, finite.tolist())))

    def _digits(self, x: Any) -> str:
        if not self.floating:
            return str(x)
        if self.scientific:
            return f"{x:.{_options.precision}e}"
        if self.whole:
            return f"{x:.0f}" + "." * bool(np.isfinite(x))
        return f"{x:.{_options.precision}f}"

    def text(self, x: Any) -> str:
        """One number, in the width of all."""
        return self._digits(x).rjust(self.width)


def _ends(numbers: Any) -> Any:
    """What is shown of an array of which the middle is left out: the ends of each axis."""
    n = _options.edgeitems
    for axis, length in enumerate(numbers.shape):
        if length > 2 * n:
            numbers = np.take(numbers, [*range(n), *range(length - n, length)], axis=axis)
    return numbers


def _rows(numbers: Any, indent: int, shortened: bool, form: _Numbers) -> str:
    """The array in brackets; `indent` is the column where it begins."""
    if not numbers.ndim:
        return form.text(numbers.item())
    n, inside = _options.edgeitems, indent + 1
    cut = shortened and len(numbers) > 2 * n
    ends = [numbers[:n], numbers[len(numbers) - n :]] if cut else [numbers]
    if numbers.ndim == 1:
        ends = [[form.text(x) for x in end.tolist()] for end in ends]
        items = [*ends[0], *([" ...", *ends[1]] if cut else ())]
        count = max(1, (_options.linewidth - indent) // (form.width + 2))
        items = [", ".join(items[i : i + count]) for i in range(0, len(items), count)]
        return f"[{(',' + chr(10) + ' ' * inside).join(items)}]"
    ends = [[_rows(x, inside, shortened, form) for x in end] for end in ends]
    items = [*ends[0], *(["...", *ends[1]] if cut else ())]
    return f"[{(',' + chr(10) * (numbers.ndim - 1) + ' ' * inside).join(items)}]"


def text(numbers: Any, notes: list[str], prefix: str = "tensor(") -> str:
    """An array as PyTorch shows a tensor, `notes` such as "requires_grad=True" behind it.

    >>> print(text(np.array([[1.0, -2.5], [0.0, 3.0]]), ["dtype=torch.float64"]))
    tensor([[ 1.0000, -2.5000],
            [ 0.0000,  3.0000]], dtype=torch.float64)
    """
    indent = len(prefix)
    if numbers.size:
        shortened = numbers.size > _options.threshold
        form = _Numbers(_ends(numbers) if shortened else numbers)
        result = prefix + _rows(numbers, indent, shortened, form)
    else:
        result = f"{prefix}[]"
        notes = [f"size={numbers.shape}"] * (numbers.ndim != 1) + notes
    last = len(result) - result.rfind("\n") + 1
    for note in notes:
        new_line = last + len(note) + 2 > _options.linewidth
        result += ",\n" + " " * indent + note if new_line else f", {note}"
        last = indent + len(note) if new_line else last + len(note) + 2
    return result + ")"
