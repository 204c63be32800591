"""Models from ONNX, and to it, for the runtimes that read it."""

from micrograd_np.core.messages import explain_all_keywords as _explain_all_keywords
from micrograd_np.core.spellings import explain_names as _explain_names

try:
    import onnx as _onnx  # noqa: F401
except ImportError:
    raise ImportError("micrograd_np.onnx: needs onnx; install it with: pip install 'micrograd_np[onnx]'") from None

from .error import OnnxError
from .export import export
from .reading.model import ImportedModel, load

__all__ = ["ImportedModel", "OnnxError", "export", "load"]

_explain_all_keywords(__all__, globals(), always=True)
_explain_names(globals())
