"""Prepares evidence after a search: fuses rankings, chooses what is shown, reads words and numbers, finds citations.

fuse.py, spread.py, versions.py   one ranking of several; no source crowds it, no older version leads it
shown.py                          what a small policy sees of passages and tables; of a table to query: tables/view.py
cite.py, support.py               which piece an answer is from, and whether the evidence holds it
words.py, numbers.py, codes.py    how texts are compared; abstaining.py tells what is no answer
location.py, folders.py           where a piece is from, as it is written
"""
