"""Claims about self-contained pages: what reaches them is data, and a file is whole or not there."""

import base64
import hashlib
import html
import json
import re

import numpy as np
import pytest

from micrograd_np.pictures import page as module
from micrograd_np.pictures.page import embed, fill, numbers, write

MARKUP = "</script><script>alert(1)</script><!--<b>&amp;\u2028"


def data_in(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])


def test_data_comes_back_as_it_was_and_ends_no_element():
    page = fill("steps", MARKUP, {MARKUP: [MARKUP, 1.5, None]}, graph="")
    assert data_in(page) == {MARKUP: [MARKUP, 1.5, None]}
    assert page.count("<script") == 2
    assert "<!--" not in page
    assert f"<title>{html.escape(MARKUP)}</title>" in page


def test_holes_in_data_are_not_filled_again():
    assert data_in(fill("steps", "$script", "$style ${data} $$", graph="")) == "$style ${data} $$"


@pytest.mark.parametrize("element", ["script", "style"])
def test_the_policy_admits_the_pages_own_script_and_style_and_nothing_else(element):
    page = fill("steps", "", {}, graph="")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    content = re.search(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    assert f"{element}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert not re.search(r'(src|href)="|style="| on\w+="|url\((?!#)|@import|https?://', page)


def test_numbers_come_back_exactly_and_what_json_lacks_is_spelt():
    x = np.array([[0.1, np.nan], [-np.inf, np.inf]])
    assert numbers(x) == [[0.1, "nan"], ["-inf", "inf"]]
    assert numbers(np.float32(0.1)) == float(np.float32(0.1))
    assert numbers(np.longdouble(0.5)) == 0.5
    assert numbers(np.array([True, False])) == [True, False]
    with pytest.raises(ValueError, match="JSON"):
        fill("steps", "", np.inf, graph="")


def test_nul_is_drawn_and_a_lone_surrogate_is_no_error():
    page = fill("steps", "a\0b\ud800", {}, graph="")
    assert "<title>a␀b?</title>" in page
    page.encode()


def test_a_frame_holds_the_whole_page_as_text():
    frame = embed('<p class="x">&amp;</p>', 'a "title"')
    assert html.unescape(re.search(r'srcdoc="([^"]*)"', frame)[1]) == '<p class="x">&amp;</p>'
    assert 'sandbox="allow-scripts"' in frame


def test_an_interrupted_write_leaves_the_old_page(tmp_path, monkeypatch):
    path = write(tmp_path / "page.html", "old")

    def fail(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.Path, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        write(path, "new")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_other_suffixes_and_pages_above_the_limit_are_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"'page\.svg' ends in '\.svg'.*html"):
        write(tmp_path / "page.svg", "")
    monkeypatch.setattr(module, "SIZE_LIMIT", 3)
    with pytest.raises(ValueError, match=r"page\.html would have 4 bytes, above the limit of 3"):
        write(tmp_path / "page.html", "1234")
    with pytest.raises(FileNotFoundError, match=r"there is no folder '.*new' for page\.html; make it first"):
        write(tmp_path / "new" / "page.html", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["steps", "replay"])
def test_the_pages_of_the_gallery_are_made_of_the_present_templates(name):
    docs = module.TEMPLATES.parents[2] / "docs"
    if not docs.exists():
        pytest.skip("the package is installed without its docs")
    page = (docs / "pictures" / f"{name}.html").read_text(encoding="utf-8")
    for part in ("page.css", f"{name}.css", f"{name}.js"):
        assert (module.TEMPLATES / part).read_text(encoding="utf-8") in page, "run docs/generate_gallery.py"
