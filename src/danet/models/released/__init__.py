"""Checkpoints of others: reading their files, and the names of their tensors."""
