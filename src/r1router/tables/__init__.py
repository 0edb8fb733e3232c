"""Keeps tables as typed columns and answers queries over them, because a count needs every row and exact values.

columns.py, store.py, blocks.py     cells to typed columns; a long table in a file; a whole table of its pieces
engine.py, check.py, workers.py     SQL answered, after a check, within bounds; trace.py: what a result rests on
view.py, inspect.py                 what a policy sees of a table that it may query
grammar.py, literals.py, names.py   which queries can be written, and how columns and texts are named in them
likely.py, query_marks.py           the queries that a question probably means (mentions.py, arrays.py)
rerank.py                           a cross-encoder that reads the likeliest of them
spelling.py                         a question with mistyped words as its table writes them
results.py                          a query's result to an answer
"""
