#!/usr/bin/env bash
# onnx 1.23.2 (its reference evaluator), openvino 2026.4.1, onnxruntime 1.32.0, on the CPU.
# Guess: Softmax of operator set 11 or before, which has axis=1 as its default and takes all axes from there on
# together, gives numbers that add up to 1 for each example, in every engine that reads the old set.
# Behaviour: the reference evaluator takes the last axis, as if the node were of set 13, and OpenVINO takes axis 1
# alone, so that the numbers of one example add up to 2 and to 3. OpenVINO's LogSoftmax is right.
# Seen, sums over one example of shape (2, 3):
#   Softmax    of set 13: onnxruntime 2.0  reference 2.0  openvino 2.0
#   Softmax    of set 11: onnxruntime 1.0  reference 2.0  openvino 3.0
#   LogSoftmax of set 11: onnxruntime 1.0  reference 2.0  openvino 1.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

print("openvino", openvino.__version__.split("-")[0], "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
x = np.arange(6, dtype=np.float32).reshape(1, 2, 3)


def run(op, opset):
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2, 3]) for name in "xy"]
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"])], "g", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=6)
    onnx.checker.check_model(model, full_check=True)
    saved = model.SerializeToString()
    session = onnxruntime.InferenceSession(saved, providers=["CPUExecutionProvider"])
    compiled = openvino.compile_model(openvino.Core().read_model(saved), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    results = session.run(None, {"x": x})[0], ReferenceEvaluator(model).run(None, {"x": x})[0]
    results = [*results, compiled([x])[compiled.outputs[0]]]
    sums = [round(float((np.exp(a) if op == "LogSoftmax" else a).sum()), 3) for a in results]
    print(f"{op:10} of set {opset}: onnxruntime {sums[0]}  reference {sums[1]}  openvino {sums[2]}")
    return sums


seen = run("Softmax", 13), run("Softmax", 11), run("LogSoftmax", 11)
assert seen[0] == [2, 2, 2] and [row[0] for row in seen[1:]] == [1, 1]
assert seen[1][1:] == [2, 3] and seen[2][1:] == [2, 1], "the behaviour has changed"
PYTHON
