"""Self-contained HTML pages: a template of the wheel, its style and script, and the data they show, in one file.

A page loads nothing. Its content policy admits only the style and the script in it, by their hashes, so markup that
reaches the page in a name or a value cannot run. A template is a file ``templates/NAME.html``, the body of
``page.html``; ``page.css`` and, where they exist, ``NAME.css`` and ``NAME.js`` go into it.
"""

import json
import math
import os
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from .render import target

SIZE_LIMIT = 5_000_000
"""Bytes that a page may have: a browser on a phone opens it, and a repository or a mail takes it."""

TEMPLATES = Path(__file__).with_name("templates")


def fill(name: str, title: str, data: Any = None, **fragments: str) -> str:
    """The page of template `name` as HTML, with `data` (anything that JSON can hold) in ``<script id="data">``.

    `title` is text and is escaped. `fragments` fill the template's other holes as they are: they are HTML, and their
    makers escape what is data in them. ValueError for nan and infinity, which JSON lacks: `numbers` spells them.

    >>> "<b>" in fill("steps", "<b>", {"note": "</script><b>"}, graph="")
    False
    """
    style = "".join(template(f"{part}.css") for part in ("page", name))
    script = template(f"{name}.js")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for mark in "<>&\u2028\u2029":  # nothing in the data ends its element or begins another
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    holes = {"title": escape(title), "policy": policy, "style": style, "script": script, "data": text, **fragments}
    page = Template(template("page.html").replace("$body", template(f"{name}.html"))).substitute(holes)
    return page.replace("\0", "␀").encode(errors="replace").decode()  # lone surrogates are no UTF-8


def embed(page: str, title: str) -> str:
    """The page as HTML for a notebook's cell: in a frame without access to the notebook."""
    return (
        f'<iframe title="{escape(title)}" sandbox="allow-scripts" width="100%" height="720" '
        f'style="border:0" srcdoc="{escape(page)}"></iframe>'
    )


def write(path: str | Path, page: str) -> Path:
    """Write the page to a file beside `path` and rename it, so that a reader finds a whole page; return the path.

    ValueError unless the name ends in .html or .htm, or if the page has more than `SIZE_LIMIT` bytes;
    FileNotFoundError if there is no such folder.
    """
    path, _ = target(path, ("html", "htm"))
    content = page.encode()
    if len(content) > SIZE_LIMIT:
        raise ValueError(f"save: {path.name} would have {len(content):,} bytes, above the limit of {SIZE_LIMIT:,}.")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return path


def numbers(x: Any) -> Any:
    """An array or a number as (nested lists of) what JSON holds without loss; nan and ±inf as strings.

    >>> numbers(np.array([1.5, np.inf]))
    [1.5, 'inf']
    """
    if isinstance(x, list):
        return [numbers(part) for part in x]
    if isinstance(x, np.ndarray):
        return numbers(x.tolist())
    if isinstance(x, np.generic):
        x = float(x) if isinstance(x, np.floating) else x.item()  # a longdouble is its own item()
    return str(x) if isinstance(x, complex) or (isinstance(x, float) and not math.isfinite(x)) else x


@cache
def template(file: str) -> str:
    """The text of a file in the folder of templates; empty where there is none."""
    path = TEMPLATES / file
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
