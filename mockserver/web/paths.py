"""Paths as OpenAPI and as Flask write them."""

from __future__ import annotations


def rule_of(path: str) -> str:
    """The rule for Flask of a path such as `/tasks/{id}`."""
    return path.replace("{", "<string:").replace("}", ">")
