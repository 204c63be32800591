"""Formulas as MathML, which browsers show without a script: `$x^2$` and `$$ … $$` in pages, `:math:` in docstrings."""

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.locale import init as catalogue
from sphinx.transforms import SphinxTransform
from sphinx.util.i18n import docname_to_domain


class TranslateFormulas(SphinxTransform):
    """Put the translation of a formula in its place: Sphinx would write it as reST, which MyST shows as `::`."""

    default_priority = 19  # just before Sphinx's own

    def apply(self):
        """Translate the formulas of a page that stand by themselves."""
        folders = [self.env.srcdir / folder for folder in self.config.locale_dirs]
        page = docname_to_domain(self.env.docname, self.config.gettext_compact)
        messages, _ = catalogue(folders, self.config.language, page)
        for node in self.document.findall(nodes.math_block):
            node.rawsource = messages.gettext(node.astext())
            node[:] = [nodes.Text(node.rawsource)]


def visit_inline(self, node):
    """Write a formula within a line."""
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def visit_block(self, node):
    """Write a formula of its own."""
    self.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def setup(app):
    """Register the renderer that `html_math_renderer` names."""
    app.add_transform(TranslateFormulas)
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
