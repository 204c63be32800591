"""The README shows a step and the program that it becomes: the very program."""

import doctest
import re
import runpy
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
README = (DOCS.parent / "README.md").read_text(encoding="utf-8")


def the_step_of_the_readme(folder):
    """What the README's session calls ``step``, run from a file, where its lines can be quoted."""
    (session,) = (block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "@mg.compile" in block)
    rows = [row[4:] for row in session.splitlines() if row.startswith((">>> ", "... "))]
    path = folder / "train.py"
    path.write_text("\n".join(["import micrograd_np as mg", *rows]), encoding="utf-8")
    return runpy.run_path(str(path))["step"]


def test_the_program_that_the_readme_shows_is_the_one_that_its_step_becomes(tmp_path):
    program = the_step_of_the_readme(tmp_path).source_as("plain")
    body = "\n".join(row[8:] for row in program.splitlines() if row.startswith("        ") or not row)
    backward = body.partition("# backward")[2].partition("# update")[0]
    (shown,) = (block for block in re.findall(r"```text\n(.*?)```", README, re.DOTALL) if "# backward" in block)
    assert shown.removeprefix("# backward").strip() == backward.strip()


def test_a_screen_holds_what_each_kind_of_reader_needs():
    sections = re.split(r"^## ", README, flags=re.MULTILINE)[1:]
    lengths = {text.partition("\n")[0]: text.strip().count("\n") + 1 for text in sections}
    assert [name for name, length in lengths.items() if length > 50] == []


def test_the_pictures_that_the_readme_shows_are_those_of_its_session(tmp_path):
    session, namespace = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL)), {}
    for example in doctest.DocTestParser().get_examples(session.partition(">>> @mg.compile")[0]):
        exec(compile(example.source, "README", "single"), namespace)
    words = runpy.run_path(str(DOCS / "generate_pictures.py"))["words"]
    drawn = {
        "a-network-with-its-numbers": namespace["picture"],
        "session": eval("mg.draw(loss(w, b))", namespace),
    }
    assert all(f"](docs/pictures/{name}.svg)" in README for name in drawn)
    assert "`mg.draw(loss(w, b))`" in README
    for name, picture in drawn.items():
        assert words(picture.save(tmp_path / f"{name}.svg")) == words(DOCS / "pictures" / f"{name}.svg")


def test_the_rules_that_the_readme_shows_are_the_ones_the_ops_print():
    shown = dict(re.findall(r"^\| `(\w+)` \|[^|]*\| (.*) \|$", README, re.MULTILINE))
    table = (DOCS / "ops.md").read_text(encoding="utf-8")
    for op, rule in shown.items():
        (row,) = re.findall(rf"^\| \*\*{op}\*\* \|.*$", table, re.MULTILINE)
        derivative = row.split(" | ")[5].replace("<br>", "; ").replace("x: ", "to x: ").replace("y: ", "to y: ")
        assert rule in (derivative, derivative.replace("to x: g; to y: g", "to both: g"))
    assert set(shown) == {"matmul", "add", "sigmoid", "square", "log"}
