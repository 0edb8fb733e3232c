"""Makes the moves that methods consist of: ask until it parses, plan a step, retrieve, read, conclude.

Each is a generator to be used with `yield from`: it yields requests (`Ask`, `Search`) and receives what they
bring (`Reply`, a ranking for each route), and it yields news (`Planned`, `Retrieved`, …) and receives nothing.

asking.py      a policy asked until its reply parses
planning.py    the next sub-question and its route
pictures.py    what is asked of a question's picture, and what it is called
searching.py   a step's evidence
reading.py     a step's answer; querying.py: from tables, by queries
ending.py      the final answer, what it rests on, and how sure it is
changes.py     the trajectory with another last step
"""

from r1router.moves.asking import Flow, ask, ask_answer, rewrite
from r1router.moves.changes import note_last
from r1router.moves.ending import conclude, find_other_answer, finish, repeat_answer, repeat_only_answer
from r1router.moves.pictures import is_picture_unseen
from r1router.moves.planning import pin_routes, plan, plan_query, was_asked_before, widen, write_need
from r1router.moves.querying import QUERY, READ, query_table
from r1router.moves.reading import read, settle
from r1router.moves.searching import look_up, retrieve, search

__all__ = [
    "QUERY", "READ", "Flow", "ask", "ask_answer", "conclude", "find_other_answer", "finish", "is_picture_unseen",
    "look_up", "note_last", "pin_routes", "plan", "plan_query", "query_table", "read", "repeat_answer",
    "repeat_only_answer", "retrieve", "rewrite", "search", "settle", "was_asked_before", "widen", "write_need",
]  # fmt: skip
