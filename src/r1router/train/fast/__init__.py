"""Trains with less work: the same losses and gradients as TRL's.

numbers.py    bfloat16 or float32, and how many threads: measured at the start
head.py       the vocabulary's scores for the tokens that have a label, not for prompts
lora.py       a LoRA layer as one function instead of PEFT's chain of copies
attention.py  attention of training in bfloat16
saving.py     checkpoints by the clock
sft.py        TRL's trainer with all of these, rows of like lengths in one pass
"""
