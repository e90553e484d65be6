"""The format of the log, which no client can forge."""

from __future__ import annotations

import errno
import io
import json
import logging
import re

import freezegun
import pytest

from mockserver import clock, logs

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture(autouse=True)
def restored():
    """The loggers as they were before."""
    loggers = [logging.getLogger(name) for name in ("mockserver", "mockserver.access", "waitress")]
    states = [(logger, logger.handlers[:], logger.filters[:], logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, handlers, filters, level, propagate in states:
        logger.handlers, logger.filters, logger.propagate = handlers, filters, propagate
        logger.setLevel(level)


def request(capsys, log_format, **fields):
    """The text that is written for the record of a request."""
    logs.configure(log_format)
    fields = {"method": "GET", "path": "/a", "status": 200, "duration_ms": 3.14159, "sandbox": None} | fields
    logging.getLogger("mockserver.access").info("%s", fields["path"], extra=fields)
    written = capsys.readouterr()
    assert written.out == ""
    return written.err


def test_a_request_is_one_short_line_of_text(capsys):
    line = request(capsys, "text", method="POST", path="/api/public/tasks", status=201, sandbox="default")
    assert re.fullmatch(rf"{TIME} POST /api/public/tasks 201 3\.1 ms \[default\]\n", line)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_lines_have_the_machine_s_time_to_the_millisecond_also_while_a_test_has_frozen_it(capsys, log_format):
    started = clock.real_ms()
    with freezegun.freeze_time("2030-01-01"):
        lines = request(capsys, log_format)
        logging.getLogger("mockserver").warning("full")
        lines += capsys.readouterr().err
        logs.log_request("GET", "/a", 200, 3.1, None)
        lines += capsys.readouterr().err
    own = [line for line in lines.splitlines() if "/a" in line or "full" in line]  # other tests' servers log too
    times = [re.findall(TIME, line)[0] for line in own]
    assert len(times) == 3
    assert all(started <= clock.ms_of(clock.parse_instant(time)) <= clock.real_ms() for time in times)


def test_a_request_without_a_sandbox_shows_none(capsys):
    assert request(capsys, "text", status="aborted").endswith("GET /a aborted 3.1 ms\n")


def test_a_request_is_one_object_of_json(capsys):
    document = json.loads(request(capsys, "json", sandbox="default"))
    assert re.fullmatch(TIME, document.pop("time"))
    assert document == {
        "level": "INFO",
        "logger": "mockserver.access",
        "message": "/a",
        "method": "GET",
        "path": "/a",
        "status": 200,
        "duration_ms": 3.14159,
        "sandbox": "default",
        "entry": None,
        "client": None,
        "request_id": None,
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
    assert written(capsys) == "TIME WARNING mockserver.store: full\n"


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
    assert written(capsys) == "TIME WARNING waitress: trouble\n"


def test_nothing_reaches_the_root_logger(capsys, caplog):
    request(capsys, "text")
    assert caplog.records == []


# Lines without records


ACCESS, OURS = logging.getLogger("mockserver.access"), logging.getLogger("mockserver")


class Kept(logging.Handler):
    """Keeps the records that reach it."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


@pytest.fixture
def made():
    """The records that are made."""
    made = []
    ordinary = logging.getLogRecordFactory()
    logging.setLogRecordFactory(lambda *args, **more: made.append(ordinary(*args, **more)) or made[-1])
    yield made
    logging.setLogRecordFactory(ordinary)


def log(path="/a", sandbox="team"):
    logs.log_request("GET", path, 200, 3.14159, sandbox)


def written(capsys):
    """The written lines, without their times."""
    return re.sub(TIME, "TIME", capsys.readouterr().err)


@pytest.mark.parametrize("path", ["/a", *(hostile for hostile, _ in HOSTILE)])
@pytest.mark.parametrize("sandbox", [None, "team"])
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_request_s_line_is_that_of_its_record_which_nobody_needs(capsys, made, log_format, sandbox, path):
    logs.configure(log_format)
    log(path, sandbox)
    line = written(capsys)
    assert line.count("\n") == 1
    assert made == []
    ACCESS.addHandler(logging.NullHandler())
    log(path, sandbox)
    assert len(made) == 1
    assert written(capsys) == line


@pytest.mark.parametrize("logger", [ACCESS, OURS, logging.getLogger()], ids=["access", "mockserver", "root"])
@pytest.mark.parametrize("ours", [True, False])
def test_a_handler_of_anyone_gets_the_record_of_a_request(capsys, logger, ours):
    logs.configure("text")
    if not ours:
        OURS.handlers = []
    kept = Kept()
    OURS.propagate = logger is logging.getLogger()
    logger.addHandler(kept)
    try:
        log()
    finally:
        logger.removeHandler(kept)
    (record,) = kept.records
    assert (record.name, record.levelname, record.method, record.path) == ("mockserver.access", "INFO", "GET", "/a")
    assert (record.status, record.duration_ms, record.sandbox) == (200, 3.14159, "team")
    assert record.getMessage() == "GET /a 200"
    assert written(capsys).count("GET /a 200 3.1 ms [team]") == ours


def silence(place):
    """One of the ways in which a record is kept from its handler."""
    if place == "disable":
        logging.disable(logging.INFO)
    elif place == "propagate":
        ACCESS.propagate = False
    elif place.startswith("level"):
        {"level of access": ACCESS, "level of mockserver": OURS, "level": OURS.handlers[0]}[place].setLevel("WARNING")
    else:
        {"filter of access": ACCESS, "filter": OURS.handlers[0]}[place].addFilter(lambda record: False)


@pytest.mark.parametrize(
    "place",
    [
        "disable",
        "propagate",
        "level of access",
        "level of mockserver",
        "level",
        "filter of access",
        "filter",
    ],
)
def test_what_silences_a_record_silences_the_line(capsys, place):
    logs.configure("text")
    silence(place)
    try:
        log()
    finally:
        logging.disable(logging.NOTSET)
    assert written(capsys) == ""


def test_a_filter_may_look_at_the_requests(capsys):
    logs.configure("text")
    ACCESS.addFilter(lambda record: record.path != "/healthz")
    log("/healthz")
    log("/a")
    assert written(capsys) == "TIME GET /a 200 3.1 ms [team]\n"


def test_a_formatter_of_the_user_s_own_is_used(capsys):
    logs.configure("text")
    OURS.handlers[0].setFormatter(logging.Formatter("own %(path)s"))
    log()
    assert written(capsys) == "own /a\n"


@pytest.mark.parametrize("failure", ["full", "closed", "none"])
def test_a_line_that_cannot_be_written_stops_nothing(failure, tmp_path, monkeypatch):
    closed = (tmp_path / "closed").open("w")
    closed.close()
    monkeypatch.setattr(logging, "raiseExceptions", False)  # logging would report it
    logs.configure("text")
    OURS.handlers[0].stream = {"full": Full(), "closed": closed, "none": None}[failure]
    log()


class Full(io.StringIO):
    """A stream whose device has no room."""

    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_letters_of_any_language_stay_as_they_are():
    assert logs.printable("señal – 任务 🙂") == "señal – 任务 🙂"
