"""What happens in a thread, as methods: the one interface for whoever watches, such as the compiler's tracer.

`Events` does nothing at any of them. A watcher derives from it, or from `Relay` if it lets an outer watcher see all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Events:
    """One method for each event. Those that return a bool say whether the watcher has done the work itself."""

    holds: bool = True
    """Whether records hold all inputs and results, beyond what derivative rules read."""
    on_tensors: bool = False
    """Whether derivative rules run on tensors, so that each of their ops is an event, too."""

    def applied(self, op: Any, inputs: tuple[Any, ...], static: Mapping[str, Any], result: Any) -> None:
        """The primitive `op` was applied to `inputs` (tensors, arrays, numbers) and gave `result`."""

    def written(self, op: Any, target: Any, inputs: tuple[Any, ...], static: Mapping[str, Any]) -> None:
        """``op(*inputs)`` was written into the memory of the tensor `target`."""

    def rebound(self, target: Any, before: Any, z: Any) -> None:
        """A write in the graph: the tensor `target`, which was `before`, is now the result `z`."""

    def born(self, t: Any) -> None:
        """The user made the tensor `t`."""

    def detached(self, t: Any, z: Any) -> None:
        """`z` shares the memory of `t` without its graph."""

    def exported(self, t: Any, how: str) -> None:
        """The value of `t` becomes a Python number or an array, by `how`, such as "item()"."""

    def constant(self, array: Any, name: str = "") -> Any:
        """`array` is the same in every call of what is computed."""

    def checked(self, rule: Callable[..., None], x: Any, settings: tuple[Any, ...]) -> None:
        """``rule(x, *settings)`` has looked at the values of `x`."""

    def unrecorded(self, name: str) -> None:
        """NumPy's function `name` computes outside the graph."""

    def repeated(self, name: str) -> None:
        """`name` repeats something as often as values demand."""

    def entered(self, module: Any) -> None:
        """A call of `module` begins."""

    def left(self, module: Any) -> None:
        """A call of `module` ends."""

    def training(self, module: Any, flag: bool) -> None:
        """Somebody asked whether `module` is in training mode."""

    def backward(self, root: Any, seed: Any, deliver: Callable[[Any], Any], **settings: Any) -> bool:
        """A walk from `root` begins, with `settings` of `micrograd_np.engine.backward.pull`.

        ``deliver(f)`` is what takes the gradients to where they were asked for by ``f(leaf, g)``.
        """
        return False

    def pulled(self, z: Any, x: Any, g: Any, gx: Any) -> None:
        """The rule of node `z` has made of `g` the gradient `gx` of its input `x`."""

    def cleared(self, leaf: Any) -> None:
        """The gradient of `leaf` is forgotten."""

    def zeroed(self, leaf: Any) -> bool:
        """The gradient of `leaf` is to be filled with zeros."""
        return False

    def optimizer_step(self, optimizer: Any) -> bool:
        """`optimizer` is to update its parameters."""
        return False


QUIET = Events()
"""Nobody watches."""


class Relay(Events):
    """Passes every event on to the watcher outside, `outer`."""

    outer: Events = QUIET


def _passed_on(name: str) -> Any:
    def event(self: Relay, *args: Any, **settings: Any) -> Any:
        return getattr(self.outer, name)(*args, **settings)

    event.__doc__ = getattr(Events, name).__doc__
    return event


for _name, _event in vars(Events).items():
    if callable(_event) and not _name.startswith("_"):
        setattr(Relay, _name, _passed_on(_name))
