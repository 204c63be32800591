"""What happens in a thread, as methods: the one interface of watchers, such as the compiler's tracer.

The methods of `Events` do nothing. A watcher derives from it, or from `Relay`, which passes all to an outer watcher.
"""

from collections.abc import Callable, Mapping
from typing import Any


class Events:
    """One method for each event. Where a method returns a bool, True says that the watcher has done the work itself."""

    holds: bool = True
    """Whether records hold all inputs and results, beyond what derivative rules read."""
    on_tensors: bool = False
    """Whether derivative rules run on tensors, so that their ops are events, too."""

    def applied(self, op: Any, inputs: tuple[Any, ...], static: Mapping[str, Any], result: Any) -> None:
        """The primitive `op` was applied to `inputs` (tensors, arrays, numbers) and gave `result`."""

    def writes(self, target: Any) -> None:
        """The memory of the tensor `target` is about to be written."""

    def written(self, op: Any, target: Any, inputs: tuple[Any, ...], static: Mapping[str, Any]) -> None:
        """``op(*inputs)`` was written into the memory of the tensor `target`."""

    def rebound(self, target: Any, before: Any, z: Any) -> None:
        """A write in the graph has turned the tensor `target`, which was `before`, into the result `z`."""

    def created(self, t: Any) -> None:
        """The user has created the tensor `t`."""

    def detached(self, t: Any, z: Any) -> None:
        """`z` shares the memory of `t` without its graph."""

    def exported(self, t: Any, how: str) -> None:
        """The value of `t` becomes a Python number or an array, by `how`, such as "item()"."""

    def constant(self, array: Any, name: str = "") -> Any:
        """`array` is the same in every call of what is computed."""

    def numbers_read(self, array: Any) -> None:
        """Python code looks at numbers of the list that `array` stands for, in a compiled step."""

    def numbers_copied(self, copy: Any, array: Any = None) -> None:
        """An op made `copy` of the list that `array` stands for, or, without `array`, of a tuple of numbers."""

    def named(self, t: Any, name: str) -> None:
        """The tensor `t` is to be called `name`, if it has no name yet."""

    def checked(self, rule: Callable[..., None], x: Any, settings: tuple[Any, ...]) -> None:
        """``rule(x, *settings)`` has checked the values of `x`."""

    def unrecorded(self, name: str) -> None:
        """NumPy's function `name` computes outside the graph."""

    def repeated(self, name: str) -> None:
        """`name` repeats something, and how often depends on values."""

    def entered(self, module: Any) -> None:
        """A call of `module` begins."""

    def left(self, module: Any) -> None:
        """A call of `module` ends."""

    def training(self, module: Any, flag: bool) -> None:
        """The training mode of `module` was read."""

    def backward(self, root: Any, seed: Any, deliver: Callable[[Any], Any], **settings: Any) -> bool:
        """A walk from `root` begins, with `settings` of `micrograd_np.engine.backward.pull`.

        ``deliver(f)`` is a function that calls ``f(leaf, g)`` for the gradients that were asked for.
        """
        return False

    def pulled(self, z: Any, x: Any, g: Any, gx: Any) -> None:
        """The rule of node `z` has computed `gx`, the gradient of its input `x`, from `g`."""

    def cleared(self, leaf: Any) -> None:
        """The gradient of `leaf` is dropped, or another put in its place."""

    def zeroed(self, leaf: Any) -> bool:
        """The gradient of `leaf` is to be filled with zeros."""
        return False

    def optimizer_step(self, optimizer: Any) -> bool:
        """`optimizer` is to update its parameters."""
        return False


QUIET = Events()
"""The watcher of a thread that nobody watches."""


class Relay(Events):
    """Passes every event on to another watcher, `outer`."""

    outer: Events = QUIET


def _passed_on(name: str) -> Any:
    def event(self: Relay, *args: Any, **settings: Any) -> Any:
        return getattr(self.outer, name)(*args, **settings)

    event.__doc__ = getattr(Events, name).__doc__
    return event


for _name, _event in vars(Events).items():
    if callable(_event) and not _name.startswith("_"):
        setattr(Relay, _name, _passed_on(_name))
