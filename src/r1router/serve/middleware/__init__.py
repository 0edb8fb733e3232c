"""Checks and measures every request on its way to a route, one file each."""
