"""Formulas as MathML, which browsers show without a script: `$x^2$` and `$$ … $$` in pages, `:math:` in docstrings."""

import re

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.locale import init
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.i18n import docname_to_domain

AFTER = re.compile(r"[.,;:!?)\]”’。，；：！？）、]+")
LONG = 40  # characters of LaTeX; a phone shows a shorter formula in one line
MATRIX = re.compile(r"<mo>&#x00028;</mo>(<mtable>.*?</mtable>)<mo>&#x00029;</mo>")


def mathml(text, display):
    """A formula as MathML; few fonts have parentheses as high as a matrix, so its style draws them."""
    return MATRIX.sub(r'<mrow class="matrix">\1</mrow>', convert(text, display=display))


def parts(text):
    """A long formula cut before each of its equals signs that stand in no braces, so that lines can break there."""
    cuts = [x.start() for x in re.finditer("=", text) if text.count("{", 0, x.start()) == text.count("}", 0, x.start())]
    cuts = [0, *cuts] if len(text) > LONG and "\\left" not in text and "\\begin" not in text else [0]
    return [text[i:j] for i, j in zip(cuts, [*cuts[1:], None], strict=True) if text[i:j].strip()]


def visit_inline(self, node):
    """Write a formula within a line, together with the punctuation mark that follows it."""
    *before, formula = [mathml(part, "inline") for part in parts(node.astext())]
    mark = node.get("mark", "")
    self.body += [f"{part}<wbr>" for part in before]
    self.body.append(f'<span class="with-mark">{formula}{mark}</span>' if mark else formula)
    raise nodes.SkipNode


def visit_block(self, node):
    """Write a formula of its own."""
    self.body.append(f'<div class="math">{mathml(node.astext(), "block")}</div>')
    raise nodes.SkipNode


class KeepMarks(SphinxPostTransform):
    """A punctuation mark after a formula belongs to it, so that no line begins with one."""

    default_priority = 900

    def run(self, **_):
        """Take the mark from the text that follows, and give it to the formula."""
        for formula in list(self.document.findall(nodes.math)):
            after = formula.next_node(descend=False, siblings=True)
            if isinstance(after, nodes.Text) and (mark := AFTER.match(after)):
                formula["mark"] = mark[0]
                after.parent.replace(after, nodes.Text(after[mark.end() :]))


class TranslateFormulas(SphinxTransform):
    """Translate the words in formulas of their own: Sphinx would read their translation as reStructuredText."""

    default_priority = 15  # before Sphinx translates, at 20

    def apply(self):
        """Replace each formula by its translation, where there is one."""
        folders = [self.env.srcdir / folder for folder in self.config.locale_dirs]
        domain = docname_to_domain(self.env.docname, self.config.gettext_compact)
        catalogue, _ = init(folders, self.config.language, domain)
        for formula in self.document.findall(nodes.math_block):
            text = formula.rawsource or formula.astext()
            if (translated := catalogue.gettext(text)) != text:
                formula[:] = [nodes.Text(translated)]
                formula["translatable"] = False  # Sphinx leaves it alone


def setup(app):
    """Register the renderer that `html_math_renderer` names."""
    app.add_transform(TranslateFormulas)
    app.add_post_transform(KeepMarks)
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
