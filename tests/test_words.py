"""Names are the field's: none is a word that does not say what the value, the function or the file is."""

import ast
import re
from pathlib import Path

import pytest

import micrograd_np

PACKAGE = Path(micrograd_np.__file__).parent

# A name says what a value is, not what happened to it or who asked for it.
REFUSED = {
    "again", "apart", "asked", "asker", "beyond", "both", "found", "given", "known",
    "lead", "made", "settled", "spoken", "stamp", "steady", "surprise", "told", "usual", "wanted",
}  # fmt: skip
# Where "must be …; found …" is written out: where it is said once, and where a program contains the source.
SAID = ("core/messages.py", "ops/checks.py", "compiler", "pictures")

FILES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}


def identifiers(path):
    """Every name that a file defines or uses, with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.lineno, node.name
        elif isinstance(node, ast.alias):
            yield node.lineno, node.asname or node.name


@pytest.mark.parametrize("name", FILES)
def test_names_say_what_a_value_is(name):
    path = FILES[name]
    assert path.stem not in REFUSED, "say what is in it"
    refused = sorted({f"line {line}: {x}" for line, x in identifiers(path) if x.strip("_") in REFUSED})
    assert refused == [], "say what the value is"


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith(SAID)])
def test_what_an_argument_must_be_is_said_by_core_messages(name):
    texts = [
        ast.unparse(x) for x in ast.walk(ast.parse(FILES[name].read_text("utf-8"))) if isinstance(x, ast.JoinedStr)
    ]
    by_hand = [text for text in texts if re.search("must be .*[,;] found ", text)]
    assert by_hand == [], "say it by must_be, require_type or require_value of core/messages.py"
