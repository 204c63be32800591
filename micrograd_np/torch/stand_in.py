"""``import torch`` as this package, in a process and its workers: an installed PyTorch is neither read nor changed."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from importlib.machinery import ModuleSpec
from multiprocessing import spawn
from typing import Any

_HOME = "micrograd_np.torch"
_RELATED = (
    "torchvision", "torchaudio", "torchtext", "torchmetrics", "torchdata", "torch_geometric", "pytorch_lightning",
    "lightning",
)  # fmt: skip


class _Loader:
    """Gives ``torch.…`` the module of that name in this package."""

    def create_module(self, spec: ModuleSpec) -> Any:
        module = import_module(_HOME + spec.name.removeprefix("torch"))
        spec.loader_state = module.__spec__, module.__name__
        return module

    def exec_module(self, module: Any) -> None:
        """It has been executed; it keeps its own name."""


class StandIn:
    """Asked first for a module: finds ``torch`` in this package, and says why what needs PyTorch itself is not here."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The module of this package for ``torch`` and its parts; ModuleNotFoundError for what has none."""
        top = name.partition(".")[0]
        if top == "torch":
            home = import_module(_HOME)
            inside = name.removeprefix("torch").removeprefix(".")
            if inside and f"{_HOME}.{inside}" not in sys.modules:
                raise ModuleNotFoundError(home.missing(inside), name=name)
            return ModuleSpec(name, _Loader(), is_package=True)  # type: ignore[arg-type]
        importing = sys._getframe(2).f_code.co_name.startswith("_find_and_load")
        if top in _RELATED and importing:  # whoever only asks whether it is installed hears that it is not
            message = (
                f"{top} needs PyTorch itself, which python -m micrograd_np.torch does not run. Load the data with "
                f"NumPy and torch.from_numpy, write layers with torch.nn, or run the script with PyTorch."
            )
            raise ModuleNotFoundError(message, name=name)
        return None


class _Installed:
    """Installs the stand-in where it is unpickled: in the processes that this one starts."""

    def __reduce__(self) -> Any:
        return install, ()


def install() -> None:
    """Let ``import torch`` be this package, in this process and in the workers that it starts."""
    if any(isinstance(finder, StandIn) for finder in sys.meta_path):
        return
    if "torch" in sys.modules:
        raise RuntimeError("torch is imported already; start the process with python -m micrograd_np.torch.")
    sys.meta_path.insert(0, StandIn())
    # PyTorch divides by zero without a word; what the script itself computes with NumPy keeps its warnings
    warnings.filterwarnings("ignore", "divide by zero|invalid value|overflow", RuntimeWarning, r"micrograd_np\.")
    prepared = spawn.get_preparation_data

    def with_stand_in(name: str) -> dict[str, Any]:
        return {"stand_in_for_torch": _Installed(), **prepared(name)}

    spawn.get_preparation_data = with_stand_in
