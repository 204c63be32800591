"""How the suite runs: how many examples hypothesis draws, and a fresh start for every test.

A profile is chosen with ``--hypothesis-profile=thorough`` or ``HYPOTHESIS_PROFILE=thorough``: ci is for every run,
thorough for `.ci/run`. Warnings are errors (`pyproject.toml`).
"""

# ruff: noqa: E402  what is set here is to be said before other modules are loaded
import gc
import os
import sys

# what is compiled, tests with their asserts too, is kept for the other processes of the suite, which are hundreds
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# small products gain nothing from a second thread and lose much on shared processors
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from together import fresh

settings.register_profile(
    "ci",
    max_examples=2,  # for every claim about every primitive: some thousand
    deadline=None,  # two cores are shared with others
    derandomize=True,  # the same examples for everybody
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", settings.get_profile("ci"), max_examples=16)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.hookimpl(wrapper=True)
def pytest_collect_file():
    """No examples are looked for in the docstrings of tests: that would import the benchmarks, with all their peers."""
    return [found for found in (yield) if type(found) is pytest.Module]


def pytest_collection_finish():
    """What was collected stays: the collector, and who asks it for referrers, need not look through it in each test."""
    set_aside()


def set_aside():
    """Collect what is garbage, and let the collector look at the rest no more."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def rng():
    """A generator of its own for every test, always the same."""
    return np.random.default_rng(20)


@pytest.fixture(autouse=True)
def fresh_start():
    """Every test draws from the project's generator as if it were the first, and leaves no op and no setting behind."""
    with fresh():
        yield
        if gc.get_count()[2]:  # it has made thousands of objects, such as modules that it was the first to import
            set_aside()
