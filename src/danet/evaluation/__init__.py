"""Evaluation: whole images scored by sliding windows, counted into a confusion matrix."""
