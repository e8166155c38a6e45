"""Where a cell of a table comes from and, where it misses the paper, which of the usual causes apply."""
