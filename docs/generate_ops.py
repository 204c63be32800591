"""Write `docs/ops.md`, the table of all ops, from their declarations: `python docs/generate_ops.py`."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import micrograd_np.ops
from micrograd_np.check.description import LOOPS, derivatives
from micrograd_np.core.registry import registry

PAGE = Path(__file__).with_name("ops.md")
HEAD = """\
# The ops

Every primitive, from its own declaration; this page is written by `python docs/generate_ops.py`, and a test fails
when it is stale. Everything else in the package is composed of these, so whatever is composed can be
differentiated, to any order.

The derivative is not typed in: it is what the op's rule prints when it runs on symbols. *g* is the gradient that
arrives, *z* the result; numbers are those of an example, whose settings are named where the formula depends on them.
[condition] is 1 where the condition holds and 0 elsewhere, and what it multiplies may be infinite; a ÷ b is a / b and
0 where a = 0, a × b is 0 where either is (where nothing arrives, nothing leaves); a ÷₀ b is 0 where b = 0; x ↑ b is
the larger of the two, x ↓ b the smaller. Sums that undo broadcasting belong to the backward pass, not to the rules.
What happens at the edges is in [edges.md](edges.md).
"""


def settings(op):
    """The op's static parameters with their defaults."""
    given = inspect.signature(op).parameters.values()
    return ", ".join(str(p.replace(annotation=p.empty)) for p in given if p.kind is p.KEYWORD_ONLY)


def row(op):
    """One line of the table."""
    about = inspect.getdoc(op.kernel).split("\n\n")[0].replace("\n", " ")
    domain = ", ".join(map(str, op.domain))
    label = re.sub(r"\{(\w+)\}", r"\1", op.label)
    found = derivatives(op)
    rules = "<br>".join(f"{x}: {rule}" if len(op.inputs) > 1 else rule for x, rule in found.items()) or "none"
    told = [f"**{op.name}**", label, settings(op), op.shape or "elementwise", domain, rules, about]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in told) + " |"


def page():
    """The whole text of the page."""
    sections = []
    folders = (micrograd_np.ops, micrograd_np.numpy_api, micrograd_np.ops.fused)
    for found in (x for folder in folders for x in pkgutil.iter_modules(folder.__path__, f"{folder.__name__}.")):
        module = importlib.import_module(found.name)
        ops = [op for op in registry.values() if op.__module__ == found.name and not found.name.endswith(LOOPS)]
        if ops:
            title = module.__doc__.splitlines()[0].rstrip(".")
            table = [
                "| op | label | settings | shapes | domain | derivative | what it gives |",
                "|---|---|---|---|---|---|---|",
            ]
            sections.append("\n".join([f"## {title}", "", *table, *map(row, ops), ""]))
    return "\n".join([HEAD, *sections])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
