"""A module as a function of its parameters."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from micrograd_np.core.changes import changes
from micrograd_np.engine.tensor import Tensor

from .module import Module

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_turn = threading.RLock()  # a module can have one set of parameters at a time


def functional_call(
    module: Module, params: Mapping[str, Any], args: Any = (), kwargs: Mapping[str, Any] | None = None
) -> Any:
    """``module(*args, **kwargs)`` with the parameters and buffers that `params` names replaced by its tensors or
    arrays.

    `args` is a tuple, or the only argument. What is not named stays; what is shared is replaced wherever it stands. The
    module is as before afterwards, also after an error; calls from several threads take turns. Raises ValueError for a
    name that the module does not have.

    >>> from micrograd_np import nn
    >>> layer = nn.Linear(2, 1)
    >>> functional_call(layer, {"weight": [[3.0, 4.0]], "bias": [0.5]}, Tensor([1.0, 1.0]))
    Tensor([7.5])
    """
    arguments = args if isinstance(args, tuple) else (args,)
    with _turn:
        own = dict(module._state())
        own.update(module.named_buffers())
        replaced: dict[int, Tensor] = {}
        for name, value in params.items():
            if name not in own:
                raise ValueError(
                    f"functional_call: {type(module).__name__} has no parameter or buffer {name!r}; "
                    f"it has {', '.join(own)}."
                )
            replaced[id(own[name])] = value if isinstance(value, Tensor) else Tensor(value)
        places = list(_places(module, replaced))
        for holder, key, x in places:
            _put(holder, key, replaced[id(x)])
        try:
            return module(*arguments, **(kwargs or {}))
        finally:
            for holder, key, x in places:
                _put(holder, key, x)


def _put(holder: Any, key: Any, x: Any) -> None:
    if isinstance(holder, Module):  # by the back door: for the time of the call any tensor may stand for a parameter
        vars(holder)[key] = x
        changes.note()
    else:
        holder[key] = x


def _places(module: Module, replaced: Mapping[int, Any]) -> Iterator[tuple[Any, Any, Tensor]]:
    """Every attribute, list element and dict value under `module` that is one of the `wanted` tensors."""
    waiting: list[Any] = list(module.modules())
    for holder in waiting:  # grows by the containers found on the way
        if isinstance(holder, Module):
            items: Any = list(vars(holder).items())
        else:
            items = list(holder.items() if isinstance(holder, dict) else enumerate(holder))
        for key, x in items:
            if isinstance(x, (list, tuple, dict)):
                waiting.append(x)
            elif id(x) in replaced:
                if isinstance(holder, tuple):
                    raise TypeError(
                        f"functional_call: {type(module).__name__} keeps a parameter in a tuple, where it cannot be "
                        f"replaced; keep it in a list."
                    )
                yield holder, key, x
