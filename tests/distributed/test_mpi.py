"""Ranks of MPI end in the bits of one process, whatever their number and whatever befalls them."""

import os
import re
import sys
from pathlib import Path
from time import monotonic

import numpy as np
import pytest

HERE = Path(__file__).parent
pytestmark = pytest.mark.distributed


def hashes(run):
    """The hashes that a run printed; the run must have ended well."""
    assert run.returncode == 0, run.stdout
    return re.findall(r"^sha (\w+)", run.stdout, re.MULTILINE)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 8])
def test_any_number_of_ranks_gives_the_bits_of_one_process(mpi, expected, n):
    found = hashes(mpi(n, "train.py", "--engine", "mpi", "--all"))
    assert found == [expected["float32"]] * 2 + [expected["float64"]] * 2


@pytest.mark.parametrize("n", [3, 5])
def test_unusual_steps_give_the_bits_of_one_process_too(mpi, n):
    alone = mpi.started([sys.executable, str(HERE / "odd.py"), "serial"]).stdout.splitlines()
    together = mpi(n, "odd.py", "mpi").stdout.splitlines()
    assert alone[-1].startswith("stream "), alone
    assert sorted(together) == sorted(alone * n)


@pytest.mark.parametrize("n", [2, 3])
def test_open_mpi_gives_the_bits_of_one_process(openmpi, expected, n):
    assert hashes(openmpi(n, "train.py", "--engine", "mpi")) == [expected["float64"]]


@pytest.mark.parametrize("moment", ["before", "exchange", "update"])
def test_a_killed_job_resumes_on_another_number_of_ranks(mpi, expected, tmp_path, moment):
    arguments = "train.py", "--engine", "mpi", "--checkpoint", tmp_path / "run.npz"
    killed = mpi(4, *arguments, "--kill", 2, 37, "--moment", moment)
    assert killed.returncode != 0
    assert not hashes_in(killed)
    again = mpi(2, *arguments, "--kill", 0, 45)
    assert not hashes_in(again)
    assert hashes(mpi(3, *arguments)) == [expected["float64"]]


def hashes_in(run):
    """Whether a run came to its end."""
    return "sha " in run.stdout


@pytest.mark.parametrize(
    ("n", "killed", "moment"),
    [
        (3, [(0, 37)], "before"),
        (4, [(1, 37)], "loss"),
        (3, [(2, 37)], "exchange"),
        (2, [(1, 37)], "update"),
        (4, [(0, 20), (3, 37)], "exchange"),
        (4, [(1, 37), (2, 37)], "loss"),
    ],
)
def test_elastic_ranks_go_on_when_some_are_lost(openmpi, expected, n, killed, moment):
    arguments = [str(x) for pair in killed for x in ("--kill", *pair)]
    run = openmpi(n, "train.py", "--engine", "mpi", "--elastic", *arguments, "--moment", moment)
    found = re.search(r"^sha (\w+) workers (\d)", run.stdout, re.MULTILINE)
    assert found, run.stdout
    assert found.groups() == (expected["float64"], str(n - len(killed)))


def test_fit_on_ranks_gives_the_bits_of_fit_alone_after_a_kill_too(mpi, train, tmp_path):
    rng = np.random.default_rng(3)
    np.save(tmp_path / "x.npy", rng.normal(size=(300, 12)))
    np.save(tmp_path / "y.npy", rng.integers(0, 5, 300))
    alone = train.main(["--fit", "--checkpoint", str(tmp_path / "alone.npz")])
    together = mpi(3, "train.py", "--fit", "--engine", "mpi", "--compile", "--checkpoint", tmp_path / "together.npz")
    assert hashes(together) == alone * 3
    killed = mpi(4, "train.py", "--fit", "--engine", "mpi", "--checkpoint", tmp_path / "run.npz", "--kill", 0, 37)
    assert killed.returncode != 0
    resumed = mpi(2, "train.py", "--fit", "--engine", "mpi", "--checkpoint", tmp_path / "run.npz")
    assert hashes(resumed) == alone * 2


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("exception", r"ValueError: .*\(4, 7\)"),
        ("exception outside", r"KeyError: 'no such file on rank 1'"),
        ("before MPI starts", r"KeyError: 'no such file on rank 1'.*in _start_of_all_processes"),
        ("before the step", r"TimeoutError: data_parallel: rank [02] has waited 1.5 s for all ranks to make this step"),
        ("alone", r"TimeoutError: data_parallel: rank [02] has waited 1.5 s for all ranks to make this step"),
        ("ends early", r"TimeoutError: data_parallel: rank [02] has waited 1.5 s .* has ended"),
        ("late", r"TimeoutError: data_parallel: rank [02] has waited 1.5 s for the losses of step 7"),
        ("parameters", r"RuntimeError: data_parallel: rank 1 differs from rank 0 in parameters.*manual_seed"),
        (
            "shapes",
            r"rank 1 differs from rank 0 in shapes of parameters: weight float64\[4, 3\].*weight float64\[5, 3\]",
        ),
        ("shards", r"rank 1 differs from rank 0 in shards: 4 against 5"),
        ("batch", r"data_parallel: at step 7, rank 1 has a batch of 36 samples, and rank 0 one of 40"),
        ("few samples", r"ValueError: data_parallel: the batch has 3 samples and is cut into 4 shards"),
        ("other data", r"RuntimeError: data_parallel: at step 10, rank 1 has other parameters, .* batch than rank 0"),
        ("drift", r"RuntimeError: data_parallel: at step 10, rank 1 has other parameters"),
        (
            "modes",
            r"RuntimeError: data_parallel: at step 7, rank 1 has modules or parameters in other modes than rank 0",
        ),
        (
            "frozen",
            r"RuntimeError: data_parallel: at step 7, rank 1 has modules or parameters in other modes than rank 0",
        ),
        ("steps", r"RuntimeError: data_parallel: at step 7, rank 1 is at step 8, and rank 0 at step 7"),
    ],
)
def test_what_goes_wrong_on_one_rank_ends_all_with_a_sentence(mpi, kind, error):
    began = monotonic()
    run = mpi(3, "faults.py", kind, timeout=60)
    assert run.returncode != 0
    assert re.search(error, run.stdout, re.DOTALL), run.stdout
    assert "Error in sys.excepthook" not in run.stdout
    assert "done" not in run.stdout or kind == "alone"
    assert monotonic() - began < 20


