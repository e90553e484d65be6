"""The command `vambe-mock`.

`commands` has them all, `remote` those about a server that runs already, `executing` runs another command with a server
of its own: as its `child`, with the `variables` that lead it there, and telling of `refusals` when it fails.
"""

from collections.abc import Sequence

from mockserver import starting


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 when all went well, 1 when a check found problems, 2 when it could not run."""
    with starting.fast():
        from mockserver.cli.commands import main
    main(arguments)
