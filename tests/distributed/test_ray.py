"""Tasks of Ray give the bits of one process, whatever their number and whichever worker is killed."""

import re
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.distributed


def hashes(run):
    """The hashes that a run printed; the run must have ended well."""
    assert run.returncode == 0, run.stdout
    return re.findall(r"^sha (\w+)", run.stdout, re.MULTILINE)


def test_any_number_of_tasks_gives_the_bits_of_one_process(ray, expected):
    found = hashes(ray("train.py", "--engine", "ray", "--every", "3", "2", "1", "--all"))
    assert found == ([expected["float32"]] * 2 + [expected["float64"]] * 2) * 3


def test_unusual_steps_give_the_bits_of_one_process_too(ray):
    alone = ray("odd.py", "serial").stdout.splitlines()
    assert alone[-1].startswith("stream "), alone
    assert [line for line in ray("odd.py", "ray").stdout.splitlines() if line in alone] == alone


def test_a_killed_worker_is_replaced(ray, expected, tmp_path):
    arguments = "--engine", "ray", "--workers", "2", "--checkpoint", tmp_path / "run.npz"
    found = hashes(ray("train.py", *arguments, "--kill", 0, 37, "--kill", 0, 50))
    assert found == [expected["float64"]]
    assert not (tmp_path / "armed").exists()  # a worker has taken it away, and died


def test_fit_resumes_after_the_driver_was_killed(ray, train, tmp_path):
    rng = np.random.default_rng(3)
    np.save(tmp_path / "x.npy", rng.normal(size=(300, 12)))
    np.save(tmp_path / "y.npy", rng.integers(0, 5, 300))
    alone = train.main(["--fit", "--checkpoint", str(tmp_path / "alone.npz")])
    arguments = "train.py", "--fit", "--engine", "ray", "--checkpoint", tmp_path / "run.npz"
    assert ray(*arguments, "--kill", 0, 37).returncode != 0
    assert hashes(ray(*arguments)) == alone


def test_the_example_runs_on_tasks(ray, tmp_path):
    example = Path(__file__).parents[2] / "examples" / "data_parallel.py"
    printed = ray(example, "--engine", "ray", "--epochs", "2", "--out", tmp_path).stdout
    assert re.search(r"test accuracy \d\d\.\d\d% of 360 digits never seen, by \d workers", printed), printed


def test_tasks_say_what_went_wrong_and_keep_what_they_have(ray):
    printed = ray("ray_faults.py").stdout
    assert re.search(r"traced at most [12] times in a process", printed), printed  # twice: gradients are new at first
    assert re.search(r"^True .*ValueError.*\(10, 7\)", printed, re.MULTILINE | re.DOTALL), printed
    late = "False data_parallel: after 1 s, step 1 waits for its 2 tasks; the cluster has 2 processors"
    assert late.replace("step 1 ", "step 0 ") in printed, printed
    assert "_thread.lock' object data_parallel: model and loss go to workers; make what cannot travel" in printed, (
        printed
    )
