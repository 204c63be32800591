"""Where compiled code is kept: a folder that only the user can write to, since what lies in it is loaded and run."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import tempfile
import time
import weakref
from pathlib import Path

from .places import Unsupported

__all__ = ["Cache", "cache"]

_SUFFIX = ".dll" if sys.platform == "win32" else ".so"
_ABANDONED = 3600.0  # seconds after which the folder of a compilation that never ended is removed


class Cache:
    """Compiled code by content, what was used longest ago removed first.

    The environment variable MICROGRAD_NP_CACHE=0 turns it off. Then, or where the user's cache cannot be used, code is
    kept in a temporary folder of this process, which is removed when it exits.
    """

    def __init__(self) -> None:
        self.enabled = os.environ.get("MICROGRAD_NP_CACHE") != "0"
        self.limit = 256 * 2**20  # bytes
        self.temporary: Path | None = None

    def place(self, key: str, source: str) -> tuple[Path, Path | None, str]:
        """The path of a library, a folder that holds its source if it is still to be compiled, and a sentence.

        The sentence says why that is not in the user's cache. Raises OSError where nothing can be written at all.
        """
        why = ""
        if self.enabled:
            try:
                return *_prepare(_users_folder(), key, source), ""
            except (OSError, RuntimeError) as error:
                why = f"compiled code is kept until this process ends only: {error}."
        if self.temporary is None or not self.temporary.exists():
            self.temporary = Path(tempfile.mkdtemp(prefix="micrograd_np-"))  # its mode is 0700
            weakref.finalize(self, _remove, self.temporary, os.getpid())
        return *_prepare(self.temporary, key, source), why

    def keep(self, work: Path, path: Path) -> None:
        """Move the library in `work` to its path, and make room. Raises Unsupported where it cannot be moved."""
        try:
            (work / "step").replace(path)
        except OSError as error:
            if not _is_own(path):  # (Windows does not replace what is loaded)
                raise Unsupported(f"compiled code cannot be kept: {error}.") from None
        libraries = []
        with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # another process may remove it
                    status = entry.stat(follow_symlinks=False)
                    if entry.name.endswith(".work") and status.st_mtime < time.time() - _ABANDONED:
                        shutil.rmtree(entry.path, ignore_errors=True)
                    elif entry.name.endswith(_SUFFIX):
                        libraries.append((entry.name == path.name, status.st_mtime, status.st_size, entry.path))
        total = sum(size for _, _, size, _ in libraries)
        for is_new, _, size, other in sorted(libraries):
            if total > self.limit and not is_new:
                with contextlib.suppress(OSError):  # loaded (Windows), or gone
                    Path(other).unlink()
                total -= size


cache = Cache()


def _users_folder() -> Path:
    """The folder in the user's cache, made if there is none; raises PermissionError where others may write to it."""
    named = Path(os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", ""))
    path = (named if named.is_absolute() else Path.home() / ".cache") / "micrograd_np" / "c"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    if sys.platform == "win32":  # it keeps the folders of users apart by itself
        return path
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(f"{path} is not a folder of this user's own with mode 700 (try: chmod 700 {path})")
    for k, above in enumerate(path.resolve().parents):  # deep in a shared temporary folder only owners rename
        mode = above.stat().st_mode
        if mode & stat.S_IWOTH and (k < 2 or not mode & stat.S_ISVTX):
            raise PermissionError(f"everybody may write to {above}")
    return path


def _prepare(folder: Path, key: str, source: str) -> tuple[Path, Path | None]:
    """The path of a library, and None if it is there; else a new folder beside its path, with the source in it."""
    path = folder / (key + _SUFFIX)
    if _is_own(path):
        with contextlib.suppress(OSError):
            os.utime(path)  # used just now
        return path, None
    work = Path(tempfile.mkdtemp(".work", dir=folder))
    try:
        (work / "step.c").write_text(source, encoding="utf-8")
    except OSError:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return path, work


def _is_own(path: Path) -> bool:
    """Whether a file is there, and the user's."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and (sys.platform == "win32" or status.st_uid == os.getuid())


def _remove(folder: Path, process: int) -> None:
    """Remove a folder, in the process that made it."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
