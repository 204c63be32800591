"""`functional_call`: a module as a function of its parameters."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from micrograd_np.core.hooks import changes
from micrograd_np.core.messages import explain_all_keywords
from micrograd_np.engine.tensor import Tensor

from .module import Module

_lock = threading.RLock()  # a module has one set of parameters at a time


def functional_call(
    module: Module, params: Mapping[str, Any], args: Any = (), kwargs: Mapping[str, Any] | None = None
) -> Any:
    """``module(*args, **kwargs)`` with parameters and buffers replaced by the tensors or arrays of `params`, by name.

    `args` is a tuple, or the only argument. A shared parameter is replaced everywhere. Afterwards the module is as
    before, even after an error; calls from several threads take turns. ValueError for a name the module does not have.

    >>> from micrograd_np import nn
    >>> layer = nn.Linear(2, 1)
    >>> functional_call(layer, {"weight": [[3.0, 4.0]], "bias": [0.5]}, Tensor([1.0, 1.0]))
    Tensor([7.5])
    """
    arguments = args if isinstance(args, tuple) else (args,)
    with _lock:
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
    if isinstance(holder, Module):  # not by setattr, which wants a Parameter: here any tensor may replace it
        vars(holder)[key] = x
        changes.note()
    else:
        holder[key] = x


def _places(module: Module, replaced: Mapping[int, Any]) -> Iterator[tuple[Any, Any, Tensor]]:
    """Where tensors stand whose ids are in `replaced`: (module, list or dict; name, index or key; the tensor)."""
    waiting: list[Any] = list(module.modules())
    for holder in waiting:  # the loop appends the containers it comes across
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


explain_all_keywords(["functional_call"], globals())
