"""Serves clients of the Model Context Protocol."""
