"""Creates without a socket, as in a test: `python inprocess.py CREATES` prints the median in milliseconds."""

import statistics
import sys
import time

import httpx

from mockserver.testing import MockServer

with (
    MockServer() as mock,
    httpx.Client(transport=mock.transport, base_url="https://vendor.example", headers=mock.headers) as client,
):
    task = {"responsibleIds": [mock.users[0]["id"]], "priority": "1", "dueDate": "2025-11-26", "dueTime": "14:30"}
    samples = []
    for number in range(int(sys.argv[1])):
        body = task | {"title": f"Call the client {number}", "timezone": "America/Santiago"}
        began = time.perf_counter()
        client.post("/api/public/tasks", json=body).raise_for_status()
        samples.append((time.perf_counter() - began) * 1000)
sys.stdout.write(str(statistics.median(samples)))
