"""Serves the paths of the API, one file a group; each has a `router` that `app.py` includes."""
