"""A small HTTP server for the live page: this machine only, and only who knows the token.

``/TOKEN/`` is the page. It asks by POST, in JSON:

- ``/TOKEN/open``: start a stream of its own; answers ``{"stream": number}``.
- ``/TOKEN/advance``: ``{"stream", "steps", "output", "channel"}``; runs steps and answers with a
  `~lmu_hw.live.live_frame.LiveFrame`.
- ``/TOKEN/restart``: ``{"stream", "output", "channel"}``; back to the start of the recording.
- ``/TOKEN/look``: the same, where it is: after another choice of output or channel.

A request must name this server in ``Host`` and, if it has one, in ``Origin``: a page from elsewhere
that a reader has open gets nothing, even if its name was made to lead here.
"""

from __future__ import annotations

import errno
import hmac
import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .._support.validation import check_int
from ..errors import LMUHWError, SpecError, ToolError
from .live_stream import LiveStream

ADDRESS = "127.0.0.1"
ACTIONS = ("open", "advance", "restart", "look")
MAX_STEPS = 4096
"""Most steps of a request."""
MAX_BODY = 1024
"""Longest body of a request [bytes]."""
MAX_STREAMS = 16
"""Streams that are kept; the one that rested longest is dropped."""
IDLE = 60.0
"""Time after which a silent connection is closed [s]."""
POLICY = (
    "default-src 'none'; connect-src 'self'; img-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class LiveServer(ThreadingHTTPServer):
    """Serves one live page.

    Parameters
    ----------
    page : str
        HTML.
    new_stream : callable
        Returns a `LiveStream` at the start of its first recording.
    n_outputs, n_channels : int
        Output words, and channels of the input, that a request may choose from.
    port : int
        0: any that is free.

    Raises
    ------
    SpecError
        If the port is out of range.
    ToolError
        If the port is in use or may not be used.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        page: str,
        new_stream: Callable[[], LiveStream],
        *,
        n_outputs: int,
        n_channels: int,
        port: int = 0,
    ) -> None:
        check_int("--port", port, 0, 65535)
        try:
            super().__init__((ADDRESS, port), _Handler)
        except OSError as error:
            used = error.errno == errno.EADDRINUSE
            why = "is in use" if used else f"cannot be used ({error.strerror})"
            raise ToolError(
                f"port {port} {why}; choose another with --port, or leave it out"
            ) from (error)
        self.token = secrets.token_urlsafe(24)
        self.page = page.encode()
        self._new_stream = new_stream
        self._sizes = {"output": n_outputs, "channel": n_channels}
        self._streams: OrderedDict[int, tuple[LiveStream, threading.Lock]] = OrderedDict()
        self._opened = 0
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        """Address and port."""
        return f"{ADDRESS}:{self.server_address[1]}"

    @property
    def url(self) -> str:
        """Address of the page, with the token."""
        return f"http://{self.host}/{self.token}/"

    def answer(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a request of the page.

        Raises
        ------
        SpecError
            If the request is not valid.
        """
        if name == "open":
            return self._open()
        chosen = {key: _number(request, key, size - 1) for key, size in self._sizes.items()}
        number = request.get("stream")
        with self._lock:
            if type(number) is not int or number not in self._streams:
                raise SpecError("stream must be one that is open: load the page again")
            self._streams.move_to_end(number)
            stream, lock = self._streams[number]
        with lock:
            if name == "restart":
                stream.restart()
            elif name == "advance":
                stream.advance(_number(request, "steps", MAX_STEPS, low=1))
            return stream.frame(**chosen).to_dict()

    def _open(self) -> dict[str, Any]:
        stream = self._new_stream()
        with self._lock:
            self._opened += 1
            self._streams[self._opened] = stream, threading.Lock()
            if len(self._streams) > MAX_STREAMS:
                self._streams.popitem(last=False)
            return {"stream": self._opened}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a reader who has gone; anything else is a fault of ours."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def _number(request: dict[str, Any], key: str, high: int, low: int = 0) -> int:
    value = request.get(key, low)
    check_int(key, value, low, high)
    return int(value)


class _Handler(BaseHTTPRequestHandler):
    server: LiveServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "lmu-hw", ""
    timeout = IDLE

    def do_GET(self) -> None:
        """Send the page."""
        if self._refused():
            return
        if self._path() == "":
            self._send(HTTPStatus.OK, self.server.page, "text/html; charset=utf-8")
        else:
            self._fail(HTTPStatus.NOT_FOUND, "nothing is here")

    def do_POST(self) -> None:
        """Answer a request of the page."""
        if self._refused():
            return
        name = self._path()
        if name not in ACTIONS:
            self._fail(HTTPStatus.NOT_FOUND, "nothing is here")
            return
        # a form of another page cannot send this type
        if self.headers.get_content_type() != "application/json":
            self._fail(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the request must be JSON")
            return
        request = self._request()
        if request is None:
            return
        try:
            answer = self.server.answer(str(name), request)
        except LMUHWError as error:
            self._fail(HTTPStatus.BAD_REQUEST, str(error))
            return
        body = json.dumps(answer, allow_nan=False, separators=(",", ":")).encode()
        self._send(HTTPStatus.OK, body, "application/json")

    def _request(self) -> dict[str, Any] | None:
        """Return the object in the body; answer and return None if there is none."""
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or int(length) > MAX_BODY:
            self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has up to {MAX_BODY} bytes")
            return None
        try:
            request = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            self._fail(HTTPStatus.BAD_REQUEST, "the request must be a JSON object")
            return None
        return request

    def _path(self) -> str | None:
        """Return the path below the token; None where the token is not ours."""
        _, token, *rest = [*self.path.split("/"), ""]
        known = hmac.compare_digest(token.encode(), self.server.token.encode())
        return "/".join(rest[:-1]) if known and len(rest) > 1 else None

    def _refused(self) -> bool:
        """Answer, and return true, if a request does not come from our page."""
        host, origin = self.headers.get("Host"), self.headers.get("Origin")
        if host != self.server.host or origin not in (None, f"http://{self.server.host}"):
            self._fail(HTTPStatus.FORBIDDEN, f"open the page at {ADDRESS}, as the terminal says")
            return True
        if self._path() is None:
            self._fail(HTTPStatus.NOT_FOUND, "nothing is here; use the address in the terminal")
            return True
        return False

    def _fail(self, status: HTTPStatus, text: str) -> None:
        # what follows on the connection may be a body that nobody reads
        self.close_connection = True
        self._send(status, json.dumps({"error": text}).encode(), "application/json")

    def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the terminal quiet."""
