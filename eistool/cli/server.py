"""HTTP of ``eistool serve``: the report and refits, for this machine and holders of the token alone."""

import json
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from eistool.errors import EistoolError

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from eistool.jobs.workbench import Workbench

LARGEST_UPLOAD = 50_000_000  # bytes
Handler = Callable[["Request"], Awaitable["Response"]]


def make_app(workbench: "Workbench", token: str) -> "Starlette":
    """Return the application; every path begins with the token, any other request is answered by 404.

    Only the names of this machine are accepted as host, so that no page of another site can reach it by a name
    that resolves here.
    """
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import HTMLResponse, JSONResponse, Response
    from starlette.routing import Route

    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}

    def guarded(work: Handler) -> Handler:
        async def handle(request: "Request") -> "Response":
            if not secrets.compare_digest(request.path_params["token"].encode(), token.encode()):
                return Response("not found", 404, headers)
            try:
                return await work(request)
            except (EistoolError, ValueError, KeyError, TypeError) as error:
                return JSONResponse({"error": str(error)}, 400, headers)

        return handle

    def asked(work: Callable[[dict[str, Any]], Any]) -> Handler:
        async def answer(request: "Request") -> "Response":
            given = json.loads(await _body(request))
            if not isinstance(given, dict):
                raise TypeError("expected an object")
            return JSONResponse(await run_in_threadpool(work, given), headers=headers)

        return guarded(answer)

    async def page(request: "Request") -> "Response":
        html = await run_in_threadpool(workbench.page, request.path_params.get("number", 1))
        return Response("not found", 404, headers) if html is None else HTMLResponse(html, headers=headers)

    async def state(_: "Request") -> "Response":
        return JSONResponse({"stamp": workbench.stamp}, headers=headers)

    async def drop(request: "Request") -> "Response":
        name, contents = request.query_params.get("name", "file"), await _body(request)
        return JSONResponse({"names": await run_in_threadpool(workbench.read, name, contents)}, headers=headers)

    def choices(given: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in given["choices"].items() if value not in ("", None, [], {})}

    routes = [
        Route("/{token}/", guarded(page)),
        Route("/{token}/report.html", guarded(page)),
        Route("/{token}/report-{number:int}.html", guarded(page)),
        Route("/{token}/state", guarded(state)),
        Route("/{token}/open", asked(lambda given: workbench.open(given["name"])), methods=["POST"]),
        Route(
            "/{token}/refit", asked(lambda given: workbench.refit(given["name"], choices(given))), methods=["POST"]
        ),
        Route(
            "/{token}/simulate",
            asked(lambda given: workbench.simulate(given["name"], choices(given), given["values"])),
            methods=["POST"],
        ),
        Route(
            "/{token}/compare",
            asked(lambda given: {"ranked": workbench.compare(given["name"], choices(given), given["circuits"])}),
            methods=["POST"],
        ),
        Route(
            "/{token}/accept",
            asked(lambda given: {"message": workbench.accept(given["name"], choices(given))}),
            methods=["POST"],
        ),
        Route("/{token}/drop", guarded(drop), methods=["POST"]),
    ]
    return Starlette(
        routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])]
    )


async def _body(request: "Request") -> bytes:
    """Return the body of a request, and raise if it is too large."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_UPLOAD:
            raise ValueError(f"more than {LARGEST_UPLOAD // 1_000_000} MB; read the file with eistool inspect")
    return body
