"""The local server of the page. It knows nothing of networks; what is made comes from `framegan.play.studio`.

It listens on the loopback interface alone. Everything, the WebSocket too, is refused without the token in the address,
under the name of another host (by which a page of somebody else could reach it, DNS rebinding), and to scripts of other
pages. A strict Content-Security-Policy lets the page run its own script and nothing else, and reach nothing but this.
"""

import asyncio
import hmac
import re
import secrets
import socket
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from contextlib import asynccontextmanager
from importlib import resources
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from framegan.play import wanted
from framegan.play.session import Session
from framegan.play.studio import Studio

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

LOOPBACK = "127.0.0.1"
OWN_NAMES = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?")
"""Hosts that a browser may know this server by; another port than its own is that of a tunnel."""
PAGE = {
    "": ("index.html", "text/html"),
    "style.css": ("style.css", "text/css"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
} | {name: (name, "text/javascript") for name in ("play.js", "connection.js", "controls.js", "picture.js", "pins.js")}
"""By their address the files of the page and what they are."""
KINDS = {"png": "image/png", "gif": "image/gif", "mp4": "video/mp4"}
LARGEST_REQUEST = 1 << 18
"""Bytes of what a page sends."""
NEEDED = ("starlette", "uvicorn", "websockets")
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def require_installed() -> None:
    """Raise ImportError where the packages of the extra aren't installed."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise ImportError(f'framegan play needs {", ".join(missing)}, not installed here: pip install "framegan[play]"')


class Guard:
    """Refuses whoever doesn't know the token, and adds the headers that keep a page to itself.

    Args:
        application: sees the address behind the token.
        token: the first folder of every address.
    """

    def __init__(self, application: Callable[[Any, Receive, Send], Awaitable[None]], token: str):
        self.application, self.token = application, token

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.application(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host, is_page = headers.get("host", ""), scope["type"] == "http"

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = ((name.encode(), value.encode()) for name, value in headers_for(host).items())
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        refusal = self._refusal(scope["path"], host, headers.get("origin"), is_page=is_page)
        if not refusal:
            path = scope["path"][1 + len(self.token) :]
            await self.application({**scope, "path": path, "raw_path": path.encode()}, receive, send_guarded)
        elif is_page:
            from starlette.responses import PlainTextResponse

            await PlainTextResponse(refusal, 403)(scope, receive, send_guarded)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _refusal(self, path: str, host: str, origin: str | None, *, is_page: bool) -> str:
        """Return why somebody is refused, "" where nobody is."""
        if not OWN_NAMES.fullmatch(host):
            return "this page is for this machine alone, by the address that framegan play has printed"
        given = path.split("/")[1] if path.count("/") > 1 else ""
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            return "the address lacks its token; open the whole address that framegan play has printed"
        is_own = origin == f"http://{host}" or (is_page and origin is None)
        return "" if is_own else "another page has asked for this"


def headers_for(host: str) -> dict[str, str]:
    """Return the headers of every answer."""
    sockets = f" ws://{host}" if OWN_NAMES.fullmatch(host) else ""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": f"'self'{sockets}",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
    }
    return {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
    }


def application(studio: Studio, token: str) -> Guard:
    """Return the ASGI application: the page, its WebSocket and its files."""
    from starlette.applications import Starlette
    from starlette.routing import Route, WebSocketRoute

    async def download(request: "Request") -> "Response":
        return await _download(studio, request)

    async def connect(websocket: "WebSocket") -> None:
        await _connect(studio, websocket)

    @asynccontextmanager
    async def lifespan(_: "Starlette") -> Any:
        looking = asyncio.create_task(studio.refresh())
        yield
        looking.cancel()

    routes = [
        *(Route(f"/{name}", _page) for name in PAGE),
        Route("/file", download, methods=["POST"]),
        WebSocketRoute("/socket", connect),
    ]
    return Guard(Starlette(routes=routes, lifespan=lifespan), token)


async def _page(request: "Request") -> "Response":
    from starlette.responses import Response

    name, kind = PAGE[request.url.path.rpartition("/")[2]]
    content = (resources.files("framegan.play") / "page" / name).read_bytes()
    return Response(content, media_type=kind)


async def _download(studio: Studio, request: "Request") -> "Response":
    from starlette.responses import PlainTextResponse, Response

    content = b""
    async for piece in request.stream():
        content += piece
        if len(content) > LARGEST_REQUEST:
            return PlainTextResponse("that is no request of this page", 413)
    try:
        file = wanted.file_of(content)
        made = await _unless_left(studio.file(file), request)
    except (ValueError, OSError, RuntimeError, MemoryError) as error:
        return PlainTextResponse(str(error).partition("\n")[0], 400)
    return Response(made, media_type=KINDS[file.format], headers={"content-disposition": "attachment"})


async def _unless_left(making: Coroutine[Any, Any, bytes], request: "Request") -> bytes:
    """Return what is made for a page, and leave off where it is left."""

    async def leave() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    made, left = asyncio.create_task(making), asyncio.create_task(leave())
    try:
        await asyncio.wait([made, left], return_when=asyncio.FIRST_COMPLETED)
        return made.result() if made.done() else b""
    finally:
        made.cancel()
        left.cancel()


async def _connect(studio: Studio, websocket: "WebSocket") -> None:
    from starlette.websockets import WebSocketDisconnect

    async def send(message: str | bytes) -> None:
        await (websocket.send_text(message) if isinstance(message, str) else websocket.send_bytes(message))

    async def hear() -> None:
        while True:
            await session.hear(await websocket.receive_text())

    await websocket.accept()
    session = Session(studio, send)
    serving, hearing = asyncio.create_task(session.serve()), asyncio.create_task(hear())
    try:
        await asyncio.wait([serving, hearing], return_when=asyncio.FIRST_COMPLETED)
        has_left = hearing.done()
    finally:
        serving.cancel()
        hearing.cancel()
        ended, _ = await asyncio.gather(serving, hearing, return_exceptions=True)
    if not has_left and not isinstance(ended, WebSocketDisconnect):
        assert isinstance(ended, BaseException)  # it serves for ever
        raise ended


class Server:
    """A server that listens already, and answers as soon as it runs.

    Args:
        studio: with the generators.
        port: of the loopback interface; 0 = one that is free.

    Attributes:
        address: of the page, with its token.

    Raises:
        ValueError: the port isn't free.
    """

    def __init__(self, studio: Studio, port: int):
        import uvicorn

        try:
            self._socket = socket.create_server((LOOPBACK, port))
        except OSError as error:
            raise ValueError(f"port={port} can't be used: {error.strerror}; set another, or port=0") from None
        token = secrets.token_urlsafe(24)
        self.address = f"http://{LOOPBACK}:{self._socket.getsockname()[1]}/{token}/"
        config = uvicorn.Config(
            application(studio, token),
            log_config=None,
            log_level="error",  # what it tells besides names addresses with their token
            access_log=False,
            server_header=False,
            ws="websockets-sansio",
            ws_max_size=LARGEST_REQUEST,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Answer until Ctrl-C, or until `stop` is called from another thread."""
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        self._server.should_exit = True
