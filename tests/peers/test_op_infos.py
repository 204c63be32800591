"""`micrograd_np.torch` answers PyTorch's own samples as PyTorch does, or refuses by name: nothing is wrong."""

import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

pytest.importorskip("torch", reason="pip install 'micrograd_np[bench]'")
pytest.importorskip("expecttest", reason="PyTorch's testing tools ask for it: pip install expecttest")

REFUSED = {
    "complex numbers": "linalg.eig linalg.eigvals",
    "NumPy has no such factors": """
        linalg.ldl_factor linalg.ldl_factor_ex linalg.ldl_solve linalg.lu linalg.lu_factor linalg.lu_factor_ex
        linalg.lu_solve lu lu_solve lu_unpack
    """,
    "tensors with a mask beside them": """
        masked.argmax masked.argmin masked.log_softmax masked.logaddexp masked.logsumexp masked.mean masked.median
        masked.norm masked.normalize masked.softmax masked.softmin masked.std masked.var
    """,
}
PARTLY = {"histogramdd": "edges of bins that fall", "resize_": "memory that grows"}


@pytest.mark.thorough
def test_pytorchs_samples_are_answered_as_pytorch_does_or_refused_by_name(capsys):
    from op_infos import CONTRADICTED, entries, judge, title

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        verdicts = {title(op): judge(op) for op in entries()}
    with capsys.disabled():
        print(Counter(verdict for verdict, _ in verdicts.values()))
    wrong = {name: what[:2] for name, (verdict, what) in verdicts.items() if verdict in ("wrong", "failed")}
    assert {name: what for name, what in wrong.items() if name not in CONTRADICTED} == {}
    assert {name for name in CONTRADICTED if name not in wrong} == set(), "well done: strike it from the list"
    assert {name for name, (verdict, _) in verdicts.items() if verdict == "refused"} == set(
        " ".join(REFUSED.values()).split()
    )
    assert {name for name, (verdict, _) in verdicts.items() if verdict == "partly"} == set(PARTLY)
    assert sum(verdict == "right" for verdict, _ in verdicts.values()) >= 593
