"""Drivers: they run a method's requests against a policy and knowledge bases.

flow.py     the one place where a generator is advanced, budgets are kept and usage is counted
one.py      one question, its events streamed as they happen
many.py     many questions in flight, searches gathered into batches
batches.py  searches of many flows gathered into few calls
explore.py  one question, every decision sampled several times: the groups of Step-GRPO
threads.py  the same for callers without an event loop
"""
