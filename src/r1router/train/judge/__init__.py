"""Scores a policy's single steps, beside floors that need no language model."""
