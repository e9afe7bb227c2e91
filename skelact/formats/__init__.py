"""Reading and writing pose sequences, each format in a file of its own."""

from skelact.formats.npz import load_sequence, save_sequence
from skelact.formats.writing import atomic_write, check_output

__all__ = ["atomic_write", "check_output", "load_sequence", "save_sequence"]
