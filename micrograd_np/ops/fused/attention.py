"""The mask of causal attention."""

from typing import Any

from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive


@primitive("column ≤ row, as {x}", domain=(REALS,), shape="(3,4)->(3,4)", not_differentiable=("x",))
def causal_mask(xp: Any, out: Any, x: Any) -> Any:
    """True where the column is at most the row, in the shape of the last two axes: each may attend to earlier ones."""
    rows, columns = x.shape[-2:]
    return xp.greater_equal(xp.reshape(xp.arange(rows), (rows, 1)), xp.arange(columns), out=out)
