"""Trains routers: makes gold steps of questions, trains on them, scores and exports the result."""
