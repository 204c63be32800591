"""Running a step once, on real arrays, and noting every call of NumPy that it makes."""
