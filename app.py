"""The application for `flask run`, and the server for `python app.py`; settings come from `VAMBE_MOCK_*`."""

import os

from mockserver import cli, config
from mockserver.application import create_app
from mockserver.web.hosts import HostRule

if __name__ == "__main__":
    cli.main()
else:
    settings = config.resolve({}, os.environ)
    app = create_app(settings)
    app.wsgi_app = HostRule(app.wsgi_app, settings.allowed_host)  # type: ignore[method-assign]
