"""The jobs that make results: what decides each one's result, and whether what is there is current."""
