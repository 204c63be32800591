"""`torch.save` and `torch.load`: this package's files under PyTorch's names."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import micrograd_np as mg
from micrograd_np.core.trees import instances

from .dtypes import check_device, device
from .tensor import as_torch


def save(obj: Any, f: Any, *args: Any, **settings: Any) -> None:
    """Write tensors, a state dict, or a dict or list of such into the file `f`, in this package's format.

    No pickle, whatever the name ends in: arrays in .npz, or .safetensors where the name says so. TypeError for what is
    not numbers, strings and dicts, lists and tuples of them, as a module, which `load` could not return.
    """
    for x in instances(obj, (mg.nn.Module, mg.optim.Optimizer, mg.optim.lr_scheduler.LRScheduler)):
        raise TypeError(
            f"torch.save: a {type(x).__name__} is code as well as numbers, which only a pickle holds. Save its "
            f"state_dict(), and load that into a new one."
        )
    path = Path(f) if isinstance(f, (str, Path)) else None
    if path is not None and path.suffix in (".npz", ".safetensors"):
        mg.save(obj, path)
        return
    with TemporaryDirectory(dir=None if path is None else path.parent) as folder:
        written = mg.save(obj, Path(folder) / "x.npz")
        if path is None:
            f.write(written.read_bytes())
        else:
            written.replace(path)


def load(f: Any, map_location: Any = None, *args: Any, weights_only: Any = None, **settings: Any) -> Any:
    """What `save` wrote, with tensors; also a .safetensors file by PyTorch. A pickle by PyTorch is refused."""
    if isinstance(map_location, (str, device)):
        check_device(map_location)
    if isinstance(f, (str, Path)):
        return as_torch(mg.load(f))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.npz"
        path.write_bytes(f.read())
        return as_torch(mg.load(path))
