"""What optimisers say of a model in the place of its parameters, settings as attributes, steps that do nothing."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from micrograd_np.core.messages import describe_value, must_be
from micrograd_np.core.writes import clock
from micrograd_np.engine.tensor import Tensor

NO_PARAMETERS = (
    "there are no parameters to train; found an empty list. Those of a module are the nn.Parameters, and those of the "
    "layers, that are its attributes."
)


def listed(function: str, parameters: Any, *, alone: bool = True) -> list[Any]:
    """`parameters` of `function` as a list. TypeError for a module, or what else is no tensors, in their place.

    With `alone` False, the elements are not looked at.
    """
    if isinstance(parameters, Tensor):
        return [parameters]
    if not isinstance(parameters, Iterable) or hasattr(parameters, "parameters"):
        raise _no_tensors(function, parameters)
    elements = list(parameters)
    for x in elements if alone else ():
        if not isinstance(x, Tensor):
            raise _no_tensors(function, x)
    return elements


def _no_tensors(function: str, x: Any) -> TypeError:
    ours = isinstance(x, (str, tuple, Iterator)) or hasattr(x, "parameters") or callable(x)
    return TypeError(
        must_be(function, "parameters", "tensors", describe_value(x), "Pass model.parameters()." if ours else "")
    )


def no_group(optimizer: str, group: Mapping[str, Any]) -> ValueError:
    """The error of a dict in the place of a group of parameters."""
    keys = ", ".join(map(repr, group)) or "none"
    return ValueError(
        f"{optimizer}: a group is a dict with the key 'params', found {keys}. Of a dict of tensors pass "
        "list(d.values())."
    )


def read_only(optimizer: str, parameter: str) -> ValueError:
    """The error of a parameter that lies in memory that is not to be written."""
    return ValueError(
        f"{optimizer}: {parameter} lies in read-only memory, and cannot be updated; give it a copy, "
        "p.data = p.data.copy(), or freeze it, p.requires_grad_(False)."
    )


class Advised:
    """An object with settings, `defaults`, that are no attributes, and with steps."""

    _time: int

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; one of the name of a setting, which nothing reads, is a warning."""
        if name in vars(self).get("defaults", ()):
            message = (
                f"{type(self).__name__}: {name} is a setting of each group, and nothing reads an attribute of this "
                f'name. Write: for group in optimizer.param_groups: group["{name}"] = {value!r:.80}'
            )
            warnings.warn(message, UserWarning, stacklevel=2)
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name not in vars(self).get("defaults", ()):
            return object.__getattribute__(self, name)  # raises
        write = f'optimizer.param_groups[0]["{name}"]'
        raise AttributeError(f"{type(self).__name__} has no {name!r}. Write {write}.", name=name, obj=None)

    def watch(self) -> None:
        """From now on, `warn_of_no_gradient` warns if something has been computed."""
        self._time = clock()

    def warn_of_no_gradient(self) -> None:
        """Warn in a step without any gradient; not if nothing has been computed: a schedule may be looked at."""
        before = self._time
        self.watch()
        if self._time > before + 1:
            message = (
                f"{type(self).__name__}: step: no parameter has a gradient, so nothing changes. Call loss.backward() "
                "before it, and zero_grad() before that."
            )
            warnings.warn(message, UserWarning, stacklevel=3)
