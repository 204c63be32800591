"""Formulas as MathML, which browsers show without a script: `$x^2$` and `$$ … $$` in pages, `:math:` in docstrings."""

from docutils import nodes
from latex2mathml.converter import convert


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
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
