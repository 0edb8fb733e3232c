"""LangGraph with LangChain's parts: prompt templates, a chat model, an output parser, a retriever."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.langgraph_bare import State, build, run_all
from benchmarks.peers.parts import CORPUS, FINAL, PLAN, READ, Steps, find, read_answer, read_plan, reply
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever

DOCUMENTS = [Document(text, id=str(n)) for n, text in enumerate(CORPUS)]


class Instant(BaseChatModel):
    @property
    def _llm_type(self) -> str:
        return "instant"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(reply(str(messages[-1].content))))])

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return self._generate(messages)


class Few(BaseRetriever):
    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [DOCUMENTS[n] for n in find(query)]

    async def _aget_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [DOCUMENTS[n] for n in find(query)]


def open_steps() -> Steps:
    def chain(template: str) -> Any:
        prompt = ChatPromptTemplate.from_messages([("human", template)], template_format="jinja2")
        return prompt | Instant() | StrOutputParser()

    planned, reading, last = map(chain, (PLAN, READ, FINAL))
    retriever = Few()

    async def plan(state: State) -> State:
        said = await planned.ainvoke({"question": state["question"], "history": state.get("history", [])})
        return {"asked": read_plan(said)[0]}

    async def search(state: State) -> State:
        return {"texts": [document.page_content for document in await retriever.ainvoke(state["asked"])]}

    async def read(state: State) -> State:
        said = await reading.ainvoke({"asked": state["asked"], "texts": state["texts"]})
        return {"history": [(state["asked"], read_answer(said))]}

    async def final(state: State) -> State:
        said = await last.ainvoke({"question": state["question"], "history": state["history"]})
        return {"answer": read_answer(said)}

    graph = build(plan, search, read, final)
    return lambda questions, in_flight: run_all(graph, questions, in_flight)
