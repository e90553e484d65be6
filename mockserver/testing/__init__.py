"""The mock inside a test suite: `MockServer` and what it gives. For pytest, `mockserver.pytest_plugin` has fixtures.

`vambe_mock` is a sandbox as a test holds it, `servers` are what sandboxes are taken from, `failures` is the failure
matrix, `inprocess` and `transport` are the door without a socket.
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
