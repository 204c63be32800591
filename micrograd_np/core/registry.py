"""Every primitive by name, though most of their modules are imported when they are used."""

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any


class Registry(MutableMapping[str, Any]):
    """Primitives by name. Who reads it finds those of all modules: what is not imported yet is imported first."""

    def __init__(self) -> None:
        self.declared: dict[str, Any] = {}
        self.declare_rest: Callable[[], Any] | None = None
        """Imports the modules that the package does not import at once; the package sets it."""

    def _complete(self) -> dict[str, Any]:
        if self.declare_rest is not None:
            self.declare_rest()
            self.declare_rest = None
        return self.declared

    def __getitem__(self, name: str) -> Any:
        return self._complete()[name]

    def __setitem__(self, name: str, op: Any) -> None:
        self.declared[name] = op

    def __delitem__(self, name: str) -> None:
        del self._complete()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._complete())

    def __len__(self) -> int:
        return len(self._complete())


registry = Registry()
"""In the order of declaration: for tests, the op table and NumPy's protocols."""
