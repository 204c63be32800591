"""The scripts that run unmodified here are PyTorch's: PyTorch runs them, and promotes dtypes by the same table."""

import subprocess
import sys
from pathlib import Path

import pytest
from printed import assert_printed_alike

from micrograd_np.torch import dtypes

torch = pytest.importorskip("torch", reason="pip install 'micrograd_np[bench]'")

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "tests" / "torch_names" / "unmodified").glob("*.py"))
KINDS = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]


@pytest.mark.thorough
@pytest.mark.parametrize(
    "path", [*SCRIPTS, ROOT / "examples" / "unmodified" / "spirals.py"], ids=lambda path: path.stem
)
def test_pytorch_runs_the_script_too(path):
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    recorded = path.with_suffix(".txt")
    if recorded.exists():
        assert_printed_alike(done.stdout, recorded.read_text(encoding="utf-8"))


@pytest.mark.parametrize("a", KINDS)
def test_pytorch_promotes_by_the_same_table(a):
    mine = [dtypes.promote(a, b).name for b in KINDS]
    assert mine == [str(torch.promote_types(getattr(torch, a), getattr(torch, b)))[6:] for b in KINDS]


@pytest.mark.parametrize("a", KINDS)
def test_pytorch_promotes_numbers_and_0d_tensors_as_we_do(a):
    for b in (*KINDS, 2, 2.5, True):
        theirs = [torch.ones(2, dtype=getattr(torch, a)), b]
        ours = [dtypes.np.ones(2, a), b]
        if isinstance(b, str):
            theirs[1], ours[1] = torch.ones((), dtype=getattr(torch, b)), dtypes.np.ones((), b)
        assert dtypes.result_type(*ours).name == str(torch.result_type(*theirs))[6:], (a, b)
