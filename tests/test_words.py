"""Names are the field's: none is a word that does not say what the value, the function or the file is."""

import ast
import re
from functools import cache
from pathlib import Path

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


@cache
def trees():
    """The syntax tree of each file."""
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}


def identifiers(tree):
    """Every name that a file defines or uses, with its line."""
    for node in ast.walk(tree):
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


def test_names_say_what_a_value_is():
    assert [name for name, path in FILES.items() if path.stem in REFUSED] == [], "say what is in it"
    refused = {(name, *x) for name, tree in trees().items() for x in identifiers(tree) if x[1].strip("_") in REFUSED}
    assert sorted(refused) == [], "say what the value is: file, line and name"


def test_what_an_argument_must_be_is_said_by_core_messages():
    judged = {name: tree for name, tree in trees().items() if not name.startswith(SAID)}
    texts = [(name, ast.unparse(x)) for name in judged for x in ast.walk(judged[name]) if isinstance(x, ast.JoinedStr)]
    by_hand = [(name, text) for name, text in texts if re.search("must be .*[,;] found ", text)]
    assert by_hand == [], "say it by must_be, require_type or require_value of core/messages.py"
