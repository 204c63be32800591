#!/usr/bin/env bash
# OpenVINO 2026.4.1 (onnx 1.23.2, onnxruntime 1.32.0), on the CPU.
# Guess: a model whose inputs and results are int64 or float64 computes in that dtype, or is refused.
# Behaviour: it computes in int32 and float32 and gives the results the dtype that was asked for. Identifiers that
# differ by 2**32 are equal, and a float64 number above 3.4e38 becomes the largest float32, not infinity.
# Seen:
#   Equal 4294967297 1: onnxruntime False  openvino True  both bool
#   Add 2147483647 1: onnxruntime 2147483648  openvino -2147483648  both int64
#   Mul 1e+300 1.0: onnxruntime 1e+300  openvino 3.4028234663852886e+38  both float64
#   Add 1.0 1e-12: onnxruntime 1.000000000001  openvino 1.0  both float64
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

print("openvino", openvino.__version__.split("-")[0], "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)


def run(op, a, b):
    inputs, kind = [np.array([v]) for v in (a, b)], TensorProto.DOUBLE if isinstance(a, float) else TensorProto.INT64
    ends = [helper.make_tensor_value_info(name, kind, [1]) for name in "abc"]
    if op == "Equal":
        ends[2] = helper.make_tensor_value_info("c", TensorProto.BOOL, [1])
    graph = helper.make_graph([helper.make_node(op, ["a", "b"], ["c"])], "g", ends[:2], ends[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    saved = model.SerializeToString()
    session = onnxruntime.InferenceSession(saved, providers=["CPUExecutionProvider"])
    compiled = openvino.compile_model(openvino.Core().read_model(saved), "CPU")
    results = session.run(None, dict(zip("ab", inputs)))[0], compiled(inputs)[compiled.outputs[0]]
    assert results[0].dtype == results[1].dtype
    print(f"{op} {a} {b}: onnxruntime {results[0].item()}  openvino {results[1].item()}  both {results[0].dtype}")
    return [result.item() for result in results]


seen = [run("Equal", 2**32 + 1, 1), run("Add", 2**31 - 1, 1), run("Mul", 1e300, 1.0), run("Add", 1.0, 1e-12)]
assert [a for a, _ in seen] == [False, 2**31, 1e300, 1 + 1e-12]
assert [b for _, b in seen] == [True, -(2**31), np.finfo(np.float32).max, 1], "the behaviour has changed"
PYTHON
