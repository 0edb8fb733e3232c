"""Limits questions and searches to some sources, by what is known of each.

folder = "2025" and lang = "de"      parse.py turns this into
And(Like(…), Compare(…))             tree.py: a tree that every store understands
{"folder": …, "lang": "de", …}       match.py says whether a source's fields fit it
kb.narrow(tree)                      narrow.py asks each knowledge base for the part of it that fits
"""
