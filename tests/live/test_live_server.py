"""The server of the live page answers its page and nobody else."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lmu_hw.errors import SpecError, ToolError
from lmu_hw.live import live_server as module
from lmu_hw.live.live_demo import live_server
from lmu_hw.live.live_server import MAX_BODY, MAX_STEPS, MAX_STREAMS, LiveServer

from ..tools import needs

tools = needs("make", "cc|gcc|clang")
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    """Serve the page of a small memory."""
    with live_server(None) as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.02,))
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def ask(
    server: LiveServer,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    *,
    token: str | None = None,
    method: str | None = None,
) -> tuple[int, dict[str, str], bytes]:
    """Send a request below the token; return status, headers and body."""
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=20)  # type: ignore[misc]
    try:
        connection.request(
            method or ("GET" if body is None else "POST"),
            f"/{server.token if token is None else token}/{path}",
            body,
            {**({} if body is None else JSON), **(headers or {})},
        )
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def post(server: LiveServer, path: str, **request: Any) -> dict[str, Any]:
    status, _, body = ask(server, path, json.dumps(request).encode())
    assert status == 200, body
    answer: dict[str, Any] = json.loads(body)
    return answer


def test_the_page_is_whole_and_asks_nobody_else(server: LiveServer) -> None:
    status, headers, body = ask(server, "")
    text = body.decode()
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'; connect-src 'self'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "LMU memory d=16 theta=128" in text
    assert 'src="http' not in text
    assert server.token not in text


def test_a_stream_advances_and_restarts(server: LiveServer) -> None:
    stream = post(server, "open")["stream"]
    assert post(server, "look", stream=stream)["step"] == 0
    frame = post(server, "advance", stream=stream, steps=5, output=3)
    assert frame["step"] == 5
    assert len(frame["outputs"][0]) == 16
    assert len(frame["history"]["output"]) == 5
    assert post(server, "look", stream=stream)["step"] == 5
    assert post(server, "restart", stream=stream)["step"] == 0


def test_every_page_has_a_stream_of_its_own(server: LiveServer) -> None:
    first, second = post(server, "open")["stream"], post(server, "open")["stream"]
    post(server, "advance", stream=first, steps=7)
    assert post(server, "advance", stream=second, steps=2)["step"] == 2
    for _ in range(MAX_STREAMS - 1):
        post(server, "open")
    status, _, body = ask(server, "look", json.dumps({"stream": first}).encode())
    assert status == 400
    assert "load the page again" in json.loads(body)["error"]
    assert post(server, "look", stream=second)["step"] == 2


@pytest.mark.parametrize("token", ["", "x", "ä", "tok en", "../"])
def test_without_the_token_nothing_is_there(server: LiveServer, token: str) -> None:
    for path, body in (("", None), ("open", b"{}")):
        try:
            status, _, said = ask(server, path, body, token=token)
        except (UnicodeEncodeError, http.client.InvalidURL):
            continue
        assert status == 404
        assert server.token.encode() not in said


def test_a_prefix_of_the_token_is_not_enough(server: LiveServer) -> None:
    assert ask(server, "", token=server.token[:-1])[0] == 404
    assert ask(server, "", token=server.token + "x")[0] == 404
    # without the slash at the end
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=20)  # type: ignore[misc]
    connection.request("GET", f"/{server.token}")
    assert connection.getresponse().status == 404
    connection.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "example.org"},
        {"Host": "localhost:1"},
        {"Host": "127.0.0.1"},
        {"Origin": "https://example.org"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
    ],
)
def test_other_pages_are_refused(server: LiveServer, headers: dict[str, str]) -> None:
    for path, body in (("", None), ("open", b"{}")):
        status, _, said = ask(server, path, body, headers)
        assert status == 403
        assert server.token.encode() not in said


def test_its_own_page_is_answered(server: LiveServer) -> None:
    assert ask(server, "open", b"{}", {"Origin": f"http://{server.host}"})[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("open", b"{}", {"Content-Type": "text/plain"}, 415),
        ("open", b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ("open", b"[]", {}, 400),
        ("open", b"{", {}, 400),
        ("open", b"\xff", {}, 400),
        ("open", b"[" * 1000, {}, 400),
        ("open", b" " * (MAX_BODY + 1), {}, 413),
        ("shut", b"{}", {}, 404),
        ("open/", b"{}", {}, 404),
        ("", b"{}", {}, 404),
        ("advance", b"{}", {}, 400),
    ],
)
def test_bad_requests_are_refused(
    server: LiveServer, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    found, _, said = ask(server, path, body, headers)
    assert found == status
    assert json.loads(said)["error"]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"steps": 0}, "steps must be"),
        ({"steps": MAX_STEPS + 1}, "steps must be"),
        ({"steps": "5"}, "steps must be"),
        ({"steps": 1.5}, "steps must be"),
        ({"steps": True}, "steps must be"),
        ({"steps": 1, "output": 16}, "output must be"),
        ({"steps": 1, "output": -1}, "output must be"),
        ({"steps": 1, "channel": 1}, "channel must be"),
        ({"steps": 1, "stream": 10**9}, "stream must be"),
        ({"steps": 1, "stream": True}, "stream must be"),
        ({"steps": 1, "stream": [1]}, "stream must be"),
    ],
)
def test_numbers_out_of_range_are_refused(
    server: LiveServer, request_: dict[str, Any], said: str
) -> None:
    stream = post(server, "open")["stream"]
    status, _, body = ask(server, "advance", json.dumps({"stream": stream, **request_}).encode())
    assert status == 400
    assert said in json.loads(body)["error"]


def test_other_methods_are_refused(server: LiveServer) -> None:
    for method in ("PUT", "DELETE", "OPTIONS", "HEAD"):
        assert ask(server, "", method=method)[0] == 501


def test_only_this_machine_is_served(server: LiveServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert len(server.token) >= 32
    assert server.url == f"http://127.0.0.1:{server.server_address[1]}/{server.token}/"


def test_a_silent_reader_holds_nobody_up(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module._Handler, "timeout", 0.2)
    with socket.create_connection(server.server_address[:2], timeout=20) as line:
        line.sendall(b"POST / HTTP/1.1\r\n")
        assert ask(server, "")[0] == 200
        assert line.recv(100) == b""


def test_ports_are_checked() -> None:
    def opened(port: Any) -> LiveServer:
        return LiveServer("", lambda: None, n_outputs=1, n_channels=1, port=port)  # type: ignore[arg-type, return-value]

    for port in (-1, 65536, "http", 1.5):
        with pytest.raises(SpecError, match="--port must be"):
            opened(port)
    with opened(0) as first, pytest.raises(ToolError, match=r"port \d+ is in use; choose another"):
        opened(first.server_address[1])


@pytest.mark.parametrize("rate", [0, -1, float("nan"), "fast"])
def test_a_rate_is_checked(rate: Any) -> None:
    with pytest.raises(SpecError, match="--rate must be"):
        live_server(None, rate=rate)


def test_a_recording_is_named_as_text(tmp_path: Path) -> None:
    path = tmp_path / "<b>x<script>.csv"
    path.write_text("0.5\n0.25\n")
    with live_server(None, path) as found:
        page = found.page.decode()
    assert "&lt;b&gt;x&lt;script&gt;.csv" in page
    assert "<b>x" not in page
    assert page.count("<script>") == 1
