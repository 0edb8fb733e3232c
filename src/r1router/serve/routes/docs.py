"""Serves /docs: shows the OpenAPI document as a page that works offline and without script."""

from __future__ import annotations

import json
from typing import Any

import jinja2
from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, Response

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ info.title }}: API</title>
<link rel="stylesheet" href="/docs.css">
<main>
<h1>{{ info.title }} <small>{{ info.version }}</small></h1>
<p>{{ info.description }} The whole document: <a href="/openapi.json">openapi.json</a>.</p>
{% for tag, operations in tags.items() %}
<h2>{{ tag }}</h2>
{% for o in operations %}
<details>
<summary><code><b>{{ o.method }}</b> {{ o.path }}</code> {{ o.summary }}</summary>
{% for paragraph in o.description.split("\n\n") %}<p>{{ paragraph }}</p>{% endfor %}
{% if o.parameters %}<table>
{% for p in o.parameters %}<tr><td><code>{{ p.name }}</code><td>{{ p.in }}<td>{{ p.schema | form }}</tr>{% endfor %}
</table>{% endif %}
{% for fields in o.fields %}<table>
{% for name, schema, needed in fields %}<tr><td><code>{{ name }}</code>{{ "" if needed else " (optional)" }}
<td>{{ schema | form }}<td>{{ schema.description or "" }}</tr>{% endfor %}
</table>{% endfor %}
{% for example in o.examples %}<pre>{{ example }}</pre>{% endfor %}
<p>Answers: {{ o.answers | join(", ") }}</p>
</details>
{% endfor %}
{% endfor %}
</main>
</html>
"""
_STYLE = """:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
details { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding: .4rem 0; }
summary { cursor: pointer; } summary code { margin-right: .6rem; }
pre { overflow: auto; padding: .8rem; background: color-mix(in srgb, currentColor 8%, transparent); }
td { padding: .15rem 1rem .15rem 0; vertical-align: top; } small { font-weight: normal; opacity: .6; }
"""


def router(app: FastAPI) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.ChainableUndefined)

    @routes.get("/docs")
    async def show_docs() -> HTMLResponse:
        document = app.openapi()
        environment.filters["form"] = lambda schema: _form(schema, document)
        page = environment.from_string(_PAGE)
        return HTMLResponse(page.render(info=document["info"], tags=_by_tag(document)))

    @routes.get("/docs.css")
    async def show_style() -> Response:
        return Response(_STYLE, media_type="text/css")

    return routes


def _by_tag(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Operations as the template shows them, in the order of the document."""
    tags: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            bodies = operation.get("requestBody", {}).get("content", {})
            schemas = [_resolved(body["schema"], document) for body in bodies.values()]
            shown = {
                "method": method.upper(),
                "path": path,
                "summary": operation.get("summary", ""),
                "description": operation.get("description", ""),
                "parameters": operation.get("parameters", []),
                "fields": [
                    [(name, part, name in s.get("required", [])) for name, part in s.get("properties", {}).items()]
                    for s in schemas
                ],
                "examples": [
                    json.dumps(example, indent=2, ensure_ascii=False)
                    for s in schemas
                    for example in s.get("examples", [])
                ],
                "answers": [
                    f"{status} {' or '.join(answer.get('content', {}))}".strip()
                    for status, answer in operation["responses"].items()
                ],
            }
            tags.setdefault(operation.get("tags", [""])[0], []).append(shown)
    return tags


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


def _form(schema: dict[str, Any], document: dict[str, Any]) -> str:
    """A type in a few words."""
    if "anyOf" in schema:
        return " or ".join(_form(s, document) for s in schema["anyOf"] if s.get("type") != "null")
    if "$ref" in schema:
        found = _resolved(schema, document)
        return "{" + ", ".join(found.get("properties", {})) + "}"
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_form(schema.get('items', {}), document)}"
    bounds = [f"{sign} {schema[key]}" for key, sign in _BOUNDS.items() if key in schema]
    return " ".join([str(schema.get("type", "any")), *bounds])


_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "maxLength": "up to"}
