#!/usr/bin/env bash
# onnxruntime 1.32.0, on the CPU.
# Guess: as Max([nan, 1], [1, nan]) is nan, so is ReduceMax of [1, nan, 2], and ArgMax finds the nan (as in NumPy).
# Behaviour: ReduceMax passes over the nan, as does ArgMax; the reference evaluator of onnx gives nan and 1.
# Seen:
#   Max        onnxruntime [nan nan]  reference [nan nan]
#   ReduceMax  onnxruntime 2.0  reference nan
#   ArgMax     onnxruntime 2  reference 1
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


def both(op, arrays, dtype, shape, **attributes):
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, a.shape) for name, a in arrays.items()]
    output = helper.make_tensor_value_info("y", dtype, shape)
    graph = helper.make_graph([helper.make_node(op, list(arrays), ["y"], **attributes)], "g", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    runtime = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (a,), (b,) = runtime.run(None, arrays), ReferenceEvaluator(model).run(None, arrays)
    print(f"{op:10} onnxruntime {np.squeeze(a)}  reference {np.squeeze(b)}")
    return np.squeeze(a)


x = np.array([1, np.nan, 2], np.float32)
pair = {"a": np.array([np.nan, 1], np.float32), "b": np.array([1, np.nan], np.float32)}
largest = both("Max", pair, TensorProto.FLOAT, [2])
reduced = both("ReduceMax", {"x": x}, TensorProto.FLOAT, [], keepdims=0)
found = both("ArgMax", {"x": x}, TensorProto.INT64, [], axis=0, keepdims=0)
assert np.isnan(largest).all() and reduced == 2 and found == 2, "the behaviour has changed"
PYTHON
