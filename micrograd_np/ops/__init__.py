"""The primitives, each declared once: kernel, derivative rules, label, domain, shape contract.

In the order to read them: elementwise, comparison, choice, transcendental, shape, index, reduce, linear, state, random.
Beside them: `ufunc` declares one of NumPy's ufuncs, `routine` and `sums` serve kernels, `axes`, `operand` and `checks`
look at arguments. Primitives for stability or speed are in `fused`, NumPy's further functions in `numpy_api`.
"""
