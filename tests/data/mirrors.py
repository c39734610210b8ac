"""A web server on this machine that serves bytes, with the faults that mirrors have."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Mirror:
    """What is served, and how.

    Args:
        files: contents by name.
        ranges: whether a Range header is obeyed.
        breaks_after: bytes after which each of the first `num_breaks` answers is cut off.
    """

    def __init__(self, files: dict[str, bytes], ranges: bool = True, breaks_after: int = 0, num_breaks: int = 0):
        self.files = files
        self.ranges = ranges
        self.breaks_after = breaks_after
        self.num_breaks = num_breaks
        self.requests: list[tuple[str, str | None]] = []
        """(name, Range header) of every request so far."""
        self.url = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        name, wanted = handler.path.strip("/"), handler.headers["Range"]
        self.requests.append((name, wanted))
        if name not in self.files:
            handler.send_error(404)
            return
        whole = self.files[name]
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        if start >= len(whole) > 0:
            handler.send_error(416)
            return
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
        handler.send_header("Content-Length", str(len(whole) - start))
        handler.end_headers()
        breaks = len(self.requests) <= self.num_breaks
        handler.wfile.write(whole[start : start + self.breaks_after if breaks else None])


@contextmanager
def serve(mirror: Mirror) -> Iterator[Mirror]:
    """Serve a mirror at `mirror.url` for as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            mirror.answer(self)

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        mirror.url = f"http://127.0.0.1:{server.server_port}/"
        try:
            yield mirror
        finally:
            server.shutdown()
            thread.join()
