"""Keeps knowledge bases in object storage: LanceDB's tables, and files beside them."""
