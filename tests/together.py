"""Many small cases as one test: pytest and its workers spend 8 ms on a test, which is more than such a case takes."""

import os
from contextlib import contextmanager
from functools import wraps
from inspect import Parameter, signature
from itertools import product

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np.core.events import QUIET
from micrograd_np.core.modes import mode
from micrograd_np.core.registry import registry

CASES = 40  # that one test goes through


@contextmanager
def fresh():
    """What is inside draws from the project's generator as if it were the first, and leaves no op and no setting."""
    mg.random.manual_seed(0)
    dtype, known = mg.get_default_dtype(), dict(registry)
    try:
        yield
    finally:
        registry.clear()
        registry.update(known)
        left = [mode.recording is not True, mode.events is not QUIET, mg.get_default_dtype() != dtype]
        mode.set(recording=True, events=QUIET)
        mg.set_default_dtype(dtype)
    assert not any(left), "the test left recording, a watcher or the default dtype other than it found them"


def together(test):
    """The cases that the marks below this one give to `test`, some dozens in one; it fails with each that fails.

    Every case is as fresh as a test. Of fixtures, such a test may have `rng`, and those that no case changes. With
    `ONE_BY_ONE=1` in the environment, every case is a test.
    """
    if os.environ.get("ONE_BY_ONE"):
        return test
    marks = [mark for mark in test.pytestmark if mark.name == "parametrize"]
    cases = [_joined(parts) for parts in product(*map(_cases, reversed(marks)))]

    @wraps(test)
    def run(*owner, cases, **fixtures):
        failed, skipped = [], []
        for case in cases:
            if "rng" in fixtures:
                fixtures["rng"] = np.random.default_rng(20)
            try:
                with fresh():
                    test(*owner, **case, **fixtures)
            except pytest.skip.Exception as reason:
                skipped.append(reason)
            except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  whatever it is, it is the case's
                error.add_note(f"in the case {', '.join(f'{name}={value!r}' for name, value in case.items())}")
                failed.append(error)
        if failed:
            raise BaseExceptionGroup(f"{len(failed)} of {len(cases)} cases fail", failed)
        if len(skipped) == len(cases):
            raise skipped[0]

    names = {name for case, _ in cases for name in case}
    kept = [x for x in signature(test).parameters.values() if x.name not in names]
    run.__signature__ = signature(test).replace(parameters=[*kept, Parameter("cases", Parameter.KEYWORD_ONLY)])
    run.pytestmark = [mark for mark in test.pytestmark if mark not in marks]
    parts = []
    for name, marks in (("from", ()), ("thorough, from", pytest.mark.thorough)):
        some = [case for case, is_thorough in cases if is_thorough == bool(marks)]
        parts += [pytest.param(some[i : i + CASES], id=f"{name} {i}", marks=marks) for i in range(0, len(some), CASES)]
    return pytest.mark.parametrize("cases", parts)(run)


def sparing(cases, every):
    """These cases: one in `every` for each run of the suite, and the rest for the thorough one."""
    return [case if i % every == 0 else pytest.param(case, marks=pytest.mark.thorough) for i, case in enumerate(cases)]


def some(cases, which, every=3):
    """The first of `every` such cases in a row, or what those leave; `some_and_the_rest` asks for either."""
    return (case for i, case in enumerate(cases) if (i % every == 0) == (which == "some"))


some_and_the_rest = pytest.mark.parametrize("which", ["some", pytest.param("the rest", marks=pytest.mark.thorough)])
"""For a test with many cases inside: some of them in each run of the suite, the rest in the thorough one."""


def _cases(mark):
    """The arguments that a mark gives, by name, for each of its cases, and whether the case is for the thorough run."""
    names, values = mark.args
    names = [name.strip() for name in names.split(",")] if isinstance(names, str) else names
    for value in values:
        marks = getattr(value, "marks", ()) if isinstance(value, type(pytest.param())) else ()
        assert all(mark.name == "thorough" for mark in marks), "a case with other marks is a test of its own"
        of = value.values if isinstance(value, type(pytest.param())) else value if len(names) > 1 else (value,)
        yield dict(zip(names, of, strict=True)), bool(marks)


def _joined(parts):
    """One case of several marks: all arguments, and whether any part is for the thorough run."""
    return {name: value for case, _ in parts for name, value in case.items()}, any(flag for _, flag in parts)
