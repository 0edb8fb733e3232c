"""Reinforces what is rewarded, relative to the other replies to the same step: Step-GRPO, offline and online."""
