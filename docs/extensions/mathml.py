"""Formulas as MathML, which browsers show without a script: `$x^2$` and `$$ … $$` in pages, `:math:` in docstrings."""

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.locale import init
from sphinx.transforms import SphinxTransform
from sphinx.util.i18n import docname_to_domain


def visit_inline(self, node):
    """Write a formula within a line."""
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def visit_block(self, node):
    """Write a formula of its own."""
    self.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


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
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
