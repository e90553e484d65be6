"""A real nginx in front of a server, with TLS and a prefix; everything else is as nginx does it by default."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from support import ROOT, missing, wait_until

NAME = "mock.example"
# The blocks of the documentation: the lines for `/vambe/`, by the first words of their comments.
LOCATIONS = dict(
    re.findall(r"```nginx\n(# [^\n:,]*)[^\n]*\n(.*?)```", (ROOT / "docs" / "proxies.md").read_text("utf-8"), re.DOTALL)
)
REMOVED, KEPT, FORWARDED = LOCATIONS
_CONFIGURATION = """
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    server_name {name};
    ssl_certificate {folder}/certificate.pem;
    ssl_certificate_key {folder}/key.pem;
{location}
  }}
}}
"""


@contextlib.contextmanager
def nginx(folder: Path, port: int, location: str, server: str) -> Iterator[None]:
    """Nginx on a port of this machine, in front of a server as a location of the documentation says."""
    path = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not path or not shutil.which("openssl"):
        missing("there is no nginx or openssl: apt-get install nginx-light openssl")
    subject = ("-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}")
    files = ("-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem")
    new_key = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    subprocess.run([*new_key, *subject, *files], check=True, capture_output=True)
    passed = LOCATIONS[location].replace("http://127.0.0.1:4010", server)
    configuration = folder / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port, name=NAME, location=passed))
    process = subprocess.Popen([path, "-e", f"{folder}/error.log", "-c", str(configuration)])
    try:
        wait_until(lambda: (folder / "pid").exists() or process.poll() is not None)
        assert process.poll() is None, (folder / "error.log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(10)


def public_url(port: int) -> str:
    """The URL at which nginx offers the server."""
    return f"https://{NAME}:{port}/vambe"
