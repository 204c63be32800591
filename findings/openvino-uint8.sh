#!/usr/bin/env bash
# OpenVINO 2026.4.1 (onnx 1.23.2, onnxruntime 1.32.0), on the CPU.
# Guess: Add, Sub and Mul of uint8 or int8 wrap around as in NumPy, in onnxruntime and in the reference evaluator.
# Behaviour: they saturate. Sums of int32 and int64 wrap around (at 32 bits).
# Seen:
#   uint8 Add 200 100: onnxruntime 44  reference 44  openvino 255
#   uint8 Sub 3 5: onnxruntime 254  reference 254  openvino 0
#   int8  Mul 100 3: onnxruntime 44  reference 44  openvino 127
#   int32 Add 2147483647 1: onnxruntime -2147483648  reference -2147483648  openvino -2147483648
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
from onnx import helper
from onnx.reference import ReferenceEvaluator

print("openvino", openvino.__version__.split("-")[0], "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)


def run(op, a, b, dtype):
    inputs, kind = [np.array([v], dtype) for v in (a, b)], helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    ends = [helper.make_tensor_value_info(name, kind, [1]) for name in "abc"]
    graph = helper.make_graph([helper.make_node(op, ["a", "b"], ["c"])], "g", ends[:2], ends[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    saved, feed = model.SerializeToString(), dict(zip("ab", inputs))
    session = onnxruntime.InferenceSession(saved, providers=["CPUExecutionProvider"])
    compiled = openvino.compile_model(openvino.Core().read_model(saved), "CPU")
    results = session.run(None, feed)[0], ReferenceEvaluator(model).run(None, feed)[0]
    results = [r.item() for r in (*results, compiled(inputs)[compiled.outputs[0]])]
    print(f"{dtype:5} {op} {a} {b}: onnxruntime {results[0]}  reference {results[1]}  openvino {results[2]}")
    return results


cases = ("Add", 200, 100, "uint8"), ("Sub", 3, 5, "uint8"), ("Mul", 100, 3, "int8"), ("Add", 2**31 - 1, 1, "int32")
seen = [run(*case) for case in cases]
assert [row[:2] for row in seen] == [[44, 44], [254, 254], [44, 44], [-(2**31)] * 2]
assert [row[2] for row in seen] == [255, 0, 127, -(2**31)], "the behaviour has changed"
PYTHON
