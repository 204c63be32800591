"""Every code block of README.md and docs/ runs, and there is no kind of block that would quietly be skipped.

`python` blocks run here, in order, one namespace to a document; with prompts, their output is compared too. `sh` blocks
run in the group `docs`, line by line, with the `c` block of their page as main.c; a `text` block after one is its
output. The README's are the set-up commands, which `.ci/run` runs. Other `text` is compared by the tests in COMPARED. A
directive of MyST's that is listed here is no code.
"""

import doctest
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Document
from sybil.example import SybilFailure
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser
from together import together

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LANGUAGES = {"c", "python", "sh", "text"}
COMPARED = {"README.md": "test_readme.py", "from-pytorch.md": "test_side_by_side.py"}
NOT_RUN = {
    "git clone ": "takes the network",
    "pip install ": "takes the network; `.ci/run` installs",
    "python -m pip install ": "takes the network; `.ci/run` installs",
    "python3 -m venv .venv": "is in the README's commands, which `.ci/run` runs",
    ". .venv/bin/activate": "is of no use without the installation",
    "python -m sphinx -W ": "is what test_site.py runs, into a folder of its own",
    "python -m tests.benchmarks ": "takes half an hour and other libraries",
    "RAY_ADDRESS=": "takes a cluster",
    **dict.fromkeys(("apt-get ", "mmdebstrap ", "mount ", "chroot ", "umount "), "takes root and the network"),
}
"""Beginnings of commands that pages show and this file does not run, and why."""
NOT_EVERYWHERE = {"cc", "./main", "mpiexec"}  # left out where there is none
DIRECTIVES = {"figure", "glossary", "image", "math", "note", "seealso", "tip", "toctree", "warning"}
DIRECTIVE = re.compile(r"\{(\w+)\}[^`]*")
PICTURES = runpy.run_path(str(ROOT / "docs" / "generate_pictures.py"))
GALLERY = runpy.run_path(str(ROOT / "docs" / "generate_gallery.py"))
KEPT = r"pictures/([\w-]+\.(?:svg|html))"
MARKER = "<!-- .ci/run runs this -->"
FENCE = re.compile(r"[\s>*+\-\d.)]*(?P<fence>`{3,}|~{3,})(?P<language>.*)")  # quoted or listed ones too
LINK = re.compile(r"\]\((?!https?:|mailto:|#)(?P<target>[^)#\s]+)")

every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


def fences(text):
    """The fences that open a block: line number, the whole line, and its language."""
    closing = None
    for number, line in enumerate(text.splitlines(), start=1):
        found = FENCE.fullmatch(line)
        if closing is None and found:
            closing = found["fence"]
            yield number, line, found["language"].strip()
        elif found and found["fence"].startswith(closing) and not found["language"].strip():
            closing = None


def run(path):
    blocks = PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS)
    for example in Document.parse(str(path), blocks):
        example.evaluate()


def only_present_pictures(path, made):
    """Pictures that a page shows and leaves in the folder `made` are those of docs/pictures, up to their layout."""
    if path in PICTURES["PAGES"]:
        only_these(PICTURES["shown"](path), made, f"{path.name} draws; run docs/generate_pictures.py")


def only_these(names, made, by_whom):
    for name in names:
        present, kept = (PICTURES["words"](folder / name) for folder in (made, PICTURES["PICTURES"]))
        assert present == kept, f"{name} is not what {by_whom}"
        assert present


def only_blocks_that_run(path):
    text = path.read_text(encoding="utf-8")
    opened = list(fences(text))
    code = 0
    for number, line, language in opened:
        assert line == f"```{language}", f"{path.name}:{number}: a fence stands at the margin, as ```{language}"
        directive = DIRECTIVE.fullmatch(language)
        assert (directive[1] in DIRECTIVES) if directive else language in LANGUAGES, (
            f"{path.name}:{number}: {line!r}; a block is one of {', '.join(sorted(LANGUAGES))}, or a directive: "
            f"{', '.join(sorted(DIRECTIVES))}"
        )
        code += directive is None
    found = [example for language in LANGUAGES for example in Document.parse(str(path), CodeBlockParser(language, id))]
    assert len(found) == code, f"{path.name}: {code} blocks of code are opened and {len(found)} would be read"


@pytest.mark.parametrize(
    "path",
    [pytest.param(x, marks=[pytest.mark.thorough] * (x.name == "exercises.md")) for x in DOCUMENTS],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_every_code_block_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a block may leave files
    run(path)
    only_present_pictures(path, tmp_path)


def commands(path):
    """The commands of the `sh` blocks of a page that are to run here, each with what it prints, if the page says so."""
    for block, output in re.findall(
        r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", path.read_text("utf-8"), re.MULTILINE | re.DOTALL
    ):
        *before, last = block.splitlines()
        for command, expected in (*((line, "") for line in before), (last, output)):
            if not command.startswith(tuple(NOT_RUN)):
                yield command, expected


WITH_COMMANDS = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.distributed] if "mpiexec" in text else [])
    for path in DOCUMENTS[1:]
    if "\n```sh\n" in (text := path.read_text(encoding="utf-8"))
]


