"""Tables of ratios: micrograd_np beside hand-written NumPy, PyTorch, JAX, MyGrad and autograd.

``python -m tests.benchmarks eager`` prints one table; ``--help`` names the others. Nothing here asserts a time: a
figure is worth something only beside another figure of the same run. What *is* asserted is that all contenders of a
workload compute the same thing: ``python -m pytest tests/benchmarks``.
"""
