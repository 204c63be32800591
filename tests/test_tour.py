"""docs/tour.md is true: its files exist, and reading them all is less than 5,000 lines."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOUR = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
FILES = re.findall(r"^\| `(micrograd_np/[\w/]+\.py)` \|", TOUR, flags=re.MULTILINE)


def test_each_file_of_the_tour_is_there_once():
    assert len(FILES) == len(set(FILES)) > 20
    assert [name for name in FILES if not (ROOT / name).is_file()] == []
    mentioned = {name for name in re.findall(r"`((?:\w+/)+\w+\.py)`", TOUR) if not name.startswith("micrograd_np/")}
    assert [name for name in mentioned if f"micrograd_np/{name}" not in FILES] == []


def test_the_tour_is_read_in_an_evening():
    assert sum(len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in FILES) <= 5000


def test_every_folder_has_its_row():
    rows = set(re.findall(r"`([\w/]+)`", re.search(r"\| folder \|.*?\n\n", TOUR, flags=re.DOTALL)[0]))
    folders = {p.name for p in (ROOT / "micrograd_np").iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert folders <= rows
