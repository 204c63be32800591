"""`save` and `load`: a whole training run in one file, and back into its objects."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from micrograd_np.core.messages import describe_value, explain_keywords, must_be

from . import files, tree
from .files import CheckpointError

_Place = Any  # a Module, an Optimizer, …, or a dict of such


@explain_keywords
def save(obj: Any, f: str | Path) -> Path:
    """Write `obj` to the file `f`, whose name ends in ``.npz`` or ``.safetensors``; returns its path.

    `obj` is an array, a tensor, a number, a string, anything with a ``state_dict()`` (a model, an optimiser, a
    schedule, a loader), a `numpy.random.Generator`, or a dict, list or tuple of such. The arrays have their dotted
    paths as names, so that ``save(model.state_dict(), "w.safetensors")`` makes a file with PyTorch's names. The file
    appears whole or not at all: until it is complete and on disk, an older one of that name stays. Nothing is pickled.
    TypeError, saying where, for what cannot be saved. PyTorch's `pickle_protocol` chooses nothing here.

    >>> import tempfile
    >>> from micrograd_np import nn
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = save({"model": nn.Linear(2, 1), "epoch": 3}, f"{folder.name}/run.npz")
    >>> load(path)["epoch"]
    3
    >>> folder.cleanup()
    """
    suits = isinstance(f, (str, PathLike))
    if not suits:
        raise TypeError(must_be("save", "f", "the name of a file", describe_value(f), "Write save(obj, 'run.npz')."))
    path = Path(f)
    files.write(path, *tree.flatten(obj))
    return path


@explain_keywords
def load(f: str | Path, into: _Place = None) -> Any:
    """The content of the file `f`, with dicts of arrays for the saved objects; `into` also restores the objects.

    `into` is a model, an optimiser or any saved object, or a dict of these under their saved names (it may have fewer
    than the file): ``load("run.npz", into={"model": model, "random": mg.random.generator()})``. A
    file without a description, such as PyTorch's weights in ``.safetensors``, gives the dict of its arrays.

    FileNotFoundError if there is no file. `CheckpointError` for one that is cut short, damaged, of another kind, or
    that does not fit `into`; then everything is as it was before. PyTorch's `map_location` and `weights_only` choose
    nothing here.

    >>> import micrograd_np as mg
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> net = mg.nn.Linear(2, 1)
    >>> path = mg.save(net, f"{folder.name}/net.npz")
    >>> sorted(mg.load(path))
    ['bias', 'weight']
    >>> folder.cleanup()
    """
    path = Path(f)
    arrays, description = files.read(path)
    try:
        content = arrays if description is None else tree.unflatten(arrays, description)
    except (KeyError, ValueError) as error:
        raise files.unusable(path, f"has a description that does not fit its arrays ({error})") from error
    if into is not None:
        _restore(path, into, content)
    return content


def _restore(path: Path, into: _Place, content: Any) -> None:
    """Load each object; if one raises, restore the former state of all."""
    places, states = (into, content) if isinstance(into, dict) else ({"": into}, {"": content})
    missing = [name for name in places if not isinstance(states, dict) or name not in states]
    if missing:
        has = ", ".join(map(str, states)) if isinstance(states, dict) else type(states).__name__
        raise CheckpointError(f"load: {path} has no {', '.join(missing)}; it has {has}. Nothing has been loaded.")
    before = {name: _state(place) for name, place in places.items()}
    done: list[str] = []
    try:
        for name, place in places.items():
            done.append(name)
            _set_state(place, states[name])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        for name in done:
            _set_state(places[name], before[name])
        message = f"load: {path} does not fit{f' {done[-1]}' if done[-1] else ''}: {error} Nothing has been loaded."
        raise CheckpointError(message) from error


def _state(place: _Place) -> Any:
    return place.bit_generator.state if isinstance(place, np.random.Generator) else place.state_dict()


def _set_state(place: _Place, state: Any) -> None:
    if isinstance(place, np.random.Generator):
        place.bit_generator.state = state
    else:
        place.load_state_dict(state)
