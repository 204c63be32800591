"""`save` and `load`: everything a run consists of, in one file, and back into the objects it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from . import files, tree
from .files import CheckpointError

_Place = Any  # a Module, an Optimizer, …, or a dict of such


def save(obj: Any, f: str | Path) -> Path:
    """Write `obj` to the file `f`, whose name ends in ``.npz`` or ``.safetensors``; returns its path.

    `obj` is an array, a tensor, a number, a string, anything with a ``state_dict()`` (a model, an optimiser, a
    schedule, a loader), a `numpy.random.Generator`, or a dict, list or tuple of such. The arrays have their dotted
    paths as names, so that ``save(model.state_dict(), "w.safetensors")`` makes a file with PyTorch's names. The file
    appears whole or not at all: until it is complete and on disk, an older one of that name stays. Nothing is pickled.
    TypeError, saying where, for what cannot be saved.

    >>> import tempfile
    >>> from micrograd_np import nn
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = save({"model": nn.Linear(2, 1), "epoch": 3}, f"{folder.name}/run.npz")
    >>> load(path)["epoch"]
    3
    >>> folder.cleanup()
    """
    path = Path(f)
    files.write(path, *tree.taken_apart(obj))
    return path


def load(f: str | Path, into: _Place = None) -> Any:
    """What `save` wrote to the file `f`, with dicts of arrays in place of the objects; `into` also restores the
    objects.

    `into` is a model, an optimiser or whatever was saved, or a dict of these under the names they were saved by (names
    it does not have are left alone): ``load("run.npz", into={"model": model, "random": mg.random.generator()})``. A
    file without a description, such as PyTorch's weights in ``.safetensors``, gives the dict of its arrays.

    FileNotFoundError if there is no file. `CheckpointError` for one that is cut short, damaged, of another kind, or
    that does not fit `into`; then everything is as it was before.
    """
    path = Path(f)
    arrays, description = files.read(path)
    try:
        found = arrays if description is None else tree.put_together(arrays, description)
    except (KeyError, ValueError) as error:
        raise CheckpointError(
            f"load: {path} has a description that does not fit its arrays ({error}); nothing has been loaded."
        ) from error
    if into is not None:
        _restore(path, into, found)
    return found


def _restore(path: Path, into: _Place, found: Any) -> None:
    """Load each object; if one refuses, give all of them back what they had."""
    places = {"": into} if not isinstance(into, dict) else into
    states = {"": found} if not isinstance(into, dict) else found
    missing = [name for name in places if not isinstance(states, dict) or name not in states]
    if missing:
        has = ", ".join(map(str, states)) if isinstance(states, dict) else type(states).__name__
        raise CheckpointError(f"load: {path} has no {', '.join(missing)}; it has {has}. Nothing has been loaded.")
    before = {name: _state(place) for name, place in places.items()}
    done: list[str] = []
    try:
        for name, place in places.items():
            done.append(name)
            _give(place, states[name])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        for name in done:
            _give(places[name], before[name])
        raise CheckpointError(
            f"load: {path} does not fit{f' {done[-1]}' if done[-1] else ''}: {error} Nothing has been loaded."
        ) from error


def _state(place: _Place) -> Any:
    return place.bit_generator.state if isinstance(place, np.random.Generator) else place.state_dict()


def _give(place: _Place, state: Any) -> None:
    if isinstance(place, np.random.Generator):
        place.bit_generator.state = state
    else:
        place.load_state_dict(state)
