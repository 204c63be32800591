"""Former places of modules and former names of primitives, for old pickles and for imports from the old places."""

from __future__ import annotations

import sys

from .primitive import registry

_PACKAGE = __name__.partition(".")[0]

_FORMER_FOLDER = {
    "core": ("", "events hooks modes primitive reads vertex views writes"),
    "engine": ("", "backward constant grad_mode in_place pickling tensor"),
    "numpy_api": ("ops", "arrange assembly diagonal hyperbolic linalg order products remainder rounding searching"),
    "ops.fused": ("ops", "convolution pooling rectifiers windows"),
}
"""For each folder, the former folder and the modules that came from there."""

_FORMER_MODULE = {
    "core.domains": "ops.domains",
    "core.messages": "asked",
    "functional.classification": "functional.classes",
    "numpy_api.protocols": "protocols",
    "numpy_api.statistics": "ops.statistics",
    "numpy_api.summaries": "ops.summaries",
    "numpy_api.trigonometric": "ops.trigonometric",
    "numpy_api.vectors": "ops.vectors",
    "ops.fused.gated_activations": "ops.gates",
    "ops.fused.gru": "functional.recurrent.gated_units",
    "ops.fused.lstm": "functional.recurrent.long_short_term",
    "ops.fused.rnn": "functional.recurrent.plain",
}
"""Modules that were renamed."""

_FORMER_NAME = {
    "functional.classification": {
        "surprise": "softmax_cross_entropy",
        "surprise_of_logit": "bce_with_logits",
        "surprise_of_probability": "bce",
        "indicator": "indicator",
        "softmax_residual": "softmax_residual",
    },
    "functional.attention": {"not_later": "not_later"},
    "functional.linear": {"add_rows": "add_rows", "rows_of": "rows_of"},
    "functional.loss": {"mean_squared_error": "mean_squared_error"},
    "ops.elementwise": {"ratio": "divide_or_zero", "xdivy": "zero_safe_divide", "xmuly": "zero_safe_multiply"},
    "ops.transcendental": {"lead": "subtract_or_zero"},
}
"""For each module its former primitives that were renamed or moved: the former name, and the name today."""


def install() -> None:
    """Add the former names to `sys.modules` and to the modules. Every primitive must have been declared."""
    moved = dict(_FORMER_MODULE)
    for folder, (before, names) in _FORMER_FOLDER.items():
        moved |= {f"{folder}.{name}": f"{before}.{name}".lstrip(".") for name in names.split()}
    for today, before in moved.items():
        sys.modules[f"{_PACKAGE}.{before}"] = sys.modules[f"{_PACKAGE}.{today}"]
    for module, names_before in _FORMER_NAME.items():
        for before, today in names_before.items():
            setattr(sys.modules[f"{_PACKAGE}.{module}"], before, registry[today])
