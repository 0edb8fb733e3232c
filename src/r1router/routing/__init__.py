"""Chooses knowledge bases by what they would bring, because their cards tell only half."""
