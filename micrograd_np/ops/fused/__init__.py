"""Primitives that could be composed of others, and earn their place by stability or a measured gain."""
