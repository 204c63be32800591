"""Modules that hold modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .module import Module

if TYPE_CHECKING:
    from collections.abc import Iterator


class Sequential(Module):
    """One module after another. Its state dict names them "0", "1", …

    >>> from micrograd_np import nn
    >>> nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): Tanh()
    )
    """

    def __init__(self, *modules: Module) -> None:
        for i, module in enumerate(modules):
            setattr(self, str(i), module)
        self._count = len(modules)

    def forward(self, x: Any) -> Any:
        """Apply all, in order."""
        for module in self:
            x = module(x)
        return x

    def __iter__(self) -> Iterator[Module]:
        return (m for m in vars(self).values() if isinstance(m, Module))

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, i: int) -> Module:
        return list(self)[i]
