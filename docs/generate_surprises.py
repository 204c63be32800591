"""Write `docs/surprises.md` from the tests of what it says: `python docs/generate_surprises.py`."""

import ast
import re
import textwrap
from pathlib import Path

PAGE = Path(__file__).with_name("surprises.md")
TESTS = Path(__file__).parents[1] / "tests" / "compiler" / "test_surprises.py"
HEAD = """\
# What may surprise in a compiled step

`mg.compile` runs a function once, as it is, records the arithmetic, and runs that from then on. Almost everything on
this page follows from that. Each paragraph is the docstring of a test in `tests/compiler/test_surprises.py`. The page
is written by `python docs/generate_surprises.py`, and a test fails when it is stale.
"""


def page():
    """The page: a heading for each comment between the tests, a paragraph for each test that has a docstring."""
    source = TESTS.read_text(encoding="utf-8")
    headings = [(m.start(), m[1]) for m in re.finditer(r"(?m)^# (.+)$", source)]
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    parts = [HEAD]
    for node in ast.parse(source).body:
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_") or not ast.get_docstring(node):
            continue
        while headings and headings[0][0] < starts[node.lineno - 1]:
            heading = headings.pop(0)[1]
            parts.append(f"## {heading[0].upper()}{heading[1:]}\n")
        claim = (
            node.name.removeprefix("test_").replace("_", " ").replace("pythons", "Python's").replace("python", "Python")
        )
        claim = claim.replace("numpy", "NumPy").replace("lbfgs", "LBFGS")
        paragraph = f"**{claim[0].upper()}{claim[1:]}.** {ast.get_docstring(node)}"
        parts.append(textwrap.fill(paragraph, 125, break_long_words=False, break_on_hyphens=False) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
