"""The control plane's client, for the command line and for test suites.

`client` makes the calls, and `terminal` formats journal entries as text.
"""
