"""NumPy's own elementwise functions as primitives: the kernel that calls one is written once, here."""

import sys
from typing import Any

import numpy as np

from micrograd_np.core.domains import Domain
from micrograd_np.core.primitive import Primitive, primitive


def ufunc(name: str, label: str, doc: str, *domain: Domain, function: str = "", **settings: Any) -> Primitive[...]:
    """Declare NumPy's `function` (by default that called `name`), of one or two arrays, as a primitive of the caller's.

    There is a `domain` for each array; the `settings` are those of `primitive`::

        exp = ufunc("exp", "exp {x}", "Elementwise e to the power x.", REALS, onnx="Exp")
        exp.vjp(x=lambda g, z, x: g * z)
    """
    function = function or name
    numpys = getattr(np, function)
    if not isinstance(numpys, np.ufunc):
        raise TypeError(f"{name}: np.{function} is no ufunc; write a kernel and declare it with @primitive.")

    def unary(xp: Any, out: Any, x: Any) -> Any:
        return (numpys if xp is np else getattr(xp, function))(x, out=out)

    def binary(xp: Any, out: Any, x: Any, y: Any) -> Any:
        return (numpys if xp is np else getattr(xp, function))(x, y, out=out)

    kernel = unary if len(domain) == 1 else binary
    kernel.__name__ = kernel.__qualname__ = name
    kernel.__doc__ = doc
    kernel.__module__ = sys._getframe(1).f_globals["__name__"]
    return primitive(label, domain=domain, **settings)(kernel)
