"""Keeps tables as typed columns and answers queries over them, because a count needs every row and exact values."""
