"""Evaluation: predictions counted into a confusion matrix, and the ratios that derive from it."""
