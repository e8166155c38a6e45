"""What a profile will cost before anything is started: hours, memory, disk."""
