"""The start of the command: what it puts off, and that all of it works when it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import httpx
import pytest
from support import MARIA, served, uncovered_environment

STARTED = """
import gc, json, re, sys
from mockserver import cli
compile = re.compile
with cli.fast_imports():
    import mockserver.cli.commands
from marshmallow import ValidationError
from marshmallow.validate import Email
"""


def printed(code: str) -> Any:
    """The JSON document that Python prints when it runs the code, in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=uncovered_environment()
    )
    return json.loads(ended.stdout)


def test_patterns_of_libraries_are_compiled_when_they_are_used() -> None:
    code = "print(json.dumps([isinstance(Email.DOMAIN_REGEX, re.Pattern), re.compile is compile]))"
    assert printed(STARTED + code) == [False, True]


def test_the_patterns_of_other_modules_are_compiled_at_once() -> None:
    code = "import email.utils; print(json.dumps(isinstance(email.utils.specialsre, re.Pattern)))"
    assert printed(STARTED + code) is True


@pytest.mark.parametrize(
    ("address", "valid"), [("someone@example.com", True), ("someone@exämple.com", True), ("someone@-", False)]
)
def test_a_mail_address_is_checked_all_the_same(address: str, valid: bool) -> None:
    code = f"""
try:
    Email()({address!r})
    print("true")
except ValidationError:
    print("false")
"""
    assert printed(STARTED + code) is valid


@pytest.mark.parametrize(
    "path", ["/__admin/", "/__admin/console/faults", "/__admin/openapi.json", "/openapi.json", "/docs"]
)
def test_a_page_is_rendered_all_the_same(path: str) -> None:
    with served() as server:
        assert httpx.get(server.url + path).status_code == 200


def test_garbage_is_looked_for_again_but_not_among_what_was_imported() -> None:
    enabled, kept = printed(STARTED + "print(json.dumps([gc.isenabled(), gc.get_freeze_count()]))")
    assert enabled
    assert kept > 10_000


def test_who_imports_the_mock_into_a_process_of_their_own_gets_marshmallow_as_it_is() -> None:
    code = "import re, mockserver.application, mockserver.testing; from marshmallow.validate import Email\n"
    assert printed(code + "print('true' if isinstance(Email.DOMAIN_REGEX, re.Pattern) else 'false')") is True


@pytest.mark.parametrize(
    "module",
    [
        "apispec",
        "flask_cors",
        "mockserver.admin.calls",
        "mockserver.admin.openapi",
        "mockserver.admin.schemas",
        "mockserver.api.answer_schemas",
        "mockserver.api.openapi",
        "mockserver.cli.executing",
        "mockserver.cli.remote",
        "mockserver.console.board",
        "mockserver.console.copy_as",
        "mockserver.store.postgres",
        "mockserver.testing",
        "peewee",
        "psycopg",
        "subprocess",
        "urllib.request",
    ],
)
def test_a_server_answers_without_what_only_others_need(module: str, modules: list[str]) -> None:
    assert module not in modules


def test_the_mock_starts_in_frozen_time_with_warnings_as_errors_whatever_drivers_are_installed() -> None:
    code = """
import importlib.util, json, sys, warnings
import freezegun
assert importlib.util.find_spec("psycopg")
warnings.simplefilter("error")
with freezegun.freeze_time("2030-01-01"):
    from mockserver.application import create_app
    from mockserver.config import Settings
    create_app(Settings()).extensions["vambe_mock"].close()
with freezegun.freeze_time("2031-01-01"):
    print(json.dumps("psycopg" in sys.modules))
"""
    assert printed(code) is False


def test_who_imports_peewee_beside_the_mock_gets_it_with_its_drivers() -> None:
    code = """
import json
import mockserver.store.orm, peewee, psycopg
print(json.dumps([peewee.psycopg is psycopg, peewee.Model is mockserver.store.orm.Model]))
"""
    assert printed(code) == [True, False]
    assert printed(code.replace("mockserver.store.orm, peewee", "peewee, mockserver.store.orm")) == [True, True]


@pytest.fixture(scope="module")
def modules() -> list[str]:
    """The modules that a server has imported when it has answered a create."""
    start = (sys.executable, "-X", "importtime", "-m", "mockserver", "serve")
    task = {"title": "Call", "responsibleIds": [MARIA], "priority": "1"}
    with served(start=start, COVERAGE_PROCESS_START="", COVERAGE_PROCESS_CONFIG="") as server:
        headers = {"x-api-key": "test_default"}
        assert httpx.post(f"{server.url}/api/public/tasks", json=task, headers=headers).status_code == 201
        _, _, lines = server.stop()
    found = [line.rpartition("|")[2].strip() for line in lines.splitlines() if line.startswith("import time:")]
    assert "mockserver.api.pipeline" in found
    return found
