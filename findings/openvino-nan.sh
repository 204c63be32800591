#!/usr/bin/env bash
# OpenVINO 2026.4.1 and tract 0.23.9 (onnx 1.23.2, onnxruntime 1.32.0), on the CPU.
# Guess: a nan inside a network reaches its result through Relu and Max, as in onnxruntime and PyTorch.
# Behaviour: in both, Relu makes a nan 0, so that a network that has come to nothing gives finite numbers. Max of a nan
# and a number is the number in tract; in OpenVINO it is what stands second.
# Seen:
#   Relu onnxruntime [nan, 1.0]  openvino [0.0, 1.0]  tract [0.0, 1.0]
#   Max  onnxruntime [nan, nan]  openvino [1.0, nan]  tract [1.0, 1.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q \
  numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 tract==0.23.9 openvino==2026.4.1
"$folder/venv/bin/python" - <<'PYTHON'
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
import openvino
import tract
from onnx import TensorProto, helper

print("openvino", openvino.__version__.split("-")[0], "tract 0.23.9 onnxruntime", onnxruntime.__version__)
inputs = [np.array([np.nan, 1], np.float32), np.array([1, np.nan], np.float32)]


def run(op, names):
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in names + "y"]
    graph = helper.make_graph([helper.make_node(op, list(names), ["y"])], "g", ends[:-1], ends[-1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    saved, given = model.SerializeToString(), inputs[: len(names)]
    session = onnxruntime.InferenceSession(saved, providers=["CPUExecutionProvider"])
    compiled = openvino.compile_model(openvino.Core().read_model(saved), "CPU")
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, pathlib.Path(folder) / "m.onnx")
        runnable = tract.onnx().load(pathlib.Path(folder) / "m.onnx").into_model().into_runnable()
    results = session.run(None, dict(zip(names, given)))[0], compiled(given)[compiled.outputs[0]]
    results = [str(a.tolist()) for a in (*results, runnable.run(given)[0].to_numpy())]
    print(f"{op:4} onnxruntime {results[0]:10}  openvino {results[1]}  tract {results[2]}")
    return results


seen = run("Relu", "a"), run("Max", "ab")
assert [row[0] for row in seen] == ["[nan, 1.0]", "[nan, nan]"]
assert [row[1:] for row in seen] == [["[0.0, 1.0]"] * 2, ["[1.0, nan]", "[1.0, 1.0]"]], "the behaviour has changed"
PYTHON
