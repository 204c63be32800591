"""The API reference from docstrings: `.. public:: micrograd_np.optim` writes an entry for each public name.

A name stands on one page, that of the last module in `PAGES` which exports it, under its shortest spelling; its other
spellings lead there, too. A name in backticks is a link where there is such a name.
"""

import importlib
import inspect
import re

import numpy as np
from docutils import nodes
from public_names import PACKAGE, SAME_PAGE, document, entries, is_public, members, signature
from sphinx.addnodes import pending_xref
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

NUMPY_SCALARS = "https://numpy.org/doc/stable/reference/arrays.scalars.html#numpy.{}"
NUMPY = "https://numpy.org/doc/stable/reference/generated/numpy.{}.html"


def rst(text, inside="", parameters=()):
    """A docstring as reStructuredText: names in backticks are links or code, and nothing else is markup."""
    lines, block, after = [], False, 0
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if line.strip().startswith(">>>"):
            block = True
        elif block and not line.strip():
            block = False
        elif after and line.strip() and indent < after:
            after = 0
        if block or (after and line.strip()):
            lines.append(line)
            continue
        lines.append(prose(line, inside, parameters))
        if line.rstrip().endswith("::"):
            after = indent + 1
    return "\n".join(lines)


def prose(line, inside, parameters):
    """One line of a docstring outside of its examples."""
    pieces = []
    for piece in re.split(r"(``[^`]+``|`[^`]+`)", line):
        if piece.startswith("``"):
            pieces.append(piece)
        elif piece.startswith("`") and len(piece) > 1:
            text = piece[1:-1]
            places = (f"{inside}.{text}", f"{inside.rpartition('.')[0]}.{text}".lstrip("."), text)
            target = text not in parameters and next(filter(None, map(is_public, places)), None)
            pieces.append(f":py:obj:`{text} <{target}>`" if target else f"``{text}``")
        else:
            pieces.append(re.sub(r"([*|\\]|(?<=\w)_(?!\w))", r"\\\1", piece))
    return "".join(pieces)


def indented(text, by=3):
    """Every line `by` spaces further in."""
    return "\n".join(" " * by + line if line else line for line in text.splitlines())


def entry_of(name, value, role="function", text="", inside=""):
    """The directive of one name, with its members if it is a class."""
    arguments = "" if role in {"property", "data"} else signature(value)
    parameters = re.findall(r"\w+", arguments)
    body = [rst(text, inside or name, parameters)]
    if role in {"class", "exception"}:
        for method, (x, about) in members(value).items():
            kind = "method" if callable(x) else "property"
            body.append(entry_of(method, x, kind, about, name))
    return f".. py:{role}:: {name}{arguments}\n\n" + indented("\n\n".join(body))


def of_numpy(name):
    """The entry of one of NumPy's own names: a dtype."""
    return f".. py:data:: {name}\n\n   NumPy's: `numpy.{name} <{NUMPY_SCALARS.format(name)}>`__."


def counterpart(value):
    """Where NumPy describes its function of the same name and meaning, if `value` is one of ours."""
    name, module = getattr(value, "__name__", ""), getattr(value, "__module__", "")
    numpys = module.startswith((f"{PACKAGE}.ops", f"{PACKAGE}.numpy_api", f"{PACKAGE}.creation", f"{PACKAGE}.linalg"))
    for prefix, home in (("", np), ("linalg.", np.linalg)):
        if numpys and not module.endswith("torch_names") and (prefix == "") != ("linalg" in module):
            there = getattr(home, name, None)
            if callable(there) and getattr(there, "__module__", "numpy").startswith("numpy"):
                return prefix + name
    return ""


def whole_entry(entry):
    """What a page says of an object."""
    value = entry.value
    if getattr(value, "__module__", "") == "numpy":
        return of_numpy(entry.name)
    if inspect.isclass(value):
        role = "exception" if issubclass(value, Exception) else "class"
    else:
        role = "function" if callable(value) else "data"
    text = entry_of(entry.name, value, role, document(value) or f"``{value}``")
    notes = []
    if name := counterpart(value):
        notes.append(f"NumPy's: `numpy.{name} <{NUMPY.format(name)}>`__.")
    if others := entry.spellings[1:]:
        notes.append(f"Also {', '.join(f'``{PACKAGE}.{x}``' for x in others)}.")
    return text + "\n\n" + indented(" ".join(notes)) if notes else text


