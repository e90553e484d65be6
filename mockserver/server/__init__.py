"""A running server as an object: waitress's connections, with requests and answers of our own, as the contract says.

`listening` binds the socket, `request` parses requests and their chunked bodies, `names` converts header names,
`connection` owns a connection and its deadlines, `answering` turns a request into its answer, `workers` is the thread
pool, `leader_followers` decides which thread waits for requests, `loop` is the event loop over all connections,
`waking` wakes it, `limits` holds timeouts and sizes, and `running` is the `Server` that a command line or a test holds.
"""

from mockserver.server.answering import Suspended
from mockserver.server.limits import Timeouts, raise_file_limit
from mockserver.server.running import Server

__all__ = ["Server", "Suspended", "Timeouts", "raise_file_limit"]
