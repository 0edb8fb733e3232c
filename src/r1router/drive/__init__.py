"""Drives methods: runs their requests against a policy and knowledge bases.

walk.py     the one place where a method's generator is advanced, one request at a time, without I/O
budget.py   what a question may cost, and what it has cost
flow.py     serves one walk's requests asynchronously
serve.py    who serves which kind of request
one.py      one question, its events streamed as they happen
many.py     many questions in flight, searches gathered into batches
in_flight.py  many things worked on side by side, a bounded number at once
batches.py  searches of many questions gathered into few calls
record.py   requests and what they brought, kept on disk
rounds.py   many walks without an event loop, each brought to its next decision
threads.py  the same for callers without an event loop
"""
