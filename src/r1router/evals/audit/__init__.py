"""Audits the routes of a run, because what a step looked for may have been in another knowledge base."""
