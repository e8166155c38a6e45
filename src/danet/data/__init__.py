"""Data sets: fetched, checked, prepared once, then read at random."""
