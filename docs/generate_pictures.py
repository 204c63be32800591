"""Draws the pictures of the pages: runs the code of each page, and keeps the pictures that it both makes and shows."""

import contextlib
import doctest
import html
import io
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PICTURES = HERE / "pictures"
PAGES = [
    *(page for folder in ("tutorial", "howto") for page in sorted((HERE / folder).glob("*.md"))),
    HERE / "quickstart.md",
    HERE / "walk.md",
]

os.environ["SOURCE_DATE_EPOCH"] = "0"  # so that matplotlib writes the same file every day


def shown(page):
    """The names of the pictures that a page shows."""
    return re.findall(r"!\[[^\]]*\]\((?:\.\./)?pictures/([^)]+\.svg)\)", page.read_text(encoding="utf-8"))


def run(page):
    """Run the sessions of a page in the current folder; drop what they print, and the errors that they expect."""
    import matplotlib as mpl

    namespace = {"__name__": "__main__"}
    blocks = "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
    with mpl.rc_context({"svg.hashsalt": page.stem}), contextlib.redirect_stdout(io.StringIO()):
        for example in doctest.DocTestParser().get_examples(blocks):
            with contextlib.suppress(Exception) if example.exc_msg else contextlib.nullcontext():
                exec(compile(example.source, page.name, "single"), namespace)  # noqa: S102


def words(picture):
    """What a picture shows, wherever it stands: texts, nodes and edges; what a page of the gallery names in its data.

    Matplotlib notes in comments what its letters are: these without numbers, for ticks and titles depend on how
    training went, and that may differ between processors.
    """
    svg = picture.read_text(encoding="utf-8")
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    texts += re.findall(r'class="(?:node|edge)">\s*<title>([^<]*)</title>', svg)
    texts += re.findall(r'"\w+":(?:"[^"]*")?', svg) if picture.suffix == ".html" else []
    texts += {re.sub(r"[-−.\d]+", "", note) for note in re.findall(r"<!-- (.*?) -->", svg) if "matplotlib" in svg}
    return sorted(map(html.unescape, texts))


def main(pages):
    """Write the pictures of the pages that were named, or of all."""
    for page in map(Path.resolve, map(Path, pages)) if pages else PAGES:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            run(page)
            for name in shown(page):
                if Path(name).exists():
                    shutil.copy(name, PICTURES / name)


if __name__ == "__main__":
    main(sys.argv[1:])
