"""Former places of modules and former names of primitives, for old pickles and for imports from the old places."""

import sys
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

from .registry import registry

_PACKAGE = __name__.partition(".")[0]

_FORMER_FOLDER = {
    "core": ("", "events hooks modes primitive reads vertex views writes"),
    "engine": ("", "backward constant grad_mode in_place pickling tensor"),
    "numpy_api": ("ops", "arrange assembly cumulative diagonal linalg"),
    "ops.fused": ("ops", "blocks convolution pooling special windows"),
}
"""For each folder, the former folder and the modules that came from there."""

_FORMER_MODULE = {
    "core.domains": "ops.domains",
    "core.messages": "asked",
    "functional.classification": "functional.classes",
    "numpy_api.elementary": "ops.trigonometric ops.hyperbolic ops.rounding ops.remainder numpy_api.exponential "
    "numpy_api.trigonometric numpy_api.rounding numpy_api.remainder",
    "numpy_api.order": "ops.order ops.searching numpy_api.searching numpy_api.take",
    "numpy_api.products": "ops.products ops.vectors numpy_api.vectors",
    "numpy_api.protocols": "protocols",
    "numpy_api.statistics": "ops.statistics ops.summaries numpy_api.summaries",
    "ops.fused.activations": "ops.gates ops.rectifiers ops.fused.gated_activations ops.fused.rectifiers",
    "ops.fused.gru": "functional.recurrent.gated_units",
    "ops.fused.lstm": "functional.recurrent.long_short_term",
    "ops.fused.rnn": "functional.recurrent.plain",
    "ops.fused.softmax": "ops.fused.attention",
}
"""Modules that have other names as well."""

_FORMER_NAME = {
    "functional.attention": "not_later=causal_mask",
    "functional.classification": "surprise=softmax_cross_entropy surprise_of_logit=bce_with_logits "
    "surprise_of_probability=bce indicator=one_hot_mask pick=gather_labels softmax_residual",
    "functional.linear": "add_rows=segment_sum rows_of=embedding_lookup",
    "functional.loss": "mean_squared_error",
    "functional.normalization": "scaled=scale_and_weight",
    "numpy_api.diagonal": "put_diagonal=diag_embed",
    "numpy_api.elementary": "one_plus_square=square_plus_one",
    "ops.choice": "at_least=clamp_min at_most=clamp_max halve_where=masked_halve keep_where=masked_keep "
    "zero_where=masked_zero nan_to_num",
    "ops.elementwise": "ratio=divide_or_zero xdivy=zero_safe_divide xmuly=zero_safe_multiply",
    "ops.fused.special": "bell=gaussian",
    "ops.index": "add_along_axis=scatter_add_along_axis place=scatter_slice stands=is_last_write take take_along_axis",
    "ops.reduce": "deviations=subtract_mean log_softmax logsumexp prod softmax",
    "ops.transcendental": "lead=subtract_or_zero cbrt exp2 log10 log2 logaddexp",
}
"""By module: primitives and public functions that were there, as ``name`` or as ``former_name=name``."""


class _Former(ModuleType):
    """The former place of a module that is not loaded: it is imported when something of it is asked for there."""

    def __init__(self, name: str, today: str) -> None:
        super().__init__(name)
        self._today = today

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked of every module there is, by `inspect` and others
            raise AttributeError(f"{self.__name__} has no {name!r}.", name=name, obj=None)
        return getattr(import_module(self._today), name)


def install() -> None:
    """Add the former names of modules to `sys.modules`, and those of primitives to the modules that are loaded."""
    moved = dict(_FORMER_MODULE)
    for folder, (before, names) in _FORMER_FOLDER.items():
        moved |= {f"{folder}.{name}": f"{before}.{name}".lstrip(".") for name in names.split()}
    for today, before in moved.items():
        for name in before.split():
            full = f"{_PACKAGE}.{today}"
            sys.modules[f"{_PACKAGE}.{name}"] = sys.modules.get(full) or _Former(f"{_PACKAGE}.{name}", full)
    add_names()


def add_names() -> None:
    """Let the modules that are loaded know former names of primitives: a part that is loaded later calls this, too."""
    for module in _FORMER_NAME:
        loaded = sys.modules.get(f"{_PACKAGE}.{module}")
        if loaded is not None:
            vars(loaded)["__getattr__"] = partial(_by_former_name, module)


def _by_former_name(module: str, name: str) -> Any:
    """What `module` had under the former `name`; AttributeError if that is none."""
    for entry in _FORMER_NAME[module].split():
        before, _, today = entry.partition("=")
        if before == name:
            return registry.get(today or before) or vars(sys.modules[_PACKAGE])[today or before]
    raise AttributeError(f"module '{_PACKAGE}.{module}' has no attribute {name!r}")
