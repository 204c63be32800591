"""`Tensor`, and the walk backward through its graph."""
