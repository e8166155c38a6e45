"""The machine: GPUs and who holds them, worker processes, signals, arithmetic, and what it is."""
