"""Audits the routes of a run: was what a step looked for in another knowledge base?"""
