"""The mock in a test suite: `MockServer` and its sandboxes. For pytest, `mockserver.pytest_plugin` has fixtures.

`sandbox` is a sandbox for a test, `servers` are the servers that provide sandboxes, `failures` is the failure matrix,
`inprocess` and `transport` call the application without a socket, and `flipping` and `inferring` are options of pytest.
"""

from mockserver.client.client import CallFailed
from mockserver.testing.failures import Failure, failures
from mockserver.testing.sandbox import Clock, Fault, VambeMock
from mockserver.testing.servers import MockServer, NotRunning, RemoteServer

__all__ = [
    "CallFailed",
    "Clock",
    "Failure",
    "Fault",
    "MockServer",
    "NotRunning",
    "RemoteServer",
    "VambeMock",
    "failures",
]
