#!/usr/bin/env bash
# onnx 1.23.2 and onnxruntime 1.32.0, on the CPU.
# Guess: GroupNormalization gives numbers of mean 0 and variance 1, also of 10000 ... 10007, as InstanceNormalization
# does: from -1.53 to 1.53.
# Behaviour: the variance is the mean of the squares minus the square of the mean, in float32. From 10000 on hardly
# anything of it is left: onnxruntime and the reference evaluator give numbers as large as a thousand, or nan.
# Seen, first element:
#   1000 ... 1007      GroupNormalization onnxruntime -1.53 reference -1.53  InstanceNormalization onnxruntime -1.53
#   10000 ... 10007    GroupNormalization onnxruntime -1106.80 reference -1106.80  InstanceNormalization onnxruntime -1.53
#   100000 ... 100007  GroupNormalization onnxruntime nan reference nan  InstanceNormalization onnxruntime -1.53
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

print("onnxruntime", onnxruntime.__version__, "onnx", onnx.__version__)


def model(op, **attributes):
    shapes = {"x": [1, 1, 8], "scale": [1], "bias": [1], "y": [1, 1, 8]}
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    node = helper.make_node(op, ["x", "scale", "bias"], ["y"], **attributes)
    graph = helper.make_graph([node], "g", info[:3], info[3:])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(made, full_check=True)
    return made


group, instance = model("GroupNormalization", num_groups=1), model("InstanceNormalization")
seen = {}
for base in (1000, 10000, 100000):
    x = (base + np.arange(8)).astype(np.float32).reshape(1, 1, 8)
    arrays = {"x": x, "scale": np.ones(1, np.float32), "bias": np.zeros(1, np.float32)}
    results = []
    for each in (group, instance):
        session = onnxruntime.InferenceSession(each.SerializeToString(), providers=["CPUExecutionProvider"])
        results.append(session.run(None, arrays)[0].flat[0])
    with np.errstate(invalid="ignore"):
        reference = ReferenceEvaluator(group).run(None, arrays)[0].flat[0]
    print(
        f"{f'{base} ... {base + 7}':18} GroupNormalization onnxruntime {results[0]:.2f} reference {reference:.2f} "
        f" InstanceNormalization onnxruntime {results[1]:.2f}"
    )
    assert np.isclose(results[1], -1.5275, atol=0.01)
    seen[base] = [bool(np.isclose(y, -1.5275, atol=0.3)) for y in (results[0], reference)]
assert seen == {1000: [True, True], 10000: [False, False], 100000: [False, False]}, "the behaviour has changed"
PYTHON
