"""What the log looks like, and that no client can make it look otherwise."""

from __future__ import annotations

import json
import logging
import re

import pytest

from mockserver import logs


@pytest.fixture(autouse=True)
def restored():
    """The loggers as they were before."""
    loggers = [logging.getLogger(name) for name in ("mockserver", "waitress")]
    states = [(logger, logger.handlers, logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, handlers, level, propagate in states:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def request(capsys, log_format, **fields):
    """What is written for a request's record."""
    logs.configure(log_format)
    fields = {"method": "GET", "path": "/a", "status": 200, "duration_ms": 3.14159, "sandbox": None} | fields
    logging.getLogger("mockserver.access").info("%s", fields["path"], extra=fields)
    written = capsys.readouterr()
    assert written.out == ""
    return written.err


def test_a_request_is_one_short_line_of_text(capsys):
    line = request(capsys, "text", method="POST", path="/api/public/tasks", status=201, sandbox="default")
    assert re.fullmatch(r"\d\d:\d\d:\d\d POST /api/public/tasks 201 3\.1 ms \[default\]\n", line)


def test_a_request_without_a_sandbox_shows_none(capsys):
    assert request(capsys, "text", status="aborted").endswith("GET /a aborted 3.1 ms\n")


def test_a_request_is_one_object_of_json(capsys):
    document = json.loads(request(capsys, "json", sandbox="default"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", document.pop("time"))
    assert document == {
        "level": "INFO",
        "logger": "mockserver.access",
        "message": "/a",
        "method": "GET",
        "path": "/a",
        "status": 200,
        "duration_ms": 3.14159,
        "sandbox": "default",
    }


HOSTILE = [
    ("\x1b[2J", r"\x1b[2J"),
    ("\r\n12:00:00 GET /forged 200", r"\r\n12:00:00 GET /forged 200"),
    ("\x00\x7f\x9b", r"\x00\x7f\x9b"),
    ("\ud800", r"\ud800"),
    ("\u202e", r"\u202e"),
    ("\u2028\u2029", r"\u2028\u2029"),
    ("\u2066", r"\u2066"),
]


@pytest.mark.parametrize(("hostile", "escaped"), HOSTILE)
@pytest.mark.parametrize("field", ["method", "path", "status", "sandbox"])
def test_no_field_of_a_request_can_drive_a_terminal_or_forge_a_line(capsys, field, hostile, escaped):
    line = request(capsys, "text", **{field: hostile})
    assert escaped in line
    assert line.rstrip("\n").isprintable()
    document = request(capsys, "json", **{field: hostile})
    assert document.rstrip("\n").isascii()
    assert document.rstrip("\n").isprintable()
    assert json.loads(document)[field] == escaped


@pytest.mark.parametrize(("hostile", "escaped"), HOSTILE)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_message_can_either(capsys, log_format, hostile, escaped):
    logs.configure(log_format)
    logging.getLogger("mockserver").warning("a %s", hostile)
    line = capsys.readouterr().err
    assert line.rstrip("\n").isprintable()
    message = json.loads(line)["message"] if log_format == "json" else line
    assert f"a {escaped}" in message


def test_a_message_shows_its_level_and_logger(capsys):
    logs.configure("text")
    logging.getLogger("mockserver.store").warning("full")
    assert capsys.readouterr().err[8:] == " WARNING mockserver.store: full\n"


def fail(message):
    try:
        raise ValueError(message)
    except ValueError:
        logging.getLogger("mockserver").exception("failed")


def test_the_lines_of_a_traceback_do_not_pass_for_records(capsys):
    logs.configure("text")
    fail("bad\n12:00:00 GET /forged 200\x1b[2J")
    first, *others = capsys.readouterr().err.splitlines()
    assert first.endswith("ERROR mockserver: failed")
    assert "    12:00:00 GET /forged 200\\x1b[2J" in others
    assert all(line.startswith("    ") and line.isprintable() for line in others)


def test_a_traceback_is_a_list_in_json(capsys):
    logs.configure("json")
    fail("bad\x1b")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["traceback"][-1] == r"ValueError: bad\x1b"


def test_configuring_twice_logs_once(capsys):
    logs.configure("json")
    assert len(request(capsys, "text").splitlines()) == 1


def test_chatter_of_waitress_is_left_out_and_its_warnings_are_not(capsys):
    logs.configure("text")
    logging.getLogger("waitress").info("chatter")
    logging.getLogger("waitress").warning("trouble")
    assert capsys.readouterr().err[8:] == " WARNING waitress: trouble\n"


def test_nothing_reaches_the_root_logger(capsys, caplog):
    request(capsys, "text")
    assert caplog.records == []


def test_letters_of_any_language_stay_as_they_are():
    assert logs.printable("señal – 任务 🙂") == "señal – 任务 🙂"
