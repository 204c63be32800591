"""PyTorch's names for what means the same there and here: functions ``mg.name(t, …)`` and methods ``t.name(…)``.

Where PyTorch's name means something else in NumPy (`repeat`, `split`, `transpose`), it is not here; `core.spellings`
says what to write for names that do not exist.
"""

from collections.abc import Mapping, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from micrograd_np.core.messages import caller, count_of
from micrograd_np.core.modes import mode
from micrograd_np.ops.axes import along, axis_of, whole
from micrograd_np.ops.choice import clip, where
from micrograd_np.ops.elementwise import add
from micrograd_np.ops.index import HOLE, replace, scatter_slice, view
from micrograd_np.ops.index import scatter_add as add_at
from micrograd_np.ops.index import split as split_index
from micrograd_np.ops.operand import as_operand
from micrograd_np.ops.shape import broadcast_to, transpose

from .arrange import concatenate, expand_dims, split
from .order import scatter_add_along_axis, take, take_along_axis


def _listed(numbers: tuple[Any, ...]) -> tuple[Any, ...]:
    """Numbers that are passed one by one, or as one tuple or list."""
    return tuple(numbers[0]) if len(numbers) == 1 and isinstance(numbers[0], (tuple, list)) else numbers


def permute(x: Any, *axes: Any) -> Any:
    """The axes in the order given, as one tuple or as numbers: a view. ValueError unless each is named once.

    >>> import numpy as np
    >>> permute(np.ones((2, 3, 4)), 2, 0, 1).shape
    (4, 2, 3)
    """
    return transpose(as_operand(x), axes=_listed(axes))


def expand(x: Any, *shape: Any) -> Any:
    """`x` repeated along axes of length one, and along new ones in front, to `shape`; −1 keeps a length.

    ``(…, 1, …) -> shape``. ValueError where a length is neither kept nor 1.

    >>> import numpy as np
    >>> expand(np.ones((3, 1)), 2, -1, 4).shape
    (2, 3, 4)
    """
    x, lengths = as_operand(x), _listed(shape)
    new = len(lengths) - x.ndim
    if new < 0 or -1 in lengths[:new]:
        reason = f"has fewer than {count_of(x.ndim, 'axis')}" if new < 0 else "keeps the length of a new axis"
        raise ValueError(f"{caller()}: x is {tuple(x.shape)}; the shape {lengths} {reason}.")
    wide = [x.shape[i - new] if n == -1 else whole(n, "shape") for i, n in enumerate(lengths)]
    return broadcast_to(x, shape=tuple(wide))


