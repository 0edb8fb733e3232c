"""Chooses knowledge bases by what they would bring, because their cards do not tell everything."""
