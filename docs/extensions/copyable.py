"""What the copy button copies runs at a prompt: an empty line ends each compound statement, and none stands inside.

The lines that a prompt needs and a reader does not are in the page, unseen.
"""

import ast
import doctest
import re
from html import unescape

from pygments.formatters import HtmlFormatter
from sphinx.highlighting import PygmentsBridge


def needed(text):
    """What a prompt needs: the lines, from 0, after which an empty one stands, and an indent for each that is empty."""
    if ">>> " in text:
        examples = doctest.DocTestParser().get_examples(text)
        return {x.lineno + last for x in examples for _, last in compound(ast.parse(x.source))}, {}
    lines, program = text.splitlines(), ast.parse(text)
    texts = [x for x in ast.walk(program) if isinstance(x, (ast.Constant, ast.JoinedStr))]
    within = {line for x in texts for line in range(x.lineno, x.end_lineno)}
    ends, indents = set(), {}
    for first, last in compound(program):
        ends |= {last} if "".join(lines[last + 1 : last + 2]).strip() else set()
        for i in range(last, first, -1):
            if not lines[i].strip() and i not in within:
                indents[i] = indents.get(i + 1) or re.match(r"\s*", lines[i + 1])[0]
    return ends, indents


def compound(program):
    """The first and the last line of each compound statement."""
    for x in program.body:
        if hasattr(x, "body") or hasattr(x, "cases"):
            yield min([x.lineno, *(d.lineno for d in getattr(x, "decorator_list", ()))]) - 1, x.end_lineno - 1


def unseen(text):
    """`text` for the clipboard alone."""
    return f'<span class="unseen">{text}</span>' if text else ""


class Copyable(HtmlFormatter):
    """Highlighted code with such lines."""

    def wrap(self, source):
        """The lines of `source` and the unseen ones."""
        lines = list(source)
        try:
            ends, indents = needed("".join(unescape(re.sub(r"<[^>]*>", "", line)) for _, line in lines))
        except (SyntaxError, ValueError):  # not Python
            ends, indents = set(), {}
        for i, (kind, line) in enumerate(lines):
            before, after = unseen(indents.get(i, "")), unseen("\n" * (i in ends))
            lines[i] = kind, f"{before}{line}{after}"
        return super().wrap(iter(lines))


def setup(_):
    """Highlight code in that way."""
    PygmentsBridge.html_formatter = Copyable
    return {"parallel_read_safe": True, "parallel_write_safe": True}
