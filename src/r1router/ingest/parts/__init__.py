"""Keeps what readers share: encodings, cells, grids, sections, pictures, and finding the reader of a file."""
