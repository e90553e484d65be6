"""Measuring a real vendor: requests to its API that settle which rules of the contract hold.

`vendor` is the one connection to it.
"""
