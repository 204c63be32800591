"""How Sphinx builds the site: `python -m sphinx -W docs build/docs/en`.

In Chinese it is `python -m sphinx -W -D language=zh_CN docs build/docs/zh`: pages of `en` and `zh` link to each other.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))

project = "micrograd_np"
extensions = ["myst_parser", "sphinx_copybutton", "copyable", "mathml", "reference", "torch_names"]
html_theme = "furo"
html_title = project
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_search_scorer = str(HERE / "search_scorer.js")
templates_path = ["_templates"]
parts = ("brand", "search", "languages", "scroll-start", "navigation", "scroll-end")
html_sidebars = {"**": [f"sidebar/{part}.html" for part in parts]}
html_context = {"languages": {"en": ("en", "English"), "zh": ("zh-CN", "中文")}}  # by the folder of each site
pygments_style = "friendly"
pygments_dark_style = "native"
nitpicky = True

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3  # GitHub's: `tour.md#1-an-op`

copybutton_prompt_text = r">>> |\.\.\. "  # what is typed, without prompts and answers
copybutton_prompt_is_regexp = True

locale_dirs = ["locale"]
gettext_compact = False  # a catalogue for each page
gettext_uuid = False
gettext_location = False


def links_as_on_github(_, docname, source):
    """Make the README the first page, and a link to a folder one to its index."""
    if docname == "index":
        text = (HERE.parent / "README.md").read_text(encoding="utf-8")
        text = re.sub(r"\]\((?!\w+:|#)", "](../", text).replace("](../docs/", "](")
        written = [x for x in source[0].splitlines() if not x.endswith("*") or any(HERE.glob(f"{x}.md"))]
        source[0] = "\n".join([text, *written])  # a section stands in index.md before its pages do
    source[0] = re.sub(r"\]\((?!\w+:)([^)#\s]*/)\)", r"](\1index.md)", source[0])


def say_if_in_both(app, pagename, _template, context, _doctree):
    """Let a page know whether it is there in every language: one with a catalogue is."""
    catalogues = HERE / "locale" / "zh_CN" / "LC_MESSAGES"
    context["in_both"] = app.config.language != "en" or (catalogues / f"{pagename}.po").exists()


def setup(app):
    """Connect the pages to what GitHub shows."""
    app.connect("source-read", links_as_on_github)
    app.connect("html-page-context", say_if_in_both)
