"""A running server as an object: waitress, held to the contract on the wire.

`listening` binds the socket, `request` reads requests, `chunked` their chunked bodies, `names` spells the names of
headers, `channel` owns a connection with its deadlines, `exchange` turns a request into its answer, `workers` are the
threads that do so, `hub` is the loop over all connections, and `running` is the `Server` that a command line or a test
holds.
"""

from mockserver.server.limits import Timeouts
from mockserver.server.running import Server

__all__ = ["Server", "Timeouts"]
