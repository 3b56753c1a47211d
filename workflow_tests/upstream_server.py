"""A server on loopback that publishes files and fails in the ways that servers fail."""

import json
import threading
import time
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PIECE = 2**14


@dataclass
class Answer:
    """One answer out of the ordinary: a status in place of the file, or a body that breaks off or comes slowly."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None  # bytes of the body, then the connection drops
    pause: float = 0.0  # seconds between pieces
    body: bytes | None = None  # sent as it is, with these headers and no others: of a server that lies


@dataclass
class Published:
    content: bytes
    ranges: bool = True
    if_range: bool = True
    validator: str = "ETag"  # or Last-Modified (beside a weak ETag), or none
    headers: dict[str, str] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)  # to the first requests; the last stays when `forever`
    forever: bool = False


class UpstreamServer:
    """What it publishes, by path, and what was asked of it."""

    def __init__(self) -> None:
        self.files: dict[str, Published] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.sent = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.answer(self)

            def log_message(self, *_: object) -> None:
                """Keep the tests' output quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def publish(self, path: str, content: bytes, *answers: Answer, **settings: Any) -> str:
        """Publish a file, after some answers out of the ordinary; returns its address."""
        self.files[f"/{path}"] = Published(content, answers=list(answers), **settings)
        return f"{self.address}/{path}"

    def ranges(self) -> list[str | None]:
        """The Range of each request."""
        return [headers.get("Range") for _, headers in self.asked]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append((handler.path, dict(handler.headers)))
        file = self.files.get(handler.path)
        if not file:
            return handler.send_error(404)
        answer = (file.answers[0] if file.forever else file.answers.pop(0)) if file.answers else Answer()
        if answer.body is not None:
            return self._lie(handler, answer)
        if answer.status:
            return self._send(handler, answer.status, answer.headers, b"", answer)
        version = f'"{sha256(file.content).hexdigest()[:8]}"'
        headers = file.headers | ({file.validator: version} if file.validator else {})
        if file.validator == "Last-Modified":
            headers["ETag"] = f"W/{version}"
        asked = handler.headers.get("Range")
        if asked and file.ranges and (not file.if_range or handler.headers.get("If-Range") == version):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            headers["Content-Range"] = f"bytes {start}-{len(file.content) - 1}/{len(file.content)}"
            return self._send(handler, 206, headers, file.content[start:], answer)
        self._send(handler, 200, headers, file.content, answer)

    def _lie(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        handler.send_response(answer.status or 200)
        for name, value in answer.headers.items():
            for one in value.split("|"):  # the same header several times
                handler.send_header(name, one)
        handler.end_headers()
        for start in range(0, len(answer.body or b""), PIECE):
            try:
                handler.wfile.write((answer.body or b"")[start : start + PIECE])
            except OSError:
                break
            time.sleep(answer.pause)
        handler.close_connection = True

    def _send(self, handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes, answer: Answer) -> None:
        handler.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            handler.send_header(name, value)
        handler.end_headers()
        end = len(body) if answer.cut is None else answer.cut
        for start in range(0, end, PIECE):
            try:
                handler.wfile.write(body[start : min(end, start + PIECE)])
            except OSError:
                return
            self.sent += min(end, start + PIECE) - start
            time.sleep(answer.pause)
        handler.close_connection = True


def publish_repository(
    hub: UpstreamServer, name: str, revision: str, files: dict[str, bytes], commit: str = "a" * 40, **answers: Answer
) -> None:
    """Publish a repository's revision as the Hugging Face hub does; answers out of the ordinary by the file's name."""
    siblings = []
    for file, content in files.items():
        large = {"sha256": sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
        blob = sha1(b"blob %d\0%b" % (len(content), content)).hexdigest()
        lfs = {"lfs": large} if file.endswith((".safetensors", ".bin")) else {}
        siblings.append({"rfilename": file, "size": len(content), "blobId": blob} | lfs)
        hub.publish(f"{name}/resolve/{commit}/{file}", content, *([answers[file]] if file in answers else []))
    described = json.dumps({"id": name, "modelId": name, "sha": commit, "siblings": siblings})
    json_headers = {"Content-Type": "application/json"}
    hub.publish(f"api/models/{name}/revision/{revision}?blobs=true", described.encode(), headers=json_headers)
