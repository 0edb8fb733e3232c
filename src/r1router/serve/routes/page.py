"""Serves the files of `page/`, a route for each, so that nothing else on the disk can be asked for."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

FOLDER = Path(__file__).parents[1] / "page"


def make_routes(folder: Path = FOLDER) -> list[Route]:
    """`index.html` is at `/` too. None where there is no page."""
    if not folder.is_dir():
        return []
    files = StaticFiles(directory=folder)

    def route(path: str, file: str) -> Route:
        async def show(request: Request) -> Response:
            response = await files.get_response(file, request.scope)
            response.headers["cache-control"] = "no-cache"  # asked again each time, answered 304 when unchanged
            return response

        return Route(path, show, methods=["GET"], include_in_schema=False)

    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    found = [route(f"/{name}", name) for name in names]
    return [route("/", "index.html"), *found] if "index.html" in names else found