@pytest.mark.docs
@pytest.mark.parametrize("path", WITH_COMMANDS)
def test_every_command_of_a_page_runs(path, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")  # which some of them write to
    for name in ("README.md", "examples", "micrograd_np", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    run(path)  # leaves files that commands read
    (tmp_path / "main.c").write_text("".join(x.parsed for x in Document.parse(str(path), CodeBlockParser("c", id))))
    for command, expected in commands(path):
        program = command.split()[0]
        if program in NOT_EVERYWHERE and shutil.which(program) is None:
            continue
        done = subprocess.run(["bash", "-euc", command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert done.stdout == expected or not expected


def test_what_is_said_not_to_run_is_on_a_page():
    lines = [line for path in DOCUMENTS for line in path.read_text(encoding="utf-8").splitlines()]
    assert [start for start in NOT_RUN if not any(line.startswith(start) for line in lines)] == []


@together
@every_document
def test_every_text_is_what_a_command_prints_or_compared_elsewhere(path):
    text = path.read_text(encoding="utf-8")
    printed = re.findall(r"^```sh\n(?:(?!```).*\n)*```\n\n```text$", text, re.MULTILINE)
    assert path.name in COMPARED or text.count("\n```text\n") == len(printed)


@together
@every_document
def test_no_code_block_is_of_a_kind_that_nobody_runs(path):
    only_blocks_that_run(path)


@together
@every_document
def test_the_marked_commands_are_the_two_of_the_readme_that_ci_runs(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    shell = [number for number, _, language in fences("\n".join(lines)) if language == "sh"]
    marked = [number for number in shell if lines[number - 2] == MARKER]
    assert lines.count(MARKER) == len(marked) == (2 if path.name == "README.md" else 0)
    assert path.name != "README.md" or marked == shell, "nobody runs an unmarked sh block of the README"


@together
@every_document
def test_links_into_the_repository_lead_somewhere(path):
    targets = [path.parent / link["target"] for link in LINK.finditer(path.read_text(encoding="utf-8"))]
    assert [target for target in targets if not target.exists()] == []


@pytest.mark.parametrize("block", ["assert 1 + 1 == 3", ">>> 1 + 1\n3", "1 +"], ids=["code", "session", "syntax"])
def test_a_wrong_block_is_caught(tmp_path, block):
    page = tmp_path / "page.md"
    page.write_text(f"```python\n{block}\n```\n")
    with pytest.raises((AssertionError, SyntaxError, SybilFailure)):
        run(page)


@pytest.mark.parametrize(
    "opening",
    ["```", "```bash", "~~~python", "- ```python", "````python", "```{code-block} python", "````{note}\n```python"],
)
def test_a_block_that_would_be_skipped_is_caught(tmp_path, opening):
    page = tmp_path / "page.md"
    page.write_text(f"{opening}\nassert False\n{re.search('[`~]+', opening)[0]}\n")
    with pytest.raises(AssertionError, match="page"):
        only_blocks_that_run(page)


def test_a_directive_is_no_code(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```{toctree}\n:caption: Start\n\ntour\n```\n\n```{note} A title\nA sentence.\n```\n")
    only_blocks_that_run(page)


def test_a_picture_that_is_no_longer_what_the_page_draws_is_caught(tmp_path):
    page = ROOT / "docs" / "tutorial" / "02-the-forward-pass.md"
    picture = (ROOT / "docs" / "pictures" / "the-forward-pass.svg").read_text(encoding="utf-8")
    (tmp_path / "the-forward-pass.svg").write_text(picture, encoding="utf-8")
    only_present_pictures(page, tmp_path)
    (tmp_path / "the-forward-pass.svg").write_text(picture.replace("1.521", "1.52"), encoding="utf-8")
    with pytest.raises(AssertionError, match=r"run docs/generate_pictures\.py"):
        only_present_pictures(page, tmp_path)


@pytest.mark.thorough
def test_the_gallery_and_its_pictures_are_what_the_script_makes(tmp_path):
    GALLERY["main"](tmp_path)
    assert (tmp_path / "gallery.md").read_text("utf-8") == (ROOT / "docs" / "gallery.md").read_text("utf-8")
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert {"a-network-with-its-numbers.svg", "session.svg", "steps.html", "replay.html"} <= {*names}
    only_these(names, tmp_path / "pictures", "the gallery draws; run docs/generate_gallery.py")


def test_every_picture_is_one_that_a_script_makes_and_a_page_shows():
    pages = {path: path.read_text(encoding="utf-8") for path in DOCUMENTS}
    shown = {name for text in pages.values() for name in re.findall(KEPT, text)}
    drawn = {name for path in PICTURES["PAGES"] for name in PICTURES["shown"](path)}
    drawn |= {*re.findall(KEPT, pages[ROOT / "docs" / "gallery.md"]), "session.svg"}
    assert {path.name for path in PICTURES["PICTURES"].iterdir()} == shown == drawn


def test_every_how_to_page_shows_what_it_made():
    pages = [path for path in (ROOT / "docs" / "howto").glob("*.md") if path.stem != "index"]
    assert [path.name for path in pages if not PICTURES["shown"](path)] == []


def test_every_term_of_the_glossary_has_a_chinese_one_and_a_meaning():
    rows = re.findall(r"^\| (?!English|---)(.*) \|$", (ROOT / "docs" / "glossary.md").read_text("utf-8"), re.MULTILINE)
    cells = [row.split(" | ") for row in rows]
    assert len(cells) >= 60
    assert all(len(row) == 3 and all(row) for row in cells)
    english = [row[0] for row in cells]
    assert english == sorted(set(english), key=str.casefold)
