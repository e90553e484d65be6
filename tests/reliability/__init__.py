"""Tests of a server that is a process: killed, restarted, crowded, and in use for long.

Each runs short in every run of the suite, and with `-m slow` at the size that it is meant for.
"""
