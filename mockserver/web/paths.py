"""Conversion of OpenAPI paths to Flask rules."""

from __future__ import annotations


def rule_of(path: str) -> str:
    """The Flask rule for a path such as `/tasks/{id}`."""
    return path.replace("{", "<string:").replace("}", ">")
