"""Names are the field's: none is a word that does not say what the value, the function or the file is."""

import ast
from pathlib import Path

import pytest

import micrograd_np

PACKAGE = Path(micrograd_np.__file__).parent

# A name says what a value is, not what happened to it or who asked for it.
REFUSED = {
    "again", "apart", "asked", "asker", "beyond", "both", "found", "given", "known",
    "lead", "made", "spoken", "stamp", "steady", "surprise", "told", "usual", "wanted",
}  # fmt: skip
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
    assert path.stem not in REFUSED
    refused = sorted({f"line {line}: {x}" for line, x in identifiers(path) if x.strip("_") in REFUSED})
    assert refused == []
