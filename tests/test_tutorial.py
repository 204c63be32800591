"""Every chapter of the tutorial has what its readers rely on; tests/test_docs.py runs it and compares its pictures."""

import re
from pathlib import Path

import pytest
from together import together

TUTORIAL = Path(__file__).parents[1] / "docs" / "tutorial"
CHAPTERS = sorted(TUTORIAL.glob("[0-9]*.md"))

every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def text_of(path):
    return path.read_text(encoding="utf-8")


def heading(path):
    return text_of(path).partition("\n")[0].removeprefix("# ")


@together
@every_chapter
def test_a_chapter_says_what_its_reader_will_be_able_to_do(path):
    introduction = text_of(path).partition("```python")[0]
    assert re.search(r"^Afterwards you .*?\.$", introduction, re.MULTILINE | re.DOTALL)


@together
@every_chapter
def test_a_chapter_ends_in_a_picture_and_one_to_three_questions(path):
    body, _, questions = text_of(path).partition("\n## Try it\n")
    assert 1 <= len(re.findall(r"^\d\. ", questions, re.MULTILINE)) <= 3
    body = body.partition("\n## Where to go from here\n")[0]
    assert "](../pictures/" in body[body.rindex("\n## ") :]


@together
@every_chapter
def test_a_chapter_leads_to_the_one_before_it_and_the_one_after_it(path):
    i = CHAPTERS.index(path)
    last = text_of(path).rstrip().rpartition("\n\n")[2]
    neighbours = [f"[{heading(other)}]({other.name})" for other in CHAPTERS[max(i - 1, 0) : i + 2] if other != path]
    assert re.findall(r"\[[^]]+\]\([^)]+\)", last) == [
        *(neighbours[:1] if i else []),
        "[Contents](index.md)",
        *(neighbours[-1:] if i + 1 < len(CHAPTERS) else []),
    ]
    assert f"{i + 1}. " == heading(path)[: len(f"{i + 1}. ")]


def test_the_contents_list_every_chapter_in_order():
    listed = re.findall(r"^\d+\. \[([^]]+)\]\(([^)]+)\)", text_of(TUTORIAL / "index.md"), re.MULTILINE)
    assert listed == [(heading(path).partition(". ")[2], path.name) for path in CHAPTERS]
