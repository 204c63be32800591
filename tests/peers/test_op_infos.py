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

WHOLE = """
    abs add addcdiv addcmul addmm all amax amin any arange argmax argmin argsort atan2 baddbmm bmm broadcast_to
    cat ceil chunk clamp clone cos cross cumprod cumsum diag diagonal diff div/no_rounding_mode dot einsum eq
    exp expand expm1 eye fill flatten flip floor full gather ge gt hypot index_add index_copy index_fill
    index_put index_select isfinite kron le lerp linspace log log1p logaddexp logical_and logsumexp lt
    masked_fill masked_select matmul max/binary max/reduction_no_dim max/reduction_with_dim maximum mean median
    meshgrid/variadic_tensors minimum mm movedim mul mv nan_to_num narrow ne neg
    nn.functional.adaptive_avg_pool2d nn.functional.adaptive_max_pool2d nn.functional.avg_pool2d
    nn.functional.binary_cross_entropy nn.functional.binary_cross_entropy_with_logits nn.functional.conv1d
    nn.functional.conv2d nn.functional.conv3d nn.functional.conv_transpose2d nn.functional.cross_entropy
    nn.functional.elu nn.functional.embedding nn.functional.gelu nn.functional.glu nn.functional.group_norm
    nn.functional.hardswish nn.functional.huber_loss nn.functional.kl_div nn.functional.l1_loss
    nn.functional.layer_norm nn.functional.leaky_relu nn.functional.linear nn.functional.max_pool1d
    nn.functional.max_pool2d nn.functional.mse_loss nn.functional.nll_loss nn.functional.normalize
    nn.functional.pad/constant nn.functional.pad/reflect nn.functional.pad/replicate nn.functional.relu
    nn.functional.relu6 nn.functional.rms_norm nn.functional.selu nn.functional.silu
    nn.functional.smooth_l1_loss nn.functional.softplus nn.functional.triplet_margin_loss norm ones outer
    permute pow prod reciprocal remainder repeat repeat_interleave reshape roll round rsqrt scatter scatter_add
    select sigmoid sign sin softmax sort split sqrt square squeeze stack std sub sum t take tan tanh
    tensor_split tile topk trace transpose tril triu unbind unfold unsqueeze var view where zeros
""".split()  # noqa: SIM905


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
    assert {name: verdicts[name] for name in WHOLE if verdicts[name][0] != "right"} == {}
    assert sum(verdict == "right" for verdict, _ in verdicts.values()) >= 485
