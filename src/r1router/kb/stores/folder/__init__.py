"""Keeps knowledge bases in folders, with LanceDB and SQLite inside this process."""
