"""Bring `docs/locale/zh_CN` up to date with the English pages: `python docs/update_catalogues.py`.

A message that has changed keeps its translation, marked `#, fuzzy`: translate it anew and delete the mark. New ones are
empty, and those of no page any more are gone. A test of the group `docs` fails while any is empty, fuzzy or stale.
"""

import io
import re
import subprocess
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path

from babel.messages.pofile import read_po, write_po

HERE = Path(__file__).parent
CATALOGUES = HERE / "locale" / "zh_CN" / "LC_MESSAGES"
TRANSLATED = ("index", "quickstart", "tutorial/*", "exercises")  # what is not here stays English; index is the README
HEADER = 'msgid ""\nmsgstr ""\n"Language: zh_CN\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'


def templates(source=HERE):
    """The messages of the pages that are translated: a template for each page, under its name."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "gettext", source, folder]
        subprocess.run(command, check=True)  # noqa: S603
        found = {path.relative_to(folder).with_suffix("").as_posix(): path for path in Path(folder).rglob("*.pot")}
        pages = sorted(page for page in found if any(fnmatch(page, pattern) for pattern in TRANSLATED))
        return {page: read_po(io.BytesIO(found[page].read_bytes())) for page in pages}


def catalogue(page, folder=CATALOGUES):
    """The translated messages of a page; an empty catalogue if there are none yet."""
    path = folder / f"{page}.po"
    return read_po(io.BytesIO(path.read_bytes() if path.exists() else HEADER.encode()), locale="zh_CN")


def text(messages):
    """What stands in a catalogue's file: no dates, no places, nothing that differs from machine to machine."""
    written = io.BytesIO()
    write_po(written, messages, width=100, omit_header=True, no_location=True, ignore_obsolete=True)
    return HEADER + written.getvalue().decode()


def updated(page, template, folder=CATALOGUES):
    """The text of a page's catalogue, once it has the messages of its template."""
    messages = catalogue(page, folder)
    messages.update(template, update_header_comment=False)
    for message in messages:
        message.auto_comments, message.previous_id = [], []
        message.string = re.sub(r"^(\d+)\. ", r"\1\\. ", message.string)  # a title; Markdown would begin a list
    return text(messages)


def faults(page, template, folder=CATALOGUES):
    """What is wrong with the catalogue of a page: messages that are missing, empty, fuzzy or no longer there."""
    english = {message.id for message in template if message.id}
    chinese = {message.id: message for message in catalogue(page, folder) if message.id}
    found = [f"missing: {message}" for message in sorted(english - chinese.keys())]
    found += [f"stale: {message}" for message in sorted(chinese.keys() - english)]
    found += [f"fuzzy: {name}" for name, message in chinese.items() if message.fuzzy]
    return found + [f"untranslated: {name}" for name, message in chinese.items() if not message.string]


if __name__ == "__main__":
    for name, messages_of_page in templates().items():
        place = CATALOGUES / f"{name}.po"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(updated(name, messages_of_page), encoding="utf-8")
        print(f"{place.relative_to(HERE)}: {len(faults(name, messages_of_page))} messages to translate")
