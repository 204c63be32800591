"""NumPy's long tail under its own names, and the protocols by which NumPy's functions take tensors."""
