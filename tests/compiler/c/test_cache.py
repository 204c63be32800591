"""Compiled code lies where only the user can write; the cache has a limit and a switch."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from micrograd_np.compiler.c.cache import Cache

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and owners of POSIX")


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A cache of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache" / "micrograd_np" / "c"


def library(folder, key, age, size=1000):
    """A file that was used some seconds ago."""
    path = folder / f"{key}.so"
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_the_folder_is_the_users_alone(home):
    path, work, why = Cache().place("key", "int x;")
    assert (path.parent, why) == (home, "")
    assert home.stat().st_mode & 0o777 == work.stat().st_mode & 0o777 == 0o700
    assert (work / "step.c").read_text() == "int x;"


def test_a_relative_folder_is_not_believed(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Cache().place("key", "")[0].parent == tmp_path / ".cache" / "micrograd_np" / "c"


@pytest.mark.parametrize("mode", [0o777, 0o750, 0o701])
def test_a_folder_that_others_may_use_is_refused(home, mode):
    home.mkdir(parents=True)
    home.chmod(mode)
    mine = Cache()
    path, work, why = mine.place("key", "")
    assert path.parent != home
    assert work.parent.stat().st_mode & 0o777 == 0o700
    assert "chmod 700" in why
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_shared_folder_is_refused_whatever_lies_in_it(home, mode):
    home.parent.parent.chmod(mode)
    path, _, why = Cache().place("key", "")
    assert path.parent != home
    assert "everybody may write" in why


def test_a_link_is_refused(home, tmp_path):
    home.parent.mkdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    home.symlink_to(tmp_path / "elsewhere")
    assert Cache().place("key", "")[0].parent != home


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root may give a folder away")
def test_a_folder_of_another_user_and_a_library_of_another_user_are_refused(home):
    path, work, _ = Cache().place("key", "")
    path.write_bytes(b"")
    os.chown(path, 12345, -1)
    assert Cache().place("key", "")[1] is not None  # compiled anew
    os.chown(path, os.getuid(), -1)
    assert Cache().place("key", "")[1] is None
    os.chown(home, 12345, -1)
    assert Cache().place("key", "")[0].parent != home
    assert work.exists()


def test_what_was_used_longest_ago_goes_first_and_the_new_one_stays(home):
    mine = Cache()
    _, work, _ = mine.place("new", "")
    old, older, used = (library(home, key, age) for key, age in (("old", 50), ("older", 90), ("used", 100)))
    assert mine.place("used", "")[1] is None  # which makes it the latest
    (work / "step").write_bytes(bytes(1000))
    mine.limit = 2500
    mine.keep(work, home / "new.so")
    assert not old.exists()
    assert not older.exists()
    assert used.exists()
    mine.limit = 10
    _, work, _ = mine.place("newest", "")
    (work / "step").write_bytes(bytes(1000))
    mine.keep(work, home / "newest.so")
    assert [x.name for x in home.glob("*.so")] == ["newest.so"]


def test_a_folder_that_was_abandoned_is_removed_and_a_young_one_stays(home):
    mine = Cache()
    _, abandoned, _ = mine.place("a", "")
    _, young, _ = mine.place("b", "")
    os.utime(abandoned, (time.time() - 7200,) * 2)
    (young / "step").write_bytes(b"")
    mine.keep(young, home / "b.so")
    assert young.exists()
    assert not abandoned.exists()


@pytest.mark.thorough
def test_a_cache_that_is_off_leaves_nothing_behind(home):
    code = """
from micrograd_np.compiler.c.cache import cache
{}
path, work, why = cache.place("key", "")
assert work.is_dir() and not why
print(path.parent)
"""
    for text, variable in (("cache.enabled = False", ""), ("", "0")):
        run = subprocess.run(
            [sys.executable, "-c", code.format(text)],
            env={**os.environ, "MICROGRAD_NP_CACHE": variable},
            capture_output=True,
            text=True,
            check=True,
        )
        assert not home.exists()
        assert not Path(run.stdout.strip()).exists()


def test_where_nothing_can_be_written_to_the_cache_code_is_kept_until_the_process_ends(home, monkeypatch):
    home.parent.mkdir()
    home.mkdir(mode=0o700)
    write = Path.write_text

    def full(path, *arguments, **options):
        if path.is_relative_to(home):
            raise OSError(28, "No space left on device", str(path))
        return write(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", full)
    path, work, why = Cache().place("key", "")
    assert path.parent == work.parent != home
    assert "No space left" in why
    assert list(home.iterdir()) == []
