#!/usr/bin/env bash
# onnx 1.23.2.
# Guess: save_model(..., save_as_external_data=True) without a location writes the arrays to a file named after the
# model, as its documentation says, so that saving again replaces it.
# Behaviour: the file has a random name. Each time that a model is saved, another file is written, and the earlier ones
# stay.
# Seen, after saving m.onnx three times:
#   m.onnx and 3 files of 4000 bytes, of which named after the model: 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 onnx==1.23.2
"$folder/venv/bin/python" - <<'PYTHON'
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

print("onnx", onnx.__version__)
info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1000]) for name in "xy"]
w = numpy_helper.from_array(np.ones(1000, np.float32), "w")
graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", info[:1], info[1:], [w])
with tempfile.TemporaryDirectory() as folder:
    for _ in range(3):
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
        onnx.save_model(model, str(Path(folder, "m.onnx")), save_as_external_data=True, size_threshold=0)
    sizes = {path.name: path.stat().st_size for path in Path(folder).iterdir()}
data = [name for name, size in sizes.items() if size == 4000]
named = sum(name.startswith("m.") for name in data)
print(f"m.onnx and {len(data)} files of 4000 bytes, of which named after the model: {named}")
assert "If not specified, will use the model name." in onnx.save_model.__doc__
assert len(sizes) == 4 and len(data) == 3 and named == 0, "the behaviour has changed"
PYTHON
