"""The site that Sphinx makes of `docs/`: complete, without warnings, readable offline, and in Chinese where it is."""

import importlib.util
import inspect
import io
import re
import subprocess
import sys
from functools import reduce
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import micrograd_np as mg

pytest.importorskip("sphinx", reason="the site is made by pip install 'micrograd_np[docs]'")
pytest.importorskip("furo", reason="the site is made by pip install 'micrograd_np[docs]'")

from babel.messages.pofile import read_po
from sphinx.util.inventory import InventoryFile

pytestmark = pytest.mark.docs
DOCS = Path(__file__).parents[1] / "docs"
ADDRESS = re.compile(r"(?:https?:)?//")
IMPORT = re.compile(r"^(?:>>> )?from (micrograd_np[\w.]*) import ([\w, ]+?)(?: as \w+)?$", re.MULTILINE)
FOR_CONTRIBUTORS = {"contributing", "programs", "walk"}  # import what is not public
WITHIN_STYLES = re.compile(r"""(?:@import\s+|url\()\s*["']?((?:https?:)?//[^"')]+)""")


def build(source, target, language="en", builder="html"):
    settings = ["-D", f"language={language}", "-D", "translation_progress_classes=untranslated"]
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", builder, *settings, source, target]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def catalogues():
    """The script that brings the catalogues up to date, as a module."""
    spec = importlib.util.spec_from_file_location("update_catalogues", DOCS / "update_catalogues.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def english(tmp_path_factory):
    return build(DOCS, tmp_path_factory.mktemp("en"))


@pytest.fixture(scope="module")
def chinese(tmp_path_factory):
    return build(DOCS, tmp_path_factory.mktemp("zh"), "zh_CN")


@pytest.fixture(scope="module")
def templates(catalogues):
    return catalogues.templates()


def public(module):
    """Every name that the package offers, from its modules alone."""
    values = {name: x for name, x in vars(module).items() if inspect.isroutine(x) or inspect.isclass(x)}
    own = [name for name, x in values.items() if x.__module__ == module.__name__]
    for name in getattr(module, "__all__", own):
        if not name.startswith("_"):
            x = getattr(module, name)
            yield f"{module.__name__}.{name}"
            if inspect.ismodule(x) and x.__name__.startswith("micrograd_np"):
                yield from (f"{module.__name__}.{name}{other.removeprefix(x.__name__)}" for other in public(x))


def test_every_public_name_has_an_entry(english):
    inventory = InventoryFile.loads((english / "objects.inv").read_bytes(), uri="")
    listed = {name for kind, found in inventory.data.items() if kind.startswith("py:") for name in found}
    offered = {name for module in (mg, mg.onnx, mg.sklearn, mg.distributed) for name in public(module)}
    assert {"micrograd_np.onnx.export", "micrograd_np.sklearn.NeuralClassifier"} <= offered
    assert sorted(offered - listed) == [], "give each an entry: name its module, or its file, in docs/reference/*.rst"
    pages = [DOCS.parent / "README.md", *(x for x in DOCS.rglob("*.md") if x.stem not in FOR_CONTRIBUTORS)]
    imports = [line for page in pages for line in IMPORT.findall(page.read_text("utf-8"))]
    imported = {f"{module}.{name}" for module, names in imports for name in names.replace(" ", "").split(",")}
    assert {"micrograd_np.core.primitive.primitive", "micrograd_np.torch.nn"} <= imported
    assert sorted(imported - listed) == []
    methods = {f"micrograd_np.Tensor.{name}" for name in dir(mg.Tensor(1.0)) if not name.startswith("_")}
    assert methods - listed == {"micrograd_np.Tensor.result_type"}  # for the primitives only


def test_every_name_of_the_namespace_torch_is_on_its_page(english):
    page = (english / "reference" / "torch.html").read_text(encoding="utf-8")
    listed = set(re.findall(r'class="pre">(\w+)<', page))
    torch = mg.torch
    parts = [torch, torch.Tensor, torch.nn.modules, torch.nn.functional, torch.optim, torch.utils.data]
    values = {name: x for part in parts for name, x in inspect.getmembers_static(part) if name[0] != "_"}
    public = {name for name, x in values.items() if not inspect.ismodule(x) and not hasattr(x, "hint")}  # what to write
    assert {"conv_transpose2d", "Conv2d", "index_add_", "DataLoader"} <= public
    assert public - listed == {"missing"}  # which writes messages


def test_the_pages_that_a_link_says_are_numpys_are_about_something_that_numpy_has(english):
    pages = "".join(path.read_text(encoding="utf-8") for path in (english / "reference").glob("*.html"))
    linked = set(re.findall(r"/generated/numpy\.([\w.]+)\.html", pages))
    assert len(linked) > 100
    assert [name for name in linked if not reduce(lambda x, part: getattr(x, part, None), name.split("."), np)] == []


class Loaded(HTMLParser):
    """What a browser loads to show a page: scripts, styles, fonts and images."""

    def __init__(self, page):
        super().__init__()
        self.addresses = WITHIN_STYLES.findall(page)
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        names = ("src", "srcset", "data", "poster", "xlink:href") if tag != "link" else ("href",)
        names += ("href",) if tag in {"image", "use"} else ()
        self.addresses += [x for name, x in attributes if name in names and x and ADDRESS.match(x)]


@pytest.mark.parametrize("language", ["english", "chinese"])
def test_nothing_is_loaded_from_outside(request, language):
    folder = request.getfixturevalue(language)
    files = [path for path in folder.rglob("*") if path.suffix in {".html", ".svg", ".css"}]
    assert len(files) > 50
    assert {path.name: found for path in files if (found := Loaded(path.read_text(encoding="utf-8")).addresses)} == {}


@pytest.mark.parametrize(
    "line",
    [
        "<script src='https://x.org/a.js'></script>",
        "<link rel=preload href=//x.org/a.woff>",
        "<img src=http://x.org/a>",
    ],
)
def test_what_would_be_loaded_from_outside_is_seen(line):
    assert Loaded(line).addresses
    assert Loaded("<style>@font-face {src: url('https://x.org/a')}</style>").addresses
    assert not Loaded("<a href='https://x.org/'>elsewhere</a>").addresses


def test_what_is_translated_is_translated_whole_and_up_to_date(catalogues, templates):
    assert {page: found for page, template in templates.items() if (found := catalogues.faults(page, template))} == {}


def test_the_catalogues_are_as_the_script_writes_them(catalogues, templates):
    files = {path.relative_to(catalogues.CATALOGUES).as_posix() for path in catalogues.CATALOGUES.rglob("*.po")}
    assert files == {f"{page}.po" for page in templates}
    for page, template in templates.items():
        assert (catalogues.CATALOGUES / f"{page}.po").read_text(encoding="utf-8") == catalogues.updated(page, template)


def test_the_first_page_is_in_chinese(chinese):
    page = (chinese / "index.html").read_text(encoding="utf-8")
    assert '<html class="no-js" lang="zh-CN"' in page
    assert len(re.findall(r"[\u4e00-\u9fff]", page)) > 500


def test_every_translated_message_is_on_its_page(chinese, templates):
    pages = {page: (chinese / f"{page}.html").read_text(encoding="utf-8") for page in templates}
    english = r"<(?!img)\w+ [^>]*\buntranslated\b.*"  # Sphinx says so of images, too, whose descriptions are translated
    assert {page: found for page, text in pages.items() if (found := re.findall(english, text))} == {}


PAGE = "# 1. A unit\n\nIt computes\n\n$$w x + b \\text{ or more}$$\n\n```python\n>>> 1 + 1\n2\n```\n"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site of one page with this one's settings but no theme and no reference."""
    settings = "extensions = ['myst_parser', 'mathml', 'copyable']\n"
    settings += f"import sys; sys.path.insert(0, {str(DOCS / 'extensions')!r})\n"
    settings += "html_math_renderer = 'mathml'\nmyst_enable_extensions = ['dollarmath']\nlocale_dirs = ['locale']\n"
    (tmp_path / "conf.py").write_text(settings)
    (tmp_path / "index.md").write_text(PAGE)
    return tmp_path


def test_formulas_are_mathml(site):
    page = unescape((build(site, site / "html") / "index.html").read_text(encoding="utf-8"))
    assert re.search(r"<math .*?<mi>w</mi><mi>x</mi><mo>\+</mo><mi>b</mi>.*?</math>", page)
    assert not re.search(r"<script[^>]*mathjax", page, re.IGNORECASE)


def test_a_punctuation_mark_stays_with_its_formula_and_parentheses_are_as_high_as_their_matrix(site):
    (site / "index.md").write_text(
        "# Page\n\nSo $x + 1$. Or $y$: ($z$)?\n\n$$\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}$$\n"
    )
    page = unescape((build(site, site / "html") / "index.html").read_text(encoding="utf-8"))
    assert re.findall(r'<span class="with-mark"><math.*?</math>(.*?)</span>([^<]*)', page) == [
        (".", " Or "),
        (":", " ("),
        (")?", ""),
    ]
    assert re.search(r'<mrow class="matrix"><mtable>.*?</mtable></mrow>', page)


def test_a_long_formula_can_be_broken_before_its_equals_signs(site):
    (site / "index.md").write_text("# Page\n\n$x = 1$, $dE/dw = 2 \\cdot h^{a = b} = 2.46642420 \\cdot 0.73105858$.\n")
    page = unescape((build(site, site / "html") / "index.html").read_text(encoding="utf-8"))
    assert [len(re.findall("<mo>=</mo>", part)) for part in page.split("<wbr>")] == [1, 2, 1]


CODE = """# Page

```python
>>> def twice(x):
...     return 2 * x
>>> for i in range(2):
...     twice(i)
0
2
>>> @str
... class A:
...     a = 1
>>> twice(
...     21
... )
42
```

```python
class B:
    \"\"\"Says:

    nothing.\"\"\"

    b = 2

    def c(self):
        return [
            self.b,

        ]


print(f"b is {B().c()}")
```

```text
for whom? for nobody
```
"""


def copied(page):
    """What the copy button copies of each block: its text, without prompts and answers."""
    for block in re.findall(r"<pre>(.*?)</pre>", page, re.DOTALL):
        lines = unescape(re.sub(r"<[^>]*>", "", block)).split("\n")
        typed = [line[4:] if line.startswith((">>> ", "... ")) else line for line in lines]
        prompts = [text for line, text in zip(lines, typed, strict=True) if text is not line or not line.strip()]
        yield "\n".join(prompts if any(line.startswith(">>> ") for line in lines) else lines).removesuffix("\n")


def test_what_the_copy_button_copies_runs_at_a_prompt(site):
    (site / "index.md").write_text(CODE)
    page = (build(site, site / "html") / "index.html").read_text(encoding="utf-8")
    *programs, words = copied(page)
    assert words == "for whom? for nobody"
    for program, prints in zip(programs, ("0\n2\n42\n", "b is [2]\n"), strict=True):
        typed = [sys.executable, "-i", "-q", "-c", ""]
        done = subprocess.run(typed, input=f"{program}\n", capture_output=True, text=True, check=False)
        assert "Error" not in done.stderr, done.stderr
        assert done.stdout == prints


def test_a_page_that_is_in_both_languages_leads_to_the_other(english, chinese, templates):
    for page in templates:
        for folder, name in ((english, "zh"), (chinese, "en")):
            text = (folder / f"{page}.html").read_text(encoding="utf-8")
            assert f'href="{"../" * (page.count("/") + 1)}{name}/{page}.html"' in text
    assert 'class="languages"' not in (english / "tour.html").read_text(encoding="utf-8")
    assert 'href="../en/tour.html"' in (chinese / "tour.html").read_text(encoding="utf-8")


def test_a_title_that_has_the_word_is_found_before_a_page_that_mentions_it(english):
    scores = (english / "_static" / "language_data.js").read_text("utf-8")
    found = re.search(r"\btitle: (\d+).*?\bterm: (\d+)", scores, re.DOTALL)
    assert int(found[1]) > 10 * int(found[2])


def test_a_translated_message_replaces_the_english_one_and_code_stays(site, catalogues):
    template = read_po(io.BytesIO((build(site, site / "pot", builder="gettext") / "index.pot").read_bytes()))
    english = ["1. A unit", "It computes", r"w x + b \text{ or more}"]
    assert [message.id for message in template if message.id] == english
    folder = site / "locale" / "zh_CN" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    written = folder / "index.po"
    written.write_text(catalogues.updated("index", template, folder), encoding="utf-8")
    assert catalogues.faults("index", template, folder) == [f"untranslated: {message}" for message in english]
    messages = catalogues.catalogue("index", folder)
    for message, translation in zip(english, ["1. 神经元", "它计算", r"w x + b \text{ 或更多}"], strict=True):
        messages[message].string = translation
    written.write_text(catalogues.text(messages), encoding="utf-8")
    written.write_text(catalogues.updated("index", template, folder), encoding="utf-8")
    assert catalogues.faults("index", template, folder) == []
    page = (build(site, site / "zh", "zh_CN") / "index.html").read_text(encoding="utf-8")
    assert ">1. 神经元<" in page
    assert "它计算" in page
    assert "或更多</mtext>" in page
    assert "A unit" not in page
    assert "or more" not in page


def test_a_message_that_has_changed_is_fuzzy_until_it_is_translated_anew(tmp_path, catalogues):
    def template(sentence):
        return read_po(io.BytesIO(f'msgid "{sentence}"\nmsgstr ""\n'.encode()))

    written = tmp_path / "page.po"
    written.write_text(f'{catalogues.HEADER}msgid "A unit adds two numbers."\nmsgstr "神经元"\n', encoding="utf-8")
    changed = template("A unit adds three numbers.")
    stale = ["missing: A unit adds three numbers.", "stale: A unit adds two numbers."]
    assert catalogues.faults("page", changed, tmp_path) == stale
    written.write_text(catalogues.updated("page", changed, tmp_path), encoding="utf-8")
    assert catalogues.faults("page", changed, tmp_path) == ["fuzzy: A unit adds three numbers."]
    assert "神经元" in written.read_text(encoding="utf-8")