class Public(SphinxDirective):
    """Entries for all names of a module, or those `of` some of its files, under a heading for each file.

    The page that says what the module is has no such option, or the file `module` among them.
    """

    required_arguments = 1
    option_spec = {"of": str.split}  # noqa: RUF012  as Sphinx has it

    def run(self):
        """Parse the entries where the directive stands."""
        module = importlib.import_module(self.arguments[0])
        page = self.arguments[0].removeprefix(PACKAGE).removeprefix(".")
        self.env.note_dependency(__file__)
        groups = {}
        files = self.options.get("of")
        for entry in dict.fromkeys(entries().values()):
            home = getattr(entry.value, "__module__", "")
            if entry.page == page and (files is None or home.rpartition(".")[2] in files):
                groups.setdefault(home, []).append(entry)
        whole = files is None or "module" in files
        lines = [rst(document(module)), "", f".. py:module:: {self.arguments[0]}", ""] if whole else []
        for other, home in SAME_PAGE.items():
            if home == page and whole:
                lines += [f"The same names are in ``{PACKAGE}.{other}``.", "", f".. py:module:: {PACKAGE}.{other}", ""]
        lines += [f".. py:currentmodule:: {PACKAGE}", ""]
        for home, found in groups.items():
            if len(groups) > 1:
                title = heading(home)
                lines += [title, "-" * (2 * len(title)), ""]
            for entry in sorted(found, key=lambda entry: entry.name.lower()):
                lines += [whole_entry(entry), ""]
        built = self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)
        domain = self.env.domains.python_domain
        for entry in (entry for found in groups.values() for entry in found):
            original = domain.objects[f"{PACKAGE}.{entry.name}"]
            for other in entry.spellings[1:]:
                domain.note_object(f"{PACKAGE}.{other}", original.objtype, original.node_id, aliased=True)
        return built


def heading(home):
    """What a file is about: the first sentence of its docstring, up to a colon."""
    if home == PACKAGE:
        return "The package"
    if home == "numpy":
        return "Dtypes, which are NumPy's"
    return re.split(r"[:;.](?:\s|$)", document(importlib.import_module(home)))[0].replace("`", "")


class LinkNames(SphinxPostTransform):
    """A public name in the code of a page's text is a link to its entry, a function of NumPy's one to its page."""

    default_priority = 1  # before references are resolved

    def run(self, **_):
        """Replace each such piece of code by a reference to it."""
        for node in list(self.document.findall(nodes.literal)):
            bound = isinstance(node.parent, (nodes.reference, pending_xref)) or not node.astext().startswith(
                ("mg.", "nn.", "optim.", "F.", "functional.", "data.", "Tensor.")
            )
            target = None if bound else is_public(node.astext())
            if target:
                link = pending_xref(
                    "", refdomain="py", reftype="obj", reftarget=target, refexplicit=True, refdoc=self.env.docname
                )
                node.replace_self(link)
                link += node
            elif is_numpys(node.astext()) and not isinstance(node.parent, nodes.reference):
                link = nodes.reference("", "", refuri=NUMPY.format(node.astext().removeprefix("np.")), internal=False)
                node.replace_self(link)
                link += node


def is_numpys(text):
    """Whether it is ``np.`` and the name of a function that has a page in NumPy's reference."""
    name = text.removeprefix("np.")
    value = getattr(np, name, None) if name != text and name.isidentifier() else None
    return isinstance(value, np.ufunc) or (inspect.isfunction(inspect.unwrap(value)) if callable(value) else False)


def setup(app):
    """Add the directive, and the links from text."""
    app.add_directive("public", Public)
    app.add_post_transform(LinkNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