def test_what_ranks_print_at_once_is_not_mixed(mpi):
    for _ in range(3):
        run = mpi(4, "faults.py", "few samples")
        assert run.stdout.count("Traceback (most recent call last):\n") == 4
        first = run.stdout.index("Traceback")
        text = run.stdout[first : run.stdout.index("\nValueError: ", first)]
        assert run.stdout.count(text) == 4, run.stdout


def test_mpi4py_ends_all_for_what_goes_wrong_before_the_step_is_made(mpi):
    program = [sys.executable, "-m", "mpi4py", str(HERE / "faults.py"), "before the step"]
    run = mpi.started([*mpi.command, "-n", "3", *program])
    assert run.returncode != 0
    assert "KeyError: 'no such file on rank 1'" in run.stdout
    assert "TimeoutError" not in run.stdout


def test_ranks_leave_fit_when_its_checkpoint_is_written_and_rank_0_alone_shows_progress(mpi, tmp_path):
    run = mpi(3, "faults.py", "fit twice", tmp_path / "run.npz")
    assert run.returncode == 0, run.stdout
    assert sorted(re.findall(r"^read \d$", run.stdout, re.MULTILINE)) == ["read 2"] * 3 + ["read 4"] * 3
    assert re.findall(r"^epoch \d/\d", run.stdout, re.MULTILINE) == [f"epoch {n}" for n in ("1/2", "2/2", "3/4", "4/4")]


def test_an_exception_ends_all_where_an_mpi_survives_a_loss(openmpi):
    run = openmpi(3, "faults.py", "exception outside", timeout=40)
    assert run.returncode != 0
    assert "KeyError: 'no such file on rank 1'" in run.stdout
    assert "done" not in run.stdout


def test_ranks_without_one_another_are_refused(mpi, openmpi):
    run = mpi(2, "train.py", "--engine", "mpi", python=openmpi.python)  # MPICH's launcher, Open MPI's library
    assert run.returncode != 0
    found = r"the launcher started 2 processes, and each is alone, since .* another MPI .* \(Open MPI v5"
    assert re.search(found, run.stdout), run.stdout


def test_more_ranks_than_shards_are_refused(mpi):
    run = mpi(9, "train.py", "--engine", "mpi")
    assert "ValueError: data_parallel: there are 9 workers and 8 shards; each worker needs one." in run.stdout


def test_elastic_ranks_need_an_mpi_that_survives_a_loss(mpi):
    run = mpi(2, "train.py", "--engine", "mpi", "--elastic")
    assert re.search("RuntimeError: data_parallel: elastic=True needs Open MPI .*; this is MPICH", run.stdout)


@pytest.mark.parametrize("kind", ["threads", "threads, mixed"])
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="a second thread needs a second processor")
def test_ranks_with_other_arithmetic_are_refused_unless_that_is_allowed(mpi, kind):
    one = [sys.executable, str(HERE / "faults.py"), kind]
    command = [*mpi.command, "-n", "1", "env", "OPENBLAS_NUM_THREADS=1", *one, ":"]
    run = mpi.started([*command, "-n", "1", "env", "OPENBLAS_NUM_THREADS=2", *one])
    if kind == "threads":
        assert run.returncode != 0
        assert "rank 1 differs from rank 0 in BLAS threads: 1 against 2. Equal bits need equal" in run.stdout
    else:
        assert run.stdout.count("done") == 2


def test_a_rank_that_is_asked_to_stop_stops_all_after_the_same_step(mpi):
    run = mpi(3, "faults.py", "ctrl-c")
    assert run.returncode == 0, run.stdout
    (line,) = set(re.findall(r"^stopped .*$", run.stdout, re.MULTILINE))
    assert re.fullmatch(r"stopped True after \d+", line)


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("way", ["eager", "compiled"])
def test_no_rank_holds_more_vectors_than_ranks_and_two(mpi, n, way):
    run = mpi(n, "memory.py", 8, way)
    held = [float(x) for x in re.findall(r"vectors ([\d.]+)", run.stdout)]
    assert len(held) == n, run.stdout
    assert max(held) <= n + 2


def test_the_fast_sum_agrees_to_rounding(mpi):
    run = mpi(3, "faults.py", "fast")
    assert "agrees" in run.stdout, run.stdout


def test_the_example_runs_on_ranks(mpi, tmp_path):
    example = HERE.parents[1] / "examples" / "data_parallel.py"
    one = mpi.started([sys.executable, str(example), "--epochs", "2", "--out", str(tmp_path / "one")])
    four = mpi(4, example, "--epochs", "2", "--out", tmp_path / "four")
    accuracy = [re.findall("test accuracy.*never seen", run.stdout) for run in (one, four)]
    assert accuracy[0] == accuracy[1] != []
