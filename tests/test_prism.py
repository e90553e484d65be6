"""Prism's proxy between a client and the mock: each answer is one that `/openapi.json` describes."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exchanges import Request, cases, connected, request_of
from support import ROOT, check_that_there_is_node, free_port, missing, plain_environment, running, wait_until

from mockserver.formats import json as wire_json

PRISM = Path(sys.prefix) / "npm" / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"


@contextlib.contextmanager
def proxy(url: str) -> Iterator[str]:
    """The URL of a proxy that holds the answers of a server to its description."""
    check_that_there_is_node()
    if not PRISM.exists():
        missing(f"there is no {PRISM}: the line `npm_packages npm` of {ROOT / '.ci' / 'run'} installs it")
    port = free_port()
    line = ["node", PRISM, "proxy", f"{url}/openapi.json", url, "--port", str(port), "--verboseLevel", "silent"]
    with subprocess.Popen(line, env=plain_environment()) as process:
        try:
            wait_until(lambda: process.poll() is not None or listens(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def listens(port: int) -> bool:
    """Test if something takes connections on a port of this machine."""
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def passes(request: Request, answer: dict[str, Any]) -> bool:
    """Test for a request that Prism can pass on, and whose recorded answer no fault made."""
    names = {name for name, _ in answer["headers"]}
    if "X-Mock-Request-Id" not in names or "X-Mock-Fault" in names:
        return False
    if request.method == "HEAD" or "%FF" in request.target:
        return False
    try:
        wire_json.decode(request.body or b"{}")
    except wire_json.NotJson:  # a body that Prism never answers
        return False
    return True


def test_prism_finds_no_answer_that_is_not_as_described() -> None:
    """Of the requests of `data/transcript.json`, good and bad; those that Prism cannot pass on go past it."""
    seen = Counter[int]()
    with running() as url, proxy(url) as proxied, connected(url) as direct, connected(proxied) as connection:
        for case in cases("transcript.json"):
            request = request_of(case, {})
            if not passes(request, case["answer"]):
                direct.exchange(request)
                continue
            answer = connection.exchange(request)
            found = dict(answer.headers).get("sl-violations", "")
            assert '{"location":["response"' not in found, (request, found, answer.body)
            seen[answer.status] += 1
    assert seen.keys() >= {200, 201, 400, 401, 404, 429}
