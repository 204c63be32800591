"""What to say of a call that does not fit `forward`, and of what stands where a layer or a state dict should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import signature
from os import PathLike
from typing import Any

from micrograd_np.core.messages import describe_value, must_be, with_article

_PACKAGE = __name__.rpartition(".")[0]


def explain_call(cls: type[Any], error: TypeError) -> None:
    """Note in `error` what `forward` of the module `cls` takes, if its call, and no line inside of it, raised it."""
    if error.__traceback__ is None or error.__traceback__.tb_next is not None:
        return
    names = list(signature(cls.forward).parameters)
    if names[:1] == ["self"]:
        error.add_note(f"{cls.__name__}: forward takes {', '.join(names[1:]) or 'nothing'}.")
    else:
        right = f"def forward({', '.join(['self', *names])})"
        error.add_note(f"{cls.__name__}: the first parameter of forward must be self: {right}.")


def would_lose(module: str, name: str, what: str, allowed: str, x: Any) -> TypeError:
    """The error of setting the attribute `name` of a module, which is `what` and may be `allowed`, to `x`."""
    write = f", write into {name}.data[...]" if what != "a module" else ""
    return TypeError(
        f"{module}: {name} is {what}, and would no longer be one as {with_article(type(x).__name__)}; set {allowed}"
        f"{write}, or del it first."
    )


def layer_for(x: Any, base: type[Any]) -> str:
    """What to write instead of `x`, which is no module: for "relu" or the function relu, nn.ReLU().

    `base` is the class of all modules.
    """
    if isinstance(x, (list, tuple)):
        return " Write Sequential(*modules)."
    name = (x if isinstance(x, str) else getattr(x, "__name__", "")).replace("_", "")
    layer = next((cls.__name__ for cls in _layers(base) if cls.__name__.lower() == name), "")
    own = " Write a class with a forward of its own, derived from nn.Module." if callable(x) and name else ""
    return f" Write nn.{layer}()." if layer else own if not isinstance(x, type) else ""


def _layers(cls: type[Any]) -> Iterator[type[Any]]:
    """The layers of the package that are derived from `cls`."""
    for derived in cls.__subclasses__():
        if derived.__module__.startswith(_PACKAGE):
            yield derived
        yield from _layers(derived)


def require_state_dict(state_dict: Any) -> None:
    """Raise TypeError unless `state_dict` is a dict."""
    if not isinstance(state_dict, Mapping):
        advice = "Write load_state_dict(mg.load(path))." if isinstance(state_dict, (str, PathLike)) else ""
        message = must_be("load_state_dict", "state_dict", "a dict of arrays", describe_value(state_dict), advice)
        raise TypeError(message)