def chunk(x: Any, chunks: int, axis: int = 0) -> list[Any]:
    """Views of parts along `axis`, all of one length but the last, which may be shorter: at most `chunks` of them.

    NumPy's `array_split` gives as many as asked for. ValueError for fewer than one.

    >>> import numpy as np
    >>> [part.size for part in chunk(np.arange(7), 3)]
    [3, 3, 1]
    """
    x = as_operand(x)
    axis = axis_of(axis, x.ndim)
    n = x.shape[axis]
    length = -(-n // whole(chunks, "chunks", least=1))
    return split(x, list(range(length, n, length)) if n else [0] * (chunks - 1), axis)


def masked_fill(x: Any, mask: Any, value: Any) -> Any:
    """`x` with `value` where `mask` is true; mask and value broadcast. No gradient reaches `x` there.

    >>> import numpy as np
    >>> masked_fill(np.array([1.0, 2.0]), [True, False], 0.0)
    array([0., 2.])
    """
    return where(mask, value, x)


def numel(x: Any) -> int:
    """The number of elements.

    >>> numel([[1.0, 2.0], [3.0, 4.0]])
    4
    """
    return int(as_operand(x).size)


def cat(tensors: Sequence[Any], axis: int = 0) -> Any:
    """Tensors one after another along an axis that they have: NumPy's `concatenate`. ValueError where they do not fit.

    >>> import numpy as np
    >>> cat([np.ones((2, 3)), np.ones((1, 3))]).shape
    (3, 3)
    """
    return concatenate(tensors, axis)


def clamp(x: Any, min: Any = None, max: Any = None) -> Any:
    """`x` held between two bounds, which broadcast; either may be None: NumPy's `clip`. ``(…) -> (…)``.

    >>> import numpy as np
    >>> clamp(np.array([-1.0, 2.0]), min=0)
    array([0., 2.])
    """
    return clip(x, min, max)


def unsqueeze(x: Any, axis: int) -> Any:
    """`x` with a new axis of length one, at the position `axis` of the result: NumPy's `expand_dims`.

    ValueError where the result has no such axis.

    >>> import numpy as np
    >>> unsqueeze(np.ones((2, 3)), 1).shape
    (2, 1, 3)
    """
    return expand_dims(x, axis)


def gather(x: Any, axis: int, index: Any) -> Any:
    """The elements of `x` that `index` names along `axis`, at its own position along the others.

    `index` has as many axes as `x`, and is no longer along the others: ``(n, m), (k, l) -> (k, l)``. NumPy's
    `take_along_axis` broadcasts instead. IndexError for an index outside, ValueError for one of another rank.

    >>> import numpy as np
    >>> gather(np.array([[1.0, 2.0], [3.0, 4.0]]), 1, np.array([[1, 1, 0]]))
    array([[2., 2., 1.]])
    """
    x, index, axis, at, _ = _places(x, axis, index)
    return take_along_axis(view(x, index=at), index, axis=axis)


def scatter(x: Any, axis: int, index: Any, src: Any) -> Any:
    """`x` with elements of `src`, or a number, where `index` says along `axis`: the reverse of `gather`.

    ``(n, m), (k, l), (k, l) -> (n, m)``; what of `src` is beyond `index` does not count. Of several for one place the
    last stays. Errors as in `gather`.

    >>> import numpy as np
    >>> scatter(np.zeros(3), 0, np.array([2, 0]), np.array([5.0, 6.0]))
    array([6., 0., 5.])
    """
    x, index, axis, _, at = _places(x, axis, index)
    grid = [index if a == axis else np.arange(n).reshape((-1,) + (1,) * (x.ndim - 1 - a)) for a, n in at]
    for positions in (part for a, part in enumerate(grid) if a != axis):
        mode.events.constant(positions)
    return replace(x, _of_places(src, index), *grid, index=(HOLE,) * x.ndim)


def scatter_add(x: Any, axis: int, index: Any, src: Any) -> Any:
    """`x` with the elements of `src` added where `index` says along `axis`: ``(n, m), (k, l), (k, l) -> (n, m)``.

    What several add to one place, adds up. Errors as in `gather`.

    >>> import numpy as np
    >>> scatter_add(np.ones(3), 0, np.array([2, 2]), np.array([5.0, 6.0]))
    array([ 1.,  1., 12.])
    """
    x, index, axis, _, at = _places(x, axis, index)
    shape = tuple(x.shape[a] if a == axis else n for a, n in at)
    added = scatter_add_along_axis(_of_places(src, index), index, shape=shape, axis=axis)
    if shape != x.shape:
        added = scatter_slice(added, index=tuple(map(slice, shape)), shape=x.shape)
    return add(x, added)


def _places(x: Any, axis: int, index: Any) -> tuple[Any, Any, int, Any, list[tuple[int, int]]]:
    """Operands and axis; the part of `x` that `index` reaches along the others; the axes and lengths of `index`."""
    x, index = as_operand(x), as_operand(index)
    axis = axis_of(axis, x.ndim)
    lengths = zip(x.shape, index.shape, strict=False)
    if index.ndim != x.ndim or any(m > n for a, (n, m) in enumerate(lengths) if a != axis):
        raise ValueError(f"{caller()}: x is {x.shape} and index {index.shape}; it must have as many axes, none longer.")
    reached = tuple(slice(None) if a == axis else slice(n) for a, n in enumerate(index.shape))
    return x, index, axis, reached, list(enumerate(index.shape))


def _of_places(src: Any, index: Any) -> Any:
    src = as_operand(src)
    return view(src, index=tuple(map(slice, index.shape))) if src.ndim else broadcast_to(src, shape=index.shape)


def index_select(x: Any, axis: int, index: Any) -> Any:
    """The slices of `x` at the positions `index` (k,) along `axis`: ``(n, m), (k,) -> (k, m)``; NumPy's `take`.

    >>> import numpy as np
    >>> index_select(np.array([[1.0, 2.0], [3.0, 4.0]]), 1, [1])
    array([[2.],
           [4.]])
    """
    x = as_operand(x)
    return take(x, index, axis_of(axis, x.ndim))


def index_add(x: Any, axis: int, index: Any, source: Any, alpha: float = 1) -> Any:
    """`x` with `alpha` times the slices of `source` added at the positions `index` (k,) along `axis`.

    ``(n, m), (k,), (k, m) -> (n, m)``. What several add to one place, adds up. IndexError for a position outside.

    >>> import numpy as np
    >>> index_add(np.zeros((2, 2)), 0, np.array([1, 1]), np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[0., 0.],
           [4., 6.]])
    """
    x, source = as_operand(x), as_operand(source)
    at, indices = split_index(along(axis_of(axis, x.ndim), index))
    return add(x, add_at(source if alpha == 1 else source * alpha, *indices, index=at, shape=x.shape))


METHODS = (
    "absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and bitwise_or bitwise_xor "
    "broadcast_to ceil chunk clamp cos cosh diag diff divide dsplit erf exp2 expand expm1 fliplr flipud floor "
    "floor_divide fmod gather greater greater_equal hsplit hypot index_add index_select inner isfinite isinf isnan "
    "kron less less_equal log10 log1p log2 log_softmax logaddexp logical_and logical_not logical_or logical_xor "
    "logsumexp masked_fill matmul maximum minimum moveaxis multiply nan_to_num nanmean nansum negative norm not_equal "
    "numel outer permute quantile reciprocal remainder roll rot90 scatter scatter_add sign sin sinh softmax subtract "
    "tan topk tril triu trunc unsqueeze vsplit xlogy"
)
"""The functions that PyTorch has as methods too: ``t.name(…)`` is ``mg.name(t, …)`` there and here."""


def _method(function: Any) -> Any:
    """``self.function(…)``, with the name and the docstring of the function."""

    def method(self: Any, *args: Any, **settings: Any) -> Any:
        return function(self, *args, **settings)

    method.__name__, method.__doc__ = function.__name__, getattr(function, "kernel", function).__doc__
    method.__wrapped__ = function  # type: ignore[attr-defined]  # for its signature
    return method


def add_methods(owner: type, functions: Mapping[str, Any]) -> None:
    """Give `owner`, Tensor, the methods of these names; the docstring of every method names the function, if any."""
    for name in METHODS.split():
        setattr(owner, name, _method(functions[name]))
    for name, method in vars(owner).items():
        if isinstance(method, FunctionType) and callable(functions.get(name)):
            method.__doc__ = f"{method.__doc__}\n\nShapes, errors and an example: `mg.{name}`, the function."
