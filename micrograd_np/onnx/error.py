"""The error of everything that ONNX cannot say, or that we cannot read."""


class OnnxError(ValueError):
    """A model cannot be written as ONNX, or a file cannot be read: the message names the operator and the line.

    >>> import micrograd_np as mg
    >>> from micrograd_np.onnx import OnnxError, export
    >>> try:
    ...     export(lambda x: x * 2 if x.sum() > 0 else x, mg.ones(2))
    ... except OnnxError as error:
    ...     print(type(error).__name__)
    OnnxError
    """
