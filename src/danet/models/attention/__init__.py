"""The attention modules as the paper writes them, and how their sums are computed."""
