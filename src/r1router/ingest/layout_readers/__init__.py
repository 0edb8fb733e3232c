"""Holds readers that are taken by name (`--reader NAME`): each module is one, with weights of its own.

A module has what a reader in `readers` has, and `check()`, which raises `MissingExtra` where its package is not there.
"""
