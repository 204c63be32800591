"""PyTorch's names, with PyTorch's meanings: ``from micrograd_np import torch`` in the place of ``import torch``.

``python -m micrograd_np.torch train.py`` runs a script that says ``import torch`` as it is. Tensors and layers are this
package's own: they compile, draw and check like the rest. What there is not, says so by name.

>>> from micrograd_np import torch
>>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
>>> x.std(dim=0, keepdim=True).sum().backward()
>>> x.grad
tensor([[-0.7071, -0.7071],
        [ 0.7071,  0.7071]])
"""

import sys as _sys
from types import ModuleType as _ModuleType
from typing import Any as _Any

from . import nn
from .parts import PARTS as _PARTS
from .parts import SECTIONS as _SECTIONS
from .parts import TOP as _TOP
from .tensor import add_methods as _add_methods

_add_methods(_SECTIONS["Tensor"])
globals().update(_TOP)
_parts = {__name__: _sys.modules[__name__], f"{__name__}.nn": nn}


def missing(name: str, part: str = "torch") -> str:
    """The sentence that says that there is no such name."""
    from difflib import get_close_matches

    near = get_close_matches(name, dir(_sys.modules[part.replace("torch", __name__, 1)]), 1, 0.8)
    return f"{part}.{name} is not in micrograd_np.torch.{f' Did you mean {near[0]}?' if near else ''}"


def _explained(part: str) -> _Any:
    def absent(name: str) -> _Any:
        raise AttributeError(missing(name, part), name=name, obj=None)

    return absent


for _path, _names in _PARTS.items():
    _full = f"{__name__}.{_path}"
    _module = _parts.get(_full) or _ModuleType(_full, f"PyTorch's ``torch.{_path}``: the names that are here.")
    vars(_module).update(_names)
    vars(_module).setdefault("__path__", [])
    _parts[_full] = _sys.modules[_full] = _module
for _full, _module in sorted(_parts.items()):
    _parent, _, _last = _full.rpartition(".")
    if _parent in _parts:
        setattr(_parts[_parent], _last, _module)
    vars(_module).setdefault("__getattr__", _explained(_full.removeprefix("micrograd_np.")))
