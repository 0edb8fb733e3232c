"""Prepares evidence after a search: fuses rankings, chooses what is shown, reads words and numbers, finds citations."""
