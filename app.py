"""The application for `flask run`, and the server for `python app.py`; settings come from `VAMBE_MOCK_*`."""

import atexit
import os

import click
from flask import Flask
from flask.helpers import get_debug_flag
from werkzeug.serving import is_running_from_reloader

from mockserver import cli, config
from mockserver.application import create_app
from mockserver.engine import EXTENSION
from mockserver.web.proxies import guarded


def _only_reloads() -> bool:
    """Test for the process of `flask run --debug` that restarts the one that serves, which owns the database."""
    command = click.get_current_context(silent=True)
    if command is None or command.info_name != "run" or is_running_from_reloader():
        return False
    chosen = command.params.get("reload")
    return get_debug_flag() if chosen is None else bool(chosen)


if __name__ == "__main__":
    cli.main()
elif _only_reloads():
    app = Flask("mockserver")
else:
    settings = config.resolve({}, os.environ)
    app = create_app(settings)
    app.wsgi_app = guarded(app.wsgi_app, settings)  # type: ignore[method-assign]
    atexit.register(app.extensions[EXTENSION].close)
