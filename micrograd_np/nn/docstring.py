"""A layer's docstring, with an example that the layer itself computes."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from micrograd_np.engine.tensor import Tensor


class Docstring:
    """The docstring of a layer, which gets its example when it is first read: the layer applied to a few numbers."""

    def __init__(self, text: str, settings: tuple[Any, ...], inputs: tuple[Any, ...]) -> None:
        self.text, self.settings, self.inputs = text.rstrip(), settings, inputs

    def __get__(self, _: Any, layer: Any) -> str:
        if not self.inputs:
            return self.text
        inputs, self.inputs = self.inputs, ()
        contract = re.search(r"``[^`]*->[^`]*``", layer._function.__doc__ or "")
        if contract and "->" not in self.text:
            self.text += f"\n\n    Shapes: {contract[0]}."
        with suppress(Exception):  # there is none if it needs other arguments, which a test reports
            shown = repr(layer(*self.settings)(*map(Tensor, inputs))).splitlines()
            result = "\n    ".join(line or "<BLANKLINE>" for line in shown)
            call = f"nn.{layer.__name__}({', '.join(map(repr, self.settings))})"
            session = f"{call}({', '.join(f'Tensor({x})' for x in inputs)})\n    {result}"
            self.text += f"\n\n    >>> from micrograd_np import Tensor, nn\n    >>> {session}\n    "
        return self.text
