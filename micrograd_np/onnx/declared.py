"""The ONNX operators that ops declare (``onnx="Exp"``): reading and writing are derived from these."""

from __future__ import annotations

import numpy as np

from micrograd_np.core.registry import registry

DECLARED = {op.name: op.onnx for op in registry.values() if op.onnx}
"""By name of an op."""
ELEMENTWISE = [registry[x] for x in DECLARED if isinstance(f := getattr(np, x, None), np.ufunc) and not f.signature]
"""The ops among them that are NumPy's functions of single elements, under NumPy's names."""
