"""Files that a prediction is written to: one format a file."""
