"""docs/tour.md is true: its files exist, are those of the step, and are less than 5,000 lines."""

import re
import sys
from pathlib import Path

from test_architecture import FLOORS

ROOT = Path(__file__).parents[1]
TOUR = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
FILES = re.findall(r"^\| `(micrograd_np/[\w/]+\.py)` \|", TOUR, flags=re.MULTILINE)

NAMED = {name for name in re.findall(r"`((?:\w+/)+\w+\.py)`", TOUR) if not name.startswith("micrograd_np/")}


def test_each_file_of_the_tour_is_there_once():
    assert len(FILES) == len(set(FILES)) > 20
    assert [name for name in FILES if not (ROOT / name).is_file()] == []
    assert [name for name in NAMED if not (ROOT / "micrograd_np" / name).is_file()] == []


def test_the_step_that_is_followed_calls_no_file_that_is_not_named():
    lines = re.findall(r"^>>> (.*)", TOUR, flags=re.MULTILINE)
    called, names = set(), {}

    def note(frame, event, _):
        if event == "call":
            called.add(frame.f_code.co_filename)

    exec("\n".join(lines[:-3]), names)
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        exec("\n".join(lines[-3:]), names)
    finally:
        sys.setprofile(before)
    package = ROOT / "micrograd_np"
    files = {path.relative_to(package).as_posix() for path in map(Path, called) if path.is_relative_to(package)}
    assert len(files) > 10
    unnamed = files - NAMED - {name.removeprefix("micrograd_np/") for name in FILES}
    assert unnamed == set(), "name them in docs/tour.md, or let the step do without"


def test_the_tour_is_read_in_an_evening():
    lines = sum(len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in FILES)
    assert lines <= 5000, "shorten one of the files of the tour by as many lines"


def test_the_rows_of_the_folders_are_the_floors():
    table = re.search(r"\| folder \|.*?\n\n", TOUR, flags=re.DOTALL)[0].strip()
    rows = [set(re.findall(r"`([\w/]+)`", row.split("|")[1])) for row in table.splitlines()[2:]]
    floors = [{room.replace(".", "/") for room in floor} for floor in FLOORS]
    folders = [{room for room in floor if (ROOT / "micrograd_np" / room).is_dir()} for floor in floors]
    assert [row for row in rows if row] == [floor for floor in folders if floor]
