"""`python -m mockserver`: the command `vambe-mock`."""

from mockserver.cli import main

main()
