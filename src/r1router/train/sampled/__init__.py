"""Samples groups of replies once and keeps them, so that they can be imitated, compared and looked at many times."""
