"""Special functions, element by element, whose values SciPy computes: gamma, Bessel and inverse error functions.

SciPy is loaded by the first call; without it a call raises ImportError, which names what to install. Sources of the
derivatives: NIST Digital Library of Mathematical Functions, 5.15 (gamma), 7 (error functions), 8.8 (incomplete gamma),
10.6 and 10.29 (Bessel functions), 25.11 (Hurwitz zeta).
"""

from collections.abc import Callable
from functools import cache
from math import factorial, log, pi
from typing import Any

import numpy as np

from micrograd_np.core.domains import KINK_AT_ZERO, OPEN_UNIT, POSITIVE, PROBABILITY, REALS, Domain
from micrograd_np.core.modes import mode
from micrograd_np.core.primitive import Primitive, primitive
from micrograd_np.core.vertex import Vertex
from micrograd_np.ops.axes import whole
from micrograd_np.ops.elementwise import sign, zero_safe_multiply, zeros_like
from micrograd_np.ops.operand import as_operand
from micrograd_np.ops.routine import Routine, floating, in_single, is_half, stored
from micrograd_np.ops.transcendental import exp

from .special import ndtr, xlogy

_ABOVE_ONE = Domain("(1, ∞)", low=1.5)


@cache
def scipys(name: str) -> Any:
    """The function `name` of ``scipy.special``; ImportError that says what to install."""
    try:
        from scipy import special
    except ImportError:
        raise ImportError(f"{name}: needs SciPy; install it with: pip install 'micrograd_np[scipy]'") from None
    return getattr(special, name)


@Routine
def put_special(z: Any, name: Any, *xs: Any) -> None:
    """Put SciPy's function `name` of xs into z."""
    from scipy import special

    getattr(special, name)(*xs, out=z)


def _computed(name: str, xp: Any, out: Any, *xs: Any) -> Any:
    """SciPy's function `name` of arrays and numbers, in the destination `out`."""
    arrays = [floating(xp, x) for x in xs if not isinstance(x, (float, int))]
    if any(map(is_half, arrays)):
        return in_single(lambda xp, out, *ys: _computed(name, xp, out, *ys), xp, out, *xs)
    dtype = np.result_type(*(x.dtype for x in arrays)) if arrays else np.dtype(float)
    rest = iter(arrays)
    xs = tuple(dtype.type(x) if isinstance(x, (float, int)) else next(rest) for x in xs)  # SciPy would make it wide
    function = scipys(name)
    if xp is np:
        return stored(xp, out, function(*xs))
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    return put_special(xp, xp.empty(shape, dtype) if out is ... else out, name, *xs)


def _special(name: str, label: str, doc: str, *domain: Domain, **settings: Any) -> Primitive[...]:
    """Declare SciPy's function `name`, of one array or of a parameter and an array, as a primitive."""

    def unary(xp: Any, out: Any, x: Any) -> Any:
        return _computed(name, xp, out, x)

    def binary(xp: Any, out: Any, a: Any, x: Any) -> Any:
        return _computed(name, xp, out, a, x)

    kernel: Callable[..., Any] = unary if len(domain) == 1 else binary
    kernel.__name__ = kernel.__qualname__ = f"_{name}" if "not_differentiable" in settings else name
    kernel.__doc__ = f"{doc} ImportError without SciPy."
    return primitive(label, domain=domain, **settings)(kernel)


gammaln = _special(
    "gammaln", "log |Γ({x})|", "Elementwise logarithm of the absolute value of the gamma function; inf at its poles.",
    POSITIVE,
)  # fmt: skip
digamma = _special(
    "digamma", "ψ({x})", "Elementwise derivative of log Γ(x). nan at the poles 0, −1, …; −inf at 0.", POSITIVE
)
_zeta = _special(
    "zeta", "ζ({a}, {x})", "Elementwise Σ (x + k)^(−a) over k = 0, 1, …: the zeta function of Hurwitz.",
    _ABOVE_ONE, POSITIVE, not_differentiable=("a",),
)  # fmt: skip
_gammainc = _special(
    "gammainc", "P({a}, {x})", "Elementwise ∫₀ˣ exp(−t) t^(a − 1) dt / Γ(a).", POSITIVE, POSITIVE,
    not_differentiable=("a",),
)  # fmt: skip
_gammaincc = _special(
    "gammaincc", "Q({a}, {x})", "Elementwise 1 − P(a, x), with all digits where it is small.", POSITIVE, POSITIVE,
    not_differentiable=("a",),
)  # fmt: skip


