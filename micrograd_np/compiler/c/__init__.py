"""What C needs of its surroundings: a compiler and a cache, NumPy's inner loops, and how NumPy multiplies and sums."""
