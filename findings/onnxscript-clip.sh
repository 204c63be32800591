#!/usr/bin/env bash
# onnxscript 0.7.2 (onnx 1.23.2, onnxruntime 1.32.0).
# Guess: onnxscript.optimizer.optimize leaves what a model computes as it is.
# Behaviour: of two Clips, or a Clip and a Relu, with bounds that do not overlap, it makes one Clip by the larger lower
# and the smaller upper bound, of which the upper one wins; the second node should.
# Seen, of [-5, 0.5, 5]:
#   Clip to 0 ... 1, Clip to 2 ... 3: [2.0, 2.0, 2.0], optimised [1.0, 1.0, 1.0]
#   Clip to -3 ... -1, Relu:          [0.0, 0.0, 0.0], optimised [-1.0, -1.0, -1.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 onnxscript==0.7.2
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import onnxscript
import onnxscript.optimizer
from onnx import TensorProto, helper

print("onnxscript", onnxscript.__version__, "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in "xy"]
bounds = [helper.make_tensor(f"{bound}", TensorProto.FLOAT, [], [bound]) for bound in (-3, -1, 0, 1, 2, 3)]
cases = {
    "Clip to 0 ... 1, Clip to 2 ... 3:": [("Clip", ["x", "0", "1"], ["a"]), ("Clip", ["a", "2", "3"], ["y"])],
    "Clip to -3 ... -1, Relu:": [("Clip", ["x", "-3", "-1"], ["a"]), ("Relu", ["a"], ["y"])],
}
seen = []
for name, nodes in cases.items():
    used = {name for _, names, _ in nodes for name in names}
    initializers = [bound for bound in bounds if bound.name in used]
    graph = helper.make_graph([helper.make_node(*node) for node in nodes], "g", info[:1], info[1:], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    results = []
    for each in (model, onnxscript.optimizer.optimize(model)):
        session = onnxruntime.InferenceSession(each.SerializeToString(), providers=["CPUExecutionProvider"])
        results.append(session.run(None, {"x": np.array([-5, 0.5, 5], np.float32)})[0].tolist())
    print(f"{name:33} {results[0]}, optimised {results[1]}")
    seen.append(results)
assert seen == [[[2.0] * 3, [1.0] * 3], [[0.0] * 3, [-1.0] * 3]], "the behaviour has changed"
PYTHON
