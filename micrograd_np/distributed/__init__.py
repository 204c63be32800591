"""Data-parallel training on MPI and Ray, whose result does not depend on how many workers there are: bit for bit."""

from .step import DataParallel, data_parallel

__all__ = ["DataParallel", "data_parallel"]
