"""Serves /docs: FastAPI's own page of the API, with its scripts from inside the package, so that it works offline."""

from __future__ import annotations

import base64
import hashlib
import re

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

from r1router.serve.middleware.request_log import HEADERS

_POLICY = HEADERS["content-security-policy"]
_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def router(app: FastAPI) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get("/docs")
    async def show_docs() -> HTMLResponse:
        page = get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=f"{app.title}: API",
            swagger_js_url="/vendor/swagger-ui-bundle.js",
            swagger_css_url="/vendor/swagger-ui.css",
            swagger_favicon_url="/icon.svg",
        )
        page.headers["content-security-policy"] = f"{_POLICY}; script-src 'self' {_allow_inline(page.body)}"
        return page

    return routes


def _allow_inline(page: bytes | memoryview) -> str:
    """The page's own inline scripts, each by its hash, for a Content-Security-Policy that allows no others."""
    digests = (hashlib.sha256(script).digest() for script in _INLINE.findall(bytes(page)))
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
