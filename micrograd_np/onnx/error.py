"""The error of everything that ONNX cannot say, or that we cannot read."""


class OnnxError(ValueError):
    """A model cannot be written as ONNX, or a file cannot be read: the message names the operator and the line."""
