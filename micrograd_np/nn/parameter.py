"""What a module owns: tensors that are trained, and tensors that are merely kept."""

from __future__ import annotations

from typing import Any

from micrograd_np.engine.tensor import Tensor


class Parameter(Tensor):
    """A tensor that a module trains: found by ``parameters()``, updated by an optimiser. Results are plain Tensors."""

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True, dtype: Any = None, name: str | None = None) -> None:
        super().__init__(data, requires_grad, dtype, name)


class Buffer(Tensor):
    """A tensor that a module keeps but does not train, such as a running mean; in the state dict if `persistent`."""

    __slots__ = ("persistent",)

    def __init__(self, data: Any, persistent: bool = True, dtype: Any = None, name: str | None = None) -> None:
        super().__init__(data, requires_grad=False, dtype=dtype, name=name)
        self.persistent = persistent
