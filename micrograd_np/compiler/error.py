"""The error of a step that cannot be compiled."""


class CompileError(RuntimeError):
    """A step does something that a compiled program could not repeat; the message says where, and what to do.

    >>> import micrograd_np as mg
    >>> import numpy as np
    >>> @mg.compile
    ... def step(x):
    ...     return x * np.random.rand(3)
    >>> try:
    ...     step(np.ones(3))
    ... except mg.CompileError as error:
    ...     print(str(error).partition(":")[0])
    compile
    """

    __module__ = "micrograd_np"  # where users find it
