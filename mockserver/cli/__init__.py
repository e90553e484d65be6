"""The command `vambe-mock`.

`main` has its commands, `remote` those about a server that runs already, `executing` runs another command with a server
of its own: as its `child`, with the `variables` that lead it there, and telling of `refusals` when it fails.
"""

from mockserver.cli.main import main

__all__ = ["main"]