def _gamma_density(g: Any, a: Any, x: Any) -> Any:
    a = zeros_like(x) + a  # a number takes the dtype of x
    return zero_safe_multiply(g, exp(xlogy(a - 1, x) - x - gammaln(a)))


gammaln.vjp(x=lambda g, z, x: zero_safe_multiply(g, digamma(x)))
digamma.vjp(x=lambda g, z, x: zero_safe_multiply(g, _zeta(2.0, x)))
_zeta.vjp(x=lambda g, z, a, x: zero_safe_multiply(-g * a, _zeta(a + 1.0, x)))
_gammainc.vjp(x=lambda g, z, a, x: _gamma_density(g, a, x))
_gammaincc.vjp(x=lambda g, z, a, x: -_gamma_density(g, a, x))

erfinv = _special("erfinv", "erf⁻¹({x})", "Elementwise inverse of erf: ±inf at ±1, nan outside.", OPEN_UNIT)
erfinv.vjp(x=lambda g, z, x: zero_safe_multiply(g, 0.5 * pi**0.5 * exp(z * z)))

erfcx = _special("erfcx", "erfcx {x}", "Elementwise exp(x²) (1 − erf x), which neither under- nor overflows.", REALS)
erfcx.vjp(x=lambda g, z, x: g * (2 * x * z - 2 / pi**0.5))

ndtri = _special(
    "ndtri", "Φ⁻¹({x})", "Elementwise quantile of the standard normal distribution: −inf at 0, inf at 1, nan outside.",
    PROBABILITY,
)  # fmt: skip
ndtri.vjp(x=lambda g, z, x: zero_safe_multiply(g, (2 * pi) ** 0.5 * exp(0.5 * z * z)))

log_ndtr = _special("log_ndtr", "log Φ({x})", "Elementwise logarithm of `ndtr`, finite far below 0, too.", REALS)
log_ndtr.vjp(x=lambda g, z, x: g * ((2 / pi) ** 0.5 / erfcx(-(0.5**0.5) * x)))

_ORDERS = ({"order": 0}, {"order": 2})


@primitive("J({x}; {order})", domain=(REALS,), examples=_ORDERS)
def bessel_j(xp: Any, out: Any, x: Any, *, order: int = 0) -> Any:
    """Elementwise Bessel function of the first kind, of a whole `order`. ImportError without SciPy."""
    return _computed("jv", xp, out, order, x)


@primitive("Y({x}; {order})", domain=(POSITIVE,), examples=_ORDERS)
def bessel_y(xp: Any, out: Any, x: Any, *, order: int = 0) -> Any:
    """Elementwise Bessel function of the second kind, of a whole `order`: −inf at 0, nan below.

    ImportError without SciPy.
    """
    return _computed("yv", xp, out, order, x)


def _by_difference(op: Any, g: Any, x: Any, order: int) -> Any:
    return zero_safe_multiply(g, 0.5 * (op(x, order=order - 1) - op(x, order=order + 1)))


bessel_j.vjp(x=lambda g, z, x, order: _by_difference(bessel_j, g, x, order))
bessel_y.vjp(x=lambda g, z, x, order: _by_difference(bessel_y, g, x, order))

_SCALED = ({"order": 0}, {"order": 1, "scaled": True})


@primitive("I({x}; {order})", domain=(KINK_AT_ZERO,), examples=_SCALED)
def bessel_i(xp: Any, out: Any, x: Any, *, order: int = 0, scaled: bool = False) -> Any:
    """Elementwise modified Bessel function of the first kind, of a whole `order`; times exp(−|x|) where `scaled`.

    ImportError without SciPy.
    """
    return _computed("ive" if scaled else "iv", xp, out, order, x)


@primitive("K({x}; {order})", domain=(POSITIVE,), examples=_SCALED)
def bessel_k(xp: Any, out: Any, x: Any, *, order: int = 0, scaled: bool = False) -> Any:
    """Elementwise modified Bessel function of the second kind, of a whole `order`; times exp(x) where `scaled`.

    inf at 0, nan below. ImportError without SciPy.
    """
    return _computed("kve" if scaled else "kv", xp, out, order, x)


