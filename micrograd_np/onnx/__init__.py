"""Models to ONNX, for the runtimes that read it."""

try:
    import onnx as _onnx  # noqa: F401
except ImportError:
    raise ImportError("micrograd_np.onnx: needs onnx; install it with: pip install 'micrograd_np[onnx]'") from None

from .error import OnnxError
from .export import export

__all__ = ["OnnxError", "export"]
