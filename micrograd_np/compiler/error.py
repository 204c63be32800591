"""The error of a step that cannot be compiled."""


class CompileError(RuntimeError):
    """A step does something that a compiled program could not repeat; the message says where, and what to do."""

    __module__ = "micrograd_np"  # where users find it
