"""The environment variables that point a program to the mock, and the options that choose them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import click

from mockserver.config import KEY_VARIABLE, URL_VARIABLE
from mockserver.errors import BadRequest
from mockserver.formats.json import quoted
from mockserver.keys import DEFAULT, PREFIX, check_name

Variables = Callable[[str], dict[str, str]]


def _sandbox(context: click.Context, parameter: click.Parameter, text: str) -> str:
    try:
        return check_name(text)
    except BadRequest as error:
        raise click.UsageError(f"{parameter.opts[0]}: {error}") from None


def _variable(context: click.Context, parameter: click.Parameter, text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        wanted = "use A-Z a-z 0-9 _, and no digit first"
        raise click.UsageError(f"{parameter.opts[0]}: {quoted(text)} is no variable's name: {wanted}")
    return text


def _option(flag: str, default: str, callback: Callable[..., str], help: str) -> Callable[..., Any]:
    help = f"{help}  [default: {default}]"
    return click.option(flag, metavar="NAME", default=default, callback=callback, help=help)


_OPTIONS = (
    _option("--sandbox", DEFAULT, _sandbox, "The sandbox that the key opens."),
    _option("--url-variable", URL_VARIABLE, _variable, "The variable that gets the server's URL."),
    _option("--key-variable", KEY_VARIABLE, _variable, "The variable that gets the API key."),
)


def chosen(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose variables to a command, which takes a function from URL to variables instead."""

    @functools.wraps(command)
    def run(sandbox: str, url_variable: str, key_variable: str, **rest: Any) -> Any:
        if url_variable == key_variable:
            raise click.UsageError(f"--key-variable: {key_variable} gets the URL already; choose another name")
        return command(variables_of=lambda url: {url_variable: url, key_variable: PREFIX + sandbox}, **rest)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run
