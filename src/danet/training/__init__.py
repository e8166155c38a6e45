"""Training: loss, schedule, checkpoints, records, and the loop that ties them together."""
