"""The tensors of a module: `Parameter`, which is trained, and `Buffer`, which is not."""

from __future__ import annotations

from typing import Any

from micrograd_np import random
from micrograd_np.engine.tensor import Tensor, get_default_dtype


class Parameter(Tensor):
    """A tensor that is trained: listed by ``parameters()``, updated by an optimiser. Its results are plain Tensors.

    Made of a tensor, it shares the values and is a leaf: no gradient goes to what these were computed from.

    >>> import micrograd_np as mg
    >>> mg.nn.Parameter([1.0, 2.0])
    Tensor([1., 2.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True, dtype: Any = None, name: str | None = None) -> None:
        super().__init__(data.data if isinstance(data, Tensor) else data, requires_grad, dtype, name)


class Buffer(Tensor):
    """A tensor that a module holds but does not train, such as a running mean; in the state dict if `persistent`.

    >>> import micrograd_np as mg
    >>> module = mg.nn.Module()
    >>> module.mean = mg.nn.Buffer([0.0])
    >>> list(module.parameters()), list(module.state_dict())
    ([], ['mean'])
    """

    __slots__ = ("persistent",)

    def __init__(self, data: Any, persistent: bool = True, dtype: Any = None, name: str | None = None) -> None:
        super().__init__(data, requires_grad=False, dtype=dtype, name=name)
        self.persistent = persistent


def uniform(bound: float, *shape: int, dtype: Any, order: Any = "C") -> Parameter:
    """A parameter drawn from U(±bound), of the default dtype if `dtype` is None."""
    values = random.generator().uniform(-bound, bound, shape)
    return Parameter(values.astype(get_default_dtype() if dtype is None else dtype, order=order))
