"""A running server as an object: waitress, held to the contract on the wire.

`listening` binds the socket, `request` reads requests and their chunked bodies, `names` knows the names of headers,
`connection` owns a connection with its deadlines, `answering` turns a request into its answer, `workers` are the
threads that do so, `leader_followers` decides which of them waits, `loop` runs over all connections, `limits` holds
timeouts and sizes, and `running` is the `Server` that a command line or a test holds.
"""

from mockserver.server.limits import Timeouts
from mockserver.server.running import Server

__all__ = ["Server", "Timeouts"]
