"""LangGraph as a bare graph: its nodes call plain functions."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

import jinja2
from benchmarks.peers.parts import CORPUS, FINAL, PLAN, READ, STEPS, Steps, find, read_answer, read_plan, reply
from langgraph.graph import END, START, StateGraph


class State(TypedDict, total=False):
    question: str
    history: Annotated[list[tuple[str, str]], operator.add]
    asked: str
    texts: list[str]
    answer: str


def run_all(graph: Any, questions: Sequence[str], in_flight: int) -> int:
    async def run() -> int:
        free = asyncio.Semaphore(in_flight)

        async def one(question: str) -> int:
            async with free:
                return len((await graph.ainvoke({"question": question}))["history"])

        return sum(await asyncio.gather(*map(one, questions)))

    return asyncio.run(run())


def build(plan: Any, search: Any, read: Any, final: Any) -> Any:
    graph = StateGraph(State)
    graph.add_node("plan", plan)
    graph.add_node("search", search)
    graph.add_node("read", read)
    graph.add_node("final", final)
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "search")
    graph.add_edge("search", "read")
    graph.add_conditional_edges("read", lambda state: "plan" if len(state["history"]) < STEPS else "final")
    graph.add_edge("final", END)
    return graph.compile()


def open_steps() -> Steps:
    planned, reading, last = map(jinja2.Template, (PLAN, READ, FINAL))

    async def plan(state: State) -> State:
        prompt = planned.render(question=state["question"], history=state.get("history", []))
        return {"asked": read_plan(reply(prompt))[0]}

    async def search(state: State) -> State:
        return {"texts": [CORPUS[n] for n in find(state["asked"])]}

    async def read(state: State) -> State:
        answer = read_answer(reply(reading.render(asked=state["asked"], texts=state["texts"])))
        return {"history": [(state["asked"], answer)]}

    async def final(state: State) -> State:
        return {"answer": read_answer(reply(last.render(question=state["question"], history=state["history"])))}

    graph = build(plan, search, read, final)
    return lambda questions, in_flight: run_all(graph, questions, in_flight)
