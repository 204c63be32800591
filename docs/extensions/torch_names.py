"""The names of `micrograd_np.torch`, part by part, and what each is made of here: `.. torch-names::`."""

import inspect
import re
import sys

from public_names import entries, is_public
from sphinx.util.docutils import SphinxDirective

from micrograd_np.torch import parts, table

ROWS = {  # the function of this package that a row of the table calls, by the row's function
    parts.SECTIONS[section][name]: re.sub(r"^lambda.*?: |\(.*", "", source)
    for section, found in table._sources(table.TABLE).items()
    for name, source in found.items()
}
OURS = {id(entry.value): entry.name for entry in entries().values()}


def names_by_part():
    """The names of tensors, and of every module but those about devices, of which there are none."""
    found = {"torch.Tensor": {n: inspect.getattr_static(parts.Tensor, n) for n in dir(parts.Tensor)}}
    filled = [
        f"torch.{x}" for x, names in parts.PARTS.items() if names and not parts._NO_DEVICE.items() <= names.items()
    ]
    for part in ("torch", *filled):
        found[part.replace("nn.modules", "nn")] = vars(sys.modules[f"micrograd_np.{part}"])
    for part in sorted(found, key=str.lower):
        hidden = {n for n, x in found[part].items() if n[0] == "_" or inspect.ismodule(x) or hasattr(x, "hint")}
        yield part, {n: found[part][n] for n in sorted(found[part], key=str.lower) if n not in {*hidden, "missing"}}


def counterpart(part, name, value):
    """The full name of what it is made of: a function, a class, or one of its own name; None if there is none."""
    kinds = [OURS.get(id(kind), "") for kind in getattr(value, "__mro__", (value,))]
    row = ROWS.get(value, "") if inspect.isfunction(value) else ""
    named = [f"{home}.{name}".lstrip(".") for home in (part[6:], "", "functional", "Tensor")]
    return next(filter(None, map(is_public, (*kinds, row, *named))), None)


class TorchNames(SphinxDirective):
    """For each part the names that are here under the same name, those under another, and the others."""

    def run(self):
        """Parse the lists where the directive stands."""
        lines = []
        for part, names in names_by_part():
            same, other, rest, in_place = [], {}, [], []
            for name, value in names.items():
                target = counterpart(part, name, value)
                if name[-1] == "_" and name[:-1] in names:
                    in_place.append(f"``{name}``")
                elif target is None:
                    rest.append(f"``{name}``")
                elif target.endswith(f".{name}"):
                    same.append(f":py:obj:`{name} <{target}>`")
                else:
                    other.setdefault(target, []).append(f"``{name}``")
            renamed = [f"{', '.join(found)} (:py:obj:`{target[13:]} <{target}>`)" for target, found in other.items()]
            lines += [part, "-" * len(part), ""]
            lines += [] if part in ("torch", "torch.Tensor") else [f".. py:module:: micrograd_np.{part}", ""]
            about = ("Of the same name", "Of another", "In place, as without ``_``", "Only here")
            for what, found in zip(about, (same, renamed, in_place, rest), strict=True):
                lines += [f"{what}: {', '.join(found)}.", ""] if found else []
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def setup(app):
    """Add the directive."""
    app.add_directive("torch-names", TorchNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
