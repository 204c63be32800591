"""What a kernel takes, by its code and by its signature."""

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1)  # called twice in a row for every kernel
def arguments_of(
    kernel: Callable[..., Any],
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], dict[str, Any]]:
    """What a kernel takes beyond namespace and destination: inputs, a variadic one or none, settings, their defaults.

    This is read from its code, since `inspect.signature` of all kernels would take a fifth of the package's import.
    TypeError if it does not begin with these two.
    """
    function = inspect.unwrap(kernel)
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    end = code.co_argcount + code.co_kwonlyargcount
    variadic = code.co_varnames[end : end + bool(code.co_flags & inspect.CO_VARARGS)]
    if positional[:2] != ("xp", "out"):
        raise TypeError(
            f"primitive {kernel.__name__}: a kernel takes (xp, out, ...), this one ({', '.join(positional[:2])}, ...)."
        )
    return positional[2:], variadic, code.co_varnames[code.co_argcount : end], function.__kwdefaults__ or {}


class SignatureOfKernel:
    """The `__signature__` of an op, computed when `inspect` or an error asks for it; a class of ops has none."""

    def __get__(self, op: Any, _: Any) -> inspect.Signature:
        if op is None:
            raise AttributeError("__signature__")
        _, _, *parameters = inspect.signature(op.kernel).parameters.values()
        signature = vars(op)["__signature__"] = inspect.Signature(parameters)
        return signature
