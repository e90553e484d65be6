"""Create the Flask application: wiring only."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from mockserver import config, engine
from mockserver.admin import blueprint as admin
from mockserver.api import blueprint as api
from mockserver.config import Settings
from mockserver.console import pages, reference


class _Rule(Rule):
    """A rule that compiles its URL builder on first use: few rules ever build a URL.

    The method is private to Werkzeug. If it goes, this one is not called, and the start takes 10 ms longer.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = cache(super()._compile_builder)
        return lambda rule, **values: compiled(append_unknown)(rule, **values)


class _Application(Flask):
    url_rule_class = _Rule

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function unchanged: no view is asynchronous, and Flask would check each at every request."""
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """Create the mock as a Flask application.

    The default settings are those of the environment (`VAMBE_MOCK_*`). Raises `InvalidSetting`, `InvalidFixtures` or
    `UnusableDatabase`. The caller closes the application with `app.extensions["vambe_mock"].close()`.
    """
    settings = config.resolve({}, os.environ) if settings is None else settings
    started = engine.start(settings, api.described())
    app = _Application("mockserver", static_folder=None)
    app.extensions[engine.EXTENSION] = started
    # Paths are matched as sent: the vendor's framework does not redirect.
    app.url_map.merge_slashes = False
    api.register(app, settings)
    admin.register(app)
    pages.register(app)
    reference.register(app)
    api.past_flask(app, started)
    return app
