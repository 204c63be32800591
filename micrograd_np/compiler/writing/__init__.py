"""A program as Python source: as it runs, plainly, and as a file of its own."""
