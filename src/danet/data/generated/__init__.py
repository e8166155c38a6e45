"""Generated stand-ins for the data sets: drawn scenes, written as the official archives."""
