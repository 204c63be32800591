"""The passes over a traced program, in order. Each changes a program in place, and says how much it saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..program import Program
from .blocks import cut_into_blocks
from .constants import fold_constants, numbers_to_arrays, spread_bounds
from .cse import merge_repeats
from .dce import drop_dead_ops
from .fuse_updates import fuse_updates
from .signs import absorb_signs, negate_what_is_small
from .small import make_results_last, match_axes
from .value_ranges import drop_guards


class Pass(NamedTuple):
    """A pass, under the name by which a report counts what it saved."""

    name: str
    run: Callable[[Program], int]
    mode: str = ""
    """The only mode in which it runs; "fast" passes may change the last bits."""
    calls: bool = False
    """Whether it lowers the costs of NumPy's calls, which C does not have."""


PASSES = (
    Pass("dead lines", drop_dead_ops),
    Pass("constants", fold_constants),
    Pass("numbers", numbers_to_arrays),
    Pass("guards", drop_guards, "fast"),
    Pass("repeats", merge_repeats),
    Pass("negations", absorb_signs),
    Pass("negations", negate_what_is_small),
    Pass("dead lines", drop_dead_ops),
    Pass("bounds", spread_bounds, calls=True),
    Pass("axes", match_axes, calls=True),
    Pass("copies", make_results_last, calls=True),
    Pass("one vector", fuse_updates, calls=True),
    Pass("in blocks", cut_into_blocks, calls=True),
)


def run_passes(
    program: Program, mode: str, after: Callable[[Program], None] | None = None, *, calls: bool = True
) -> dict[str, int]:
    """Shorten and rearrange `program` in place: how many operations or operands each pass saved.

    `after` is called with the program after each pass that saved something. Without `calls`, what only lowers the costs
    of NumPy's calls is left out.
    """
    saved: dict[str, int] = {}
    for one in PASSES:
        if one.mode in ("", mode) and (calls or not one.calls):
            count = one.run(program)
            saved[one.name] = saved.get(one.name, 0) + count
            if after is not None and count:
                after(program)
    return saved
