"""The passes over a traced program, in order: first those that keep every bit, then those that `fast` allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .algebra import fold_scalings
from .blocks import cut_into_blocks
from .constants import fold_constants, numbers_to_arrays, spread_bounds
from .cse import merge_repeats
from .dce import drop_dead_ops
from .exponents import negate_what_is_small
from .fuse_updates import fuse_updates
from .padding import pad_once
from .signs import absorb_signs
from .small import make_results_last, match_axes
from .value_ranges import drop_guards

if TYPE_CHECKING:
    from ..ir import Program


def run_passes(program: Program, mode: str) -> dict[str, int]:
    """Shorten and rearrange `program` in place: how many lines or operands each pass saved."""
    saved = {
        "dead lines": drop_dead_ops(program),
        "constants": fold_constants(program),
        "numbers": numbers_to_arrays(program),
        "repeats": merge_repeats(program),
    }
    saved["dead lines"] += drop_dead_ops(program)
    saved["paddings"] = pad_once(program)
    if mode == "fast":
        saved["guards"] = drop_guards(program)
    saved["negations"] = absorbed = absorb_signs(program)
    if mode == "fast":
        saved["scalings"] = fold_scalings(program)
    saved["negations"] += negate_what_is_small(program)
    if absorbed:
        saved["repeats"] += merge_repeats(program)
    saved["dead lines"] += drop_dead_ops(program)
    saved["bounds"] = spread_bounds(program)
    saved["axes"] = match_axes(program)
    saved["copies"] = make_results_last(program)
    saved["one vector"] = fuse_updates(program)
    saved["in blocks"] = cut_into_blocks(program, sums=mode == "fast")
    return saved
