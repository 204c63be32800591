#!/usr/bin/env bash
# onnx 1.23.2, its reference evaluator (onnxruntime 1.32.0).
# Guess: LpNormalization with p=1 divides by the sum of the absolute values, so that [-3, 4] becomes [-0.43, 0.57].
# Behaviour: it divides by the sum of the values: [-3, 4] stays as it is, and a vector that adds up to 0 becomes 0.
# p=2 is right.
# Seen:
#   p=2 of [-3.0, 4.0]: onnxruntime [-0.6, 0.8]  reference [-0.6, 0.8]
#   p=1 of [3.0, 4.0]: onnxruntime [0.4286, 0.5714]  reference [0.4286, 0.5714]
#   p=1 of [-3.0, 4.0]: onnxruntime [-0.4286, 0.5714]  reference [-3.0, 4.0]
#   p=1 of [-2.0, 2.0]: onnxruntime [-0.5, 0.5]  reference [0.0, 0.0]
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

print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)


def run(p, x):
    x = np.array(x, np.float32)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [x.size]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("LpNormalization", ["x"], ["y"], p=p)], "g", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    with np.errstate(all="ignore"):
        results = session.run(None, {"x": x})[0], ReferenceEvaluator(model).run(None, {"x": x})[0]
    results = [[round(v, 4) for v in a.tolist()] for a in results]
    print(f"p={p} of {x.tolist()}: onnxruntime {results[0]}  reference {results[1]}")
    return results


seen = run(2, [-3, 4]), run(1, [3, 4]), run(1, [-3, 4]), run(1, [-2, 2])
assert seen[0][0] == seen[0][1] == [-0.6, 0.8] and seen[1][0] == seen[1][1]
assert [runtime for runtime, _ in seen[2:]] == [[-0.4286, 0.5714], [-0.5, 0.5]]
assert [reference for _, reference in seen[2:]] == [[-3, 4], [0, 0]], "the behaviour has changed"
PYTHON
