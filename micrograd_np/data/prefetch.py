"""Items prepared in a thread while the caller works on earlier ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any

_END = object()
_INTERVAL = 0.1  # seconds after which a waiting thread checks whether the consumer is still there


def ahead(items: Iterable[Any], depth: int) -> Iterator[Any]:
    """The same items in the same order, up to `depth` of them prepared in advance; errors arrive in the same place.

    The thread ends when the items do, or when the iterator is closed or deleted.

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
        while thread.is_alive():  # make room for the item that it may be waiting to put
            try:
                queue.get_nowait()
            except Empty:
                thread.join(_INTERVAL / 10)


def _fill(items: Iterable[Any], queue: Queue[tuple[Any, BaseException | None]], gone: Event) -> None:
    def put(item: Any, error: BaseException | None = None) -> bool:
        """Put an entry, unless the consumer is gone."""
        while not gone.is_set():
            try:
                queue.put((item, error), timeout=_INTERVAL)
            except Full:
                continue
            return True
        return False

    try:
        if all(map(put, items)):
            put(_END)
    except BaseException as error:  # noqa: BLE001  whatever it is, the consumer raises it
        put(None, error)
