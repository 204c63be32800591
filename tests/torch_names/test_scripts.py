"""Scripts written for PyTorch run unmodified by ``python -m micrograd_np.torch``, on this package alone."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from printed import assert_printed_alike

SCRIPTS = {path.stem: path for path in sorted((Path(__file__).parent / "unmodified").glob("*.py"))}
ROOT = Path(__file__).parents[2]


def run(*arguments, code=0, folder=None):
    """What ``python -m micrograd_np.torch`` prints; its errors where it fails."""
    command = [sys.executable, "-W", "error", "-m", "micrograd_np.torch", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "/bin"}
    )
    assert done.returncode == code, done.stderr
    return done.stdout if not code else done.stderr


@pytest.mark.parametrize("name", ["tensor_basics", "autograd_function", "classifier"])
def test_a_script_for_pytorch_runs_as_it_is(name):
    assert "True" in run(SCRIPTS[name]) or name == "tensor_basics"


LONGER = ("attention", "data_and_layers")
RECORDED = [
    pytest.param(path, marks=pytest.mark.thorough if path.stem in LONGER else (), id=path.stem)
    for path in sorted((Path(__file__).parent / "unmodified").glob("*.txt"))
]


@pytest.mark.parametrize("path", RECORDED)
def test_a_script_prints_what_pytorch_has_printed(path):
    assert_printed_alike(run(path.with_suffix(".py")), path.read_text(encoding="utf-8"))


@pytest.mark.thorough
def test_a_character_rnn_runs_as_it_is():
    assert "char rnn: True" in run(SCRIPTS["char_rnn"])


def test_the_example_runs_as_it_is():
    printed = run(ROOT / "examples" / "unmodified" / "spirals.py", "--epochs", 60)
    right, of = map(int, re.search(r"(\d+) of (\d+) points right", printed).groups())
    assert right / of > 0.85
    opening = (ROOT / "examples" / "unmodified" / "spirals.py").read_text(encoding="utf-8")
    assert "Takes" in opening.splitlines()[0]


@pytest.fixture
def script(tmp_path):
    def write(text):
        path = tmp_path / "script.py"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_script_gets_its_own_arguments_and_its_folder_first(script, tmp_path):
    (tmp_path / "beside.py").write_text("import torch\nx = torch.ones(2)\n", encoding="utf-8")
    path = script("import sys, beside\nprint(sys.argv[1:], __name__, beside.x.sum().item())\n")
    assert run(path, "--lr", "0.1") == "['--lr', '0.1'] __main__ 2.0\n"


def test_a_script_that_is_not_there_is_one_sentence_and_exits_are_passed_on(script, tmp_path):
    assert run(tmp_path / "none.py", code=2).endswith("none.py'.\n")
    run(script("import sys; sys.exit(3)"), code=3)


def test_infinities_come_without_a_warning_as_in_pytorch(script):
    text = """
import torch, numpy, warnings
x = torch.zeros(2, requires_grad=True)
print(1 / x, torch.log(x), x / x, torch.exp(x + 1000), torch.sqrt(x - 1))
torch.log(x).sum().backward()
print(x.grad)
try:
    numpy.ones(1) / numpy.zeros(1)
except RuntimeWarning:
    print("NumPy warns")
"""
    printed = run(script(text))
    assert printed.count("inf") == 8
    assert printed.endswith("tensor([inf, inf])\nNumPy warns\n")


@pytest.mark.thorough
def test_other_packages_that_look_for_torch_do_not_break(script):
    text = """
import importlib.util
import torch
assert importlib.util.find_spec("torch") is not None
assert importlib.util.find_spec("torch.nn") is not None
assert importlib.util.find_spec("torchvision") is None
import numpy, scipy, sklearn, pandas, tqdm, scipy.stats
from sklearn.linear_model import LinearRegression
LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
LinearRegression().fit(torch.ones(3, 1).numpy(), numpy.ones(3))
try:
    import torchvision
except ImportError as error:
    print(error)
"""
    assert "torchvision needs PyTorch itself" in run(script(text))


def test_what_is_not_there_says_so_by_name(script):
    lines = ("torch.fft", "import torch.distributed", "from torch.nn import AdaptiveLogSoftmaxWithLoss")
    caught = "".join(
        f"try:\n    {line}\nexcept Exception as error:\n    print(error, file=sys.stderr)\n" for line in lines
    )
    said = run(script(f"import sys, torch\n{caught}torch.ones(2).to('cuda')\n"), code=1)
    assert "torch.fft is not in micrograd_np.torch" in said
    assert "torch.distributed is not in micrograd_np.torch" in said
    assert "AdaptiveLogSoftmaxWithLoss" in said
    assert "cuda" in said.splitlines()[-1]


@pytest.mark.thorough
def test_workers_have_the_stand_in_too(script):
    text = """
import multiprocessing
import torch

def work(x):
    return float(torch.tensor([x, 1.0]).sum())

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(work, [1.0, 2.0]))
"""
    assert run(script(text)) == "[2.0, 3.0]\n"


def test_the_stand_in_is_in_no_other_process():
    code = "import sys, micrograd_np.torch; print('torch' in sys.modules, [type(x).__name__ for x in sys.meta_path])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("False")
    assert "StandIn" not in done.stdout
