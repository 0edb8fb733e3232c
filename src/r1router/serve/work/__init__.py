"""Keeps what is behind the routes and outlives a request."""
