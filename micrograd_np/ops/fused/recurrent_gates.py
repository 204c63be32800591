"""Products by gate: gates lie one after another in memory, not side by side as in PyTorch.

On 32 × 64 numbers with gaps between the rows a NumPy call takes four to seven times as long as on contiguous ones
(measured). So each gate has a product of its own, whose result is contiguous. For a single sample the gates are
contiguous side by side, and one product is faster than one for each.

Weights are (gates · h, m). They are transposed and scaled before the first step: products of small matrices take half
as long if the second is transposed in memory (measured). For one step that does not pay: there the result is
rearranged instead.
"""

from collections.abc import Callable, Sequence
from typing import Any

Gates = Sequence[tuple[int, float]]  # the gate that comes next, and its scale


def room(xp: Any, out: Any, shape: tuple[int, ...], dtype: Any, blocks: int) -> tuple[Any, Any, Any]:
    """An array for a memory of this shape, in `out` where that is contiguous, and its parts as by `split`."""
    memory = out if out is not ... and out.flags.c_contiguous else xp.empty(shape, dtype=dtype)
    return memory, *split(xp, memory, blocks)


def split(xp: Any, memory: Any, blocks: int) -> tuple[Any, Any]:
    """What a memory holds: `blocks` arrays of every step, ``(t, blocks, n, h)``, and the result."""
    steps = memory.shape[0] // (blocks + 1)
    return xp.reshape(memory[: blocks * steps], (steps, blocks, *memory.shape[1:])), memory[blocks * steps :]


def project(xp: Any, x: Any, weight: Any, bias: Any, gates: Gates, out: Any) -> None:
    """The samples of all steps times a weight, and a bias: ``(t, n, m), (gates · h, m) -> (t, gates, n, h)``."""
    steps, n, m = x.shape
    if steps == 1:
        _lay(xp, xp.add(xp.dot(x[0], weight.T), bias).T, gates, out[0])
        return
    transposed = _transposed(xp, weight, gates, n, out.dtype)
    if n == 1:
        xp.matmul(xp.reshape(x, (steps, m)), transposed, out=xp.reshape(out, (steps, transposed.shape[1])))
    else:
        xp.matmul(x[:, None], transposed, out=out)
    wide = xp.empty(out.shape[1:], dtype=out.dtype)  # the bias in full, since to broadcast it takes longer
    for place, (gate, scale) in enumerate(gates):
        xp.multiply(_part(bias, gate, gates), scale, out=wide[place])
    xp.add(out, wide, out=out)


def product(xp: Any, weight: Any, gates: Gates, steps: int, z: Any) -> Callable[[Any], Any]:
    """A function of a state: its product with a weight, in `z`, ``(n, m) -> (gates, n, h)``. `steps` calls follow."""
    if steps == 1:
        return lambda state: _lay(xp, xp.dot(weight, state.T), gates, z)
    transposed = _transposed(xp, weight, gates, z.shape[1], z.dtype)
    if z.shape[1] != 1:
        return lambda state: xp.matmul(state, transposed, out=z)
    row = xp.reshape(z, (1, transposed.shape[1]))

    def multiply(state: Any) -> Any:
        xp.dot(state, transposed, row)
        return z

    return multiply


def _transposed(xp: Any, weight: Any, gates: Gates, n: int, dtype: Any) -> Any:
    """The transposed weight, ``(gates, m, h)``; for n = 1 ``(m, gates · h)``, in memory as the weight itself."""
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
    """The rows of one gate."""
    k = x.shape[0] // len(gates)
    return x[gate * k : (gate + 1) * k]
