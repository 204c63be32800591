"""Items prepared in a thread while the caller works on those before."""

from __future__ import annotations

from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_END = object()
_LOOK = 0.1  # seconds after which a waiting thread looks whether anybody is still there


def ahead(items: Iterable[Any], depth: int) -> Iterator[Any]:
    """The same items in the same order, up to `depth` of them made in advance. Its errors are raised where they are
    due.

    The thread ends when the items do, or when the iterator is closed or forgotten.

    >>> list(ahead(range(4), depth=2))
    [0, 1, 2, 3]
    """
    queue: Queue[tuple[Any, BaseException | None]] = Queue(depth)
    gone = Event()
    thread = Thread(target=_fill, args=(items, queue, gone), daemon=True, name="prefetch")
    thread.start()
    try:
        while True:
            item, error = queue.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        gone.set()
        while thread.is_alive():  # make room for what it may be waiting to hand over
            try:
                queue.get_nowait()
            except Empty:
                thread.join(_LOOK / 10)


def _fill(items: Iterable[Any], queue: Queue[tuple[Any, BaseException | None]], gone: Event) -> None:
    try:
        for item in items:
            if not _put(queue, (item, None), gone):
                return
        _put(queue, (_END, None), gone)
    except BaseException as error:  # noqa: BLE001  whatever it is, it belongs to whoever asked
        _put(queue, (None, error), gone)


def _put(queue: Queue[tuple[Any, BaseException | None]], entry: tuple[Any, BaseException | None], gone: Event) -> bool:
    """Hand over, unless nobody is there any more."""
    while not gone.is_set():
        try:
            queue.put(entry, timeout=_LOOK)
        except Full:
            continue
        return True
    return False