def _by_neighbours(op: Any, g: Any, z: Any, x: Any, order: int, scaled: bool) -> Any:
    mean = 0.5 * (op(x, order=order - 1, scaled=scaled) + op(x, order=order + 1, scaled=scaled))
    if op is bessel_i:
        return g * (mean - sign(x) * z) if scaled else g * mean
    return zero_safe_multiply(g, z - mean if scaled else -mean)


bessel_i.vjp(x=lambda g, z, x, order, scaled: _by_neighbours(bessel_i, g, z, x, order, scaled))
bessel_k.vjp(x=lambda g, z, x, order, scaled: _by_neighbours(bessel_k, g, z, x, order, scaled))


def _by_x_alone(name: str, op: Any, a: Any, x: Any) -> Any:
    """``op(a, x)``; NotImplementedError where a gradient by `a` is asked for."""
    if isinstance(a, Vertex) and a.requires_grad and mode.recording:
        raise NotImplementedError(f"{name}: there is no derivative by its first argument; detach() it.")
    return op(a, x)


def zeta(a: Any, x: Any) -> Any:
    """The zeta function of Hurwitz, Σ (x + k)^(−a) over k = 0, 1, …; ζ(a, 1) is Riemann's. Elementwise.

    There is no derivative by `a`: NotImplementedError where it requires a gradient. ImportError without SciPy.

    >>> import micrograd_np as mg
    >>> mg.special.zeta(2.0, mg.Tensor(1.0))
    Tensor(1.64493407)
    """
    return _by_x_alone("zeta", _zeta, a, x)


def gammainc(a: Any, x: Any) -> Any:
    """The incomplete gamma function P(a, x) = ∫₀ˣ exp(−t) t^(a − 1) dt / Γ(a), for a and x ≥ 0. Elementwise.

    There is no derivative by `a`: NotImplementedError where it requires a gradient. ImportError without SciPy.

    >>> import micrograd_np as mg
    >>> mg.special.gammainc(1.0, mg.Tensor(2.0))  # 1 − e⁻²
    Tensor(0.86466472)
    """
    return _by_x_alone("gammainc", _gammainc, a, x)


def gammaincc(a: Any, x: Any) -> Any:
    """1 − `gammainc`, with all digits where that is small. Elementwise. NotImplementedError, ImportError as there.

    >>> import micrograd_np as mg
    >>> mg.special.gammaincc(1.0, mg.Tensor(2.0))  # e⁻²
    Tensor(0.13533528)
    """
    return _by_x_alone("gammaincc", _gammaincc, a, x)


def polygamma(n: int, x: Any) -> Any:
    """The derivative number `n` of `digamma`, which is derivative 0. Elementwise.

    TypeError unless `n` is an integer, ValueError if it is negative. ImportError without SciPy.

    >>> import micrograd_np as mg
    >>> mg.special.polygamma(1, mg.Tensor(1.0))  # π² / 6
    Tensor(1.64493407)
    """
    n, x = whole(n, "n", 0), as_operand(x)
    return digamma(x) if n == 0 else (-1) ** (n + 1) * float(factorial(n)) * _zeta(float(n + 1), x)


def multigammaln(a: Any, d: int) -> Any:
    """The logarithm of the gamma function of `d` × `d` matrices, for a > (d − 1) / 2. Elementwise.

    TypeError unless `d` is an integer, ValueError if it is below 1. ImportError without SciPy.
    Source: Muirhead (1982), Aspects of Multivariate Statistical Theory, theorem 2.1.12.

    >>> import micrograd_np as mg
    >>> mg.special.multigammaln(mg.Tensor(1.0), 2)  # log π
    Tensor(1.14472989)
    """
    d, a = whole(d, "d", 1), as_operand(a)
    return sum((gammaln(a - i / 2) for i in range(1, d)), gammaln(a)) + d * (d - 1) / 4 * log(pi)


def erfc(x: Any) -> Any:
    """1 − `erf`, which keeps its digits in float64 where it is small. Elementwise; SciPy is not needed.

    >>> import micrograd_np as mg
    >>> mg.special.erfc(mg.Tensor([0.0, 5.0]))
    Tensor([1.00000000e+00, 1.53745979e-12])
    """
    return 2 * ndtr(as_operand(x) * -(2**0.5))
