"""What PyTorch gave: numbers and texts by name, which ``python tests/peers/record_numbers.py`` has written."""

from functools import cache
from pathlib import Path

from torch_names.answers import load

FILE = Path(__file__).with_name("recorded.npz")


class Answers(dict):
    """Answers by name; KeyError for what is not recorded."""

    def __missing__(self, name):
        raise KeyError(f"{name!r} is not in tests/recorded.npz; run: python tests/peers/record_numbers.py")


@cache
def answers():
    """For each name an array of numbers, and a text."""
    entries, array = load(FILE)
    return Answers({name: (array(place), text) for name, place, text in entries})
