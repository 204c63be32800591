"""Products by gate: gates lie one after another in memory, not side by side as in PyTorch.

On 32 × 64 numbers with gaps between the rows a NumPy call takes four to seven times as long as on the same numbers in
one piece (measured). So a product is made for each gate, which leaves its result in one piece. Of a single row the
gates are in one piece side by side, and one product is quicker than one for each.

Weights are (gates · h, m), and turned and scaled beforehand: products of small matrices take half as long if the second
is transposed in memory, not on the way (measured). Quickest where the transpose is contiguous to begin with. One step
alone is not worth it, and has its products laid out by gate instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Gates = Sequence[tuple[int, float]]  # which gate comes next, and what it is multiplied by


def project(xp: Any, x: Any, weight: Any, bias: Any, gates: Gates, out: Any) -> None:
    """The samples of all steps times a weight, and a bias: ``(t, n, m), (gates · h, m) -> (t, gates, n, h)``."""
    steps, n, m = x.shape
    if steps == 1:
        _lay(xp, xp.add(xp.dot(x[0], weight.T), bias).T, gates, out[0])
        return
    turned = _turned(xp, weight, gates, n, out.dtype)
    if n == 1:
        xp.matmul(xp.reshape(x, (steps, m)), turned, out=xp.reshape(out, (steps, turned.shape[1])))
    else:
        xp.matmul(x[:, None], turned, out=out)
    wide = xp.empty(out.shape[1:], dtype=out.dtype)  # the bias in full, since to broadcast it takes longer
    for place, (gate, scale) in enumerate(gates):
        xp.multiply(_part(bias, gate, gates), scale, out=wide[place])
    xp.add(out, wide, out=out)


def product(xp: Any, weight: Any, gates: Gates, steps: int, z: Any) -> Callable[[Any], Any]:
    """A function of a state that gives its product with a weight, for so many steps: ``(n, m) -> (gates, n, h)``.

    Every result lies in z.
    """
    if steps == 1:
        return lambda state: _lay(xp, xp.dot(weight, state.T), gates, z)
    turned = _turned(xp, weight, gates, z.shape[1], z.dtype)
    if z.shape[1] != 1:
        return lambda state: xp.matmul(state, turned, out=z)
    row = xp.reshape(z, (1, turned.shape[1]))

    def multiplied(state: Any) -> Any:
        xp.dot(state, turned, row)
        return z

    return multiplied


def _turned(xp: Any, weight: Any, gates: Gates, n: int, dtype: Any) -> Any:
    """The factor of n samples, ``(gates, m, h)``; of one, ``(m, gates · h)``, in memory as the weight itself."""
    m, k = weight.shape[1], weight.shape[0] // len(gates)
    z = xp.empty_like(weight, dtype=dtype) if n == 1 else xp.empty((len(gates), m, k), dtype=dtype)
    for place, (gate, scale) in enumerate(gates):
        part = _part(weight, gate, gates)
        if n == 1:
            xp.multiply(part, scale, out=_part(z, place, gates))
        else:
            xp.multiply(part.T, scale, out=z[place])
    return z.T if n == 1 else z


def _lay(xp: Any, wide: Any, gates: Gates, out: Any) -> Any:
    """A product of one step laid out by gate: ``(gates · h, n) -> (gates, n, h)``."""
    for place, (gate, scale) in enumerate(gates):
        xp.multiply(_part(wide, gate, gates).T, scale, out=out[place])
    return out


def _part(x: Any, gate: int, gates: Gates) -> Any:
    """What belongs to a gate, along the first axis."""
    k = x.shape[0] // len(gates)
    return x[gate * k : (gate + 1) * k]
