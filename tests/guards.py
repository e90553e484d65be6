"""Do the tests guard? Each guard is taken out of a copy of the checkout in turn, and a test has to turn red.

    python tests/guards.py                       all guards: some minutes
    python tests/guards.py --only host-check     one of them; may be repeated
    python tests/guards.py --list                what there is

To be run by hand or at night, with the project's `test` extra installed: pytest does not collect it. It exits with 1
when the removal of a guard stays green, and when an edit no longer fits, which says that this table is to be kept up.
Each edit weakens one guard and leaves the rest at work; where a second guard stands behind the first, that is the
point: the test to be found is the one of the first.
"""

from __future__ import annotations

import ast
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import click

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 300
_TURNED_RED = re.compile(r"^(?:FAILED|ERROR) (tests/.+?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True)
class Guard:
    """A guard: where it stands, the text that it is and what is put in its place, and the tests that should notice."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def _guard(name: str, file: str, old: str, new: str, *tests: str) -> Guard:
    return Guard(
        name,
        f"mockserver/{file}",
        old,
        new,
        tuple(f"tests/{test}" if "/" in test.partition("::")[0] else f"tests/test_{test}" for test in tests),
    )


HOSTS = "hosts_and_origins.py"
CALLERS = "who_may_call.py"

GUARDS = (
    # Who is answered.
    _guard(
        "host-check",
        "serving.py",
        "HostRule(application, settings.allowed_host) if server.loopback else application",
        "application",
        f"{HOSTS}::TestHost",
    ),
    _guard("host-suffix", "web/hosts.py", 'name.endswith(".localhost")', '"localhost" in name', f"{HOSTS}::TestHost"),
    _guard("host-port", "web/hosts.py", "_HOST.fullmatch(header)\n", "_HOST.match(header)\n", f"{HOSTS}::TestHost"),
    _guard("origin-check", "admin/guard.py", "origin is not None and", "False and", CALLERS),
    _guard("cross-site-fetch", "admin/guard.py", '== "cross-site"', '== "never"', CALLERS),
    _guard("top-level-navigation", "admin/guard.py", 'arrives == ("navigate", "document")', "True", CALLERS),
    _guard("navigation-to-pages-only", "admin/guard.py", "leads and ", "", CALLERS),
    _guard("navigation-with-get-only", "admin/guard.py", 'request.method == "GET" and ', "", CALLERS),
    _guard(
        "media-type-of-calls",
        "admin/guard.py",
        'media_type(request.headers.get("Content-Type", "")) != JSON',
        "False",
        CALLERS,
    ),
    _guard("admin-token", "admin/guard.py", "if not hmac.compare_digest(", "if not hmac.compare_digest and (", CALLERS),
    _guard("token-for-pages", "admin/guard.py", "request.path != OPEN_PATH", "'console' not in request.path", CALLERS),
    _guard("this-machine-only", "admin/guard.py", "if not is_loopback(", "if False and not is_loopback(", CALLERS),
    _guard(
        "made-up-token",
        "serving.py",
        "return settings if settings.admin_token else",
        "return settings if True else",
        CALLERS,
    ),
    _guard(
        "no-cors-for-calls",
        "api/blueprint.py",
        '"Origin" in request.headers and not _CONTROL_PLANE.match(request.path)',
        '"Origin" in request.headers',
        HOSTS,
        CALLERS,
    ),
    _guard("cors-end-of-origin", "web/hosts.py", r"(:[0-9]{1,5})?\Z", "(:[0-9]{1,5})?", HOSTS),
    _guard("cors-own-origin", "web/hosts.py", "re.escape(origin)", "origin", HOSTS),
    _guard("api-key", "keys.py", "        raise Unauthorized", "        return Caller(DEFAULT)", "sandboxes.py"),
    _guard("revoked-key", "engine.py", 'if not record["revoked"]', "if record", "sandboxes.py"),
    _guard(
        "name-of-a-sandbox",
        "keys.py",
        'return bool(_NAME.fullmatch(text)) and text not in (".", "..")',
        "return True",
        "sandboxes.py",
    ),
    # What a page shows.
    _guard("policy-of-a-page", "console/pages.py", "default-src 'none'; ", "", CALLERS),
    _guard("no-framing", "console/pages.py", "frame-ancestors 'none'; ", "", CALLERS),
    _guard("no-sniffing", "console/pages.py", '"X-Content-Type-Options": "nosniff"', '"X-Content": "nosniff"', CALLERS),
    _guard("policy-of-the-console", "console/pages.py", "blueprint.after_request(with_headers)", "pass", CALLERS),
    _guard(
        "policy-of-the-reference",
        "console/reference.py",
        "blueprint.after_request(pages.with_headers)",
        "pass",
        CALLERS,
    ),
    _guard(
        "text-stays-text",
        "application.py",
        "    pages.register(app)",
        "    pages.register(app)\n    app.jinja_env.autoescape = False",
        "console_board.py",
    ),
    # What is read.
    _guard(
        "media-type",
        "web/bodies.py",
        "given != JSON",
        "False",
        "bad_inputs.py::test_a_bad_request_gets_an_answer_of_the_contract_and_writes_nothing",
    ),
    _guard(
        "size-of-a-body",
        "api/doors.py",
        'environ.get("mockserver.body_too_large", False) or (get_content_length(environ) or 0) > max_body',
        "False",
        "hosts_and_origins.py::TestOrigins::test_errors_can_be_read_too",
        "bad_inputs.py::test_broken_http_gets_an_answer_of_the_contract_and_writes_nothing",
    ),
    _guard(
        "size-of-a-body-of-a-call",
        "admin/calls.py",
        'request.environ.get("mockserver.body_too_large")',
        "False",
        "settings_and_sandboxes.py::test_a_body_over_the_limit_is_a_413",
    ),
    _guard(
        "size-on-the-wire",
        "server/request.py",
        "> self.adj.max_request_body_size",
        "> 1e18",
        "server.py::test_a_body_one_byte_over_the_limit_is_handed_to_the_app_as_too_large",
    ),
    _guard(
        "size-of-chunks",
        "server/request.py",
        "> self._limit:",
        "> 1e18:",
        "server.py::test_a_chunked_body_over_the_limit_is_answered_before_its_end",
    ),
    _guard(
        "size-of-a-head",
        "server/request.py",
        "> self.adj.max_request_header_size",
        "> 1e18",
        "server.py::test_a_malformed_request_is_refused_at_once_in_the_shape_of_the_contract",
    ),
    _guard(
        "one-framing",
        "server/request.py",
        'length is not None or self.version == "1.0"',
        "False",
        "server.py::test_a_malformed_request_is_refused_at_once_in_the_shape_of_the_contract",
    ),
    _guard(
        "underscored-header",
        "server/names.py",
        '"_" in name or ',
        "",
        "server.py::test_a_header_named_with_an_underscore_does_not_pass_for_another",
    ),
    _guard(
        "lines-of-a-head",
        "server/request.py",
        "if not _LINES.fullmatch(head):",
        "if False:",
        "server.py::test_a_malformed_request_is_refused_at_once_in_the_shape_of_the_contract",
    ),
    _guard(
        "names-that-are-remembered",
        "server/names.py",
        "if len(self) >= _REMEMBERED_NAMES:",
        "if False:",
        "server.py::test_the_names_of_headers_are_remembered_within_bounds_and_no_value_is",
    ),
    _guard(
        "length-of-a-remembered-name",
        "server/names.py",
        "if len(name) <= _REMEMBERED_LENGTH:",
        "if True:",
        "server.py::test_the_names_of_headers_are_remembered_within_bounds_and_no_value_is",
    ),
    _guard(
        "bare-line-feed",
        "server/request.py",
        r'or b"\n" in line',
        "",
        "server.py::test_broken_chunks_are_refused_at_once",
    ),
    _guard("depth-of-json", "formats/json.py", "    _check_depth(body)\n    try", "    try", "wire.py"),
    _guard("lone-surrogate", "formats/json.py", 'if escape["lone"]:', "if False:", "wire.py"),
    _guard("nul", "formats/json.py", 'if escape["nul"]:', "if False:", "wire.py"),
    _guard("nan", "formats/json.py", "parse_constant=_refuse_constant, ", "", "wire.py"),
    _guard("infinite-number", "formats/json.py", "if math.isinf(number):", "if False:", "wire.py"),
    _guard("digits-of-a-number", "formats/json.py", 'len(digits.lstrip("-")) > MAX_DIGITS', "False", "wire.py"),
    _guard("no-nan-is-sent", "formats/json.py", "allow_nan=False", "allow_nan=True", "wire.py"),
    _guard(
        "repeated-key-is-told",
        "web/bodies.py",
        "wire_json.decode(body, repeated)",
        "wire_json.decode(body)",
        "advice.py::test_advice_names_what_nothing_reads_and_what_is_repeated",
    ),
    # How long and how much.
    _guard(
        "deadline",
        "server/connection.py",
        "if now < self.deadline or working:",
        "if True:",
        "server.py::test_half_a_request_is_answered_408",
    ),
    _guard(
        "deadline-of-a-body",
        "server/connection.py",
        "min(now + self._timeouts.stall, self._body_deadline)",
        "now + self._timeouts.stall",
        "server.py::test_a_request_that_dribbles_is_answered_408",
    ),
    _guard(
        "draining-ends",
        "server/connection.py",
        "if self._drained > DRAIN_BYTES:",
        "if False:",
        "server.py::test_draining_ends_after_four_mebibytes",
    ),
    _guard(
        "room-for-connections",
        "server/loop.py",
        "len(self.active_channels) >= self._limit and",
        "False and",
        "server.py::test_past_the_limit_an_idle_connection_makes_room",
    ),
    _guard(
        "places-for-waits",
        "sandbox/waiting.py",
        "places.free.acquire(blocking=False)",
        "True",
        "waiting.py::test_past_the_limit_nobody_may_wait_until_a_place_is_free",
    ),
    _guard(
        "number-of-sandboxes",
        "sandbox/sandboxes.py",
        ">= self._limit:",
        "< 0:",
        "sandboxes.py::test_past_the_cap_a_new_sandbox_is_a_503_that_says_so",
    ),
    _guard(
        "length-of-the-journal",
        "journal/journal.py",
        "self._kept >= self.limit",
        "False",
        "journal.py::test_the_newest_entries_are_kept_and_those_that_went_are_counted",
    ),
    _guard(
        "size-of-the-journal",
        "journal/journal.py",
        "self._kept_bytes + size > MAX_BYTES",
        "False",
        "journal.py::test_sixteen_mebibytes_are_kept",
    ),
    _guard(
        "size-of-an-entry",
        "journal/entries.py",
        "if len(body) > limit:",
        "if False:",
        "journal.py::test_a_body_is_kept_up_to_64_kib_and_its_length_is_told",
    ),
    _guard(
        "pieces-in-their-order",
        "server/connection.py",
        "if self.connected and not self.total_outbufs_len else 0",
        "if self.connected else 0",
        "server.py::test_pieces_that_come_faster_than_they_are_read_keep_their_order",
    ),
    # What is kept secret, and where it may lead.
    _guard(
        "keys-in-the-journal",
        "journal/entries.py",
        "None if fault else answer.body, tail, secrets)",
        "None if fault else answer.body, tail, [])",
        "journal.py::test_a_key_is_shown_by_its_last_four_characters",
    ),
    _guard(
        "keys-in-the-log",
        "server/answering.py",
        "path = path.replace(",
        "path.replace(",
        "journal.py::test_a_key_that_is_repeated_in_the_path_is_not_in_the_log",
    ),
    _guard(
        "lines-of-the-log",
        "server/request.py",
        "quote(path, safe=VISIBLE)",
        'path.decode("latin-1")',
        "serving.py::TestLog::test_what_a_client_sends_cannot_forge_a_line_or_reach_the_terminal",
    ),
    _guard(
        "records-for-other-handlers",
        "logs.py",
        "[*_access.handlers, *_mockserver.handlers]",
        "_mockserver.handlers",
        "logs.py::test_a_handler_of_anyone_gets_the_record_of_a_request",
    ),
    _guard(
        "records-for-the-root-logger",
        "logs.py",
        " or _mockserver.propagate",
        "",
        "logs.py::test_a_handler_of_anyone_gets_the_record_of_a_request",
    ),
    _guard(
        "lines-of-a-terminal",
        "client/terminal.py",
        "printable(line)",
        "line",
        "remote.py::test_what_a_client_sent_cannot_reach_the_terminal",
    ),
    _guard(
        "id-of-a-request",
        "api/doors.py",
        "sent.isascii() and sent.isprintable()",
        "True",
        "journal.py::test_a_request_id_that_is_no_token_does_not_come_back",
    ),
    # Nobody waits behind what is large.
    _guard(
        "large-lists-outside-the-lock",
        "api/pipeline.py",
        "user_id, locked=opened.kept)",
        "user_id)",
        "reliability/test_lock.py",
    ),
    _guard("problems-of-an-answer", "errors.py", "if total <= MAX_LISTED:", "if True:", "many_problems.py"),
    # What a sandbox sees.
    _guard(
        "sandbox-rows",
        "store/contents.py",
        "self._mine(where), order",
        "where or self._mine(where), order",
        "sandboxes.py::test_nothing_crosses_from_one_sandbox_to_another",
    ),
    _guard(
        "sandbox-whole-tables",
        "store/contents.py",
        "return self._statements.select(model, self._mine(where), order)",
        "found = self._statements.select(model, self._mine(where), order)\n"
        "        return found if where else self.transaction.rows(model.select())",
        "sandboxes.py",
    ),
    _guard(
        "sandbox-update",
        "store/contents.py",
        'self._mine({"id": id})',
        '{"id": id}',
        "sandboxes.py::test_nothing_crosses_from_one_sandbox_to_another",
    ),
    _guard(
        "sandbox-delete",
        "store/contents.py",
        "self._statements.delete(model, self._mine(where))",
        "self._statements.delete(model, where or self._mine(where))",
        "sandboxes.py::test_nothing_crosses_from_one_sandbox_to_another",
    ),
    _guard(
        "sandbox-list",
        "domain/tasks.py",
        "Task.world == world.number, ",
        "Task.world >= world.number, ",
        "sandboxes.py::test_nothing_crosses_from_one_sandbox_to_another",
    ),
    _guard("deleted-tasks", "domain/tasks.py", "Task.deleted_at.is_null(), ", "", "list_tasks.py"),
    _guard(
        "sandbox-journal",
        "journal/journal.py",
        "Entry.select(Entry.document).where(Entry.journal == journal",
        "Entry.select(Entry.document).where(Entry.journal >= journal",
        "journal.py::test_the_ring_of_one_sandbox_leaves_the_others_alone",
    ),
    _guard(
        "sandbox-entry",
        "journal/journal.py",
        '{"journal": self.number, "id": id}',
        '{"id": id}',
        "journal.py::test_a_journal_shows_and_clears_no_other_sandbox_s_entries",
    ),
    _guard(
        "sandbox-journal-cleared",
        "journal/journal.py",
        "Entry.delete().where(Entry.journal == journal",
        "Entry.delete().where(Entry.journal <= journal",
        "journal.py::test_a_journal_shows_and_clears_no_other_sandbox_s_entries",
    ),
    _guard(
        "sandbox-snapshots",
        "sandbox/sandboxes.py",
        'opened.world.transaction.statements.select(Snapshot, {"sandbox": opened.name}, ("name",))',
        "opened.world.transaction.rows(Snapshot.select())",
        "reset_and_snapshots.py::test_a_snapshot_belongs_to_its_sandbox",
    ),
    _guard(
        "sandbox-snapshot-deleted",
        "sandbox/snapshots.py",
        '{"sandbox": opened.name, "name": name})',
        '{"name": name})',
        "reset_and_snapshots.py::test_a_snapshot_is_forgotten_in_its_sandbox_only",
    ),
    _guard(
        "sandbox-deleted",
        "sandbox/sandboxes.py",
        'transaction.statements.delete(Snapshot, {"sandbox": name})',
        "transaction.run(Snapshot.delete())",
        "reset_and_snapshots.py::test_a_snapshot_is_forgotten_in_its_sandbox_only",
    ),
    _guard("sweeper-spares", "sandbox/sweeper.py", ".where(WorldRow.id.not_in(_USED_WORLDS))", "", "sweeper.py"),
    # What is written.
    _guard("write-lock", "store/sqlite/database.py", "threading.Lock()", "contextlib.nullcontext()", "store.py"),
    _guard(
        "immediate-transaction",
        "store/sqlite/database.py",
        'self._writer.run("BEGIN IMMEDIATE")',
        'self._writer.run("BEGIN DEFERRED")',
        "store.py",
    ),
    _guard(
        "rollback",
        "store/sqlite/database.py",
        "self._writer.connection().rollback()",
        "self._writer.connection().commit()",
        "store.py",
    ),
    # What is at hand.
    _guard(
        "memory-of-what-is-undone", "store/sqlite/database.py", "self._writing.memory.clear()", "pass", "at_hand.py"
    ),
    _guard(
        "memory-of-what-others-change",
        "sandbox/sandboxes.py",
        "transaction.memory.pop(name, None)",
        "transaction.memory.get(name)",
        "at_hand.py::test_what_the_control_plane_changes_is_what_the_next_request_finds",
    ),
    _guard(
        "memory-of-changes", "sandbox/sandboxes.py", "world.changes, world.relied = [], set()", "pass", "at_hand.py"
    ),
    _guard("sandboxes-at-hand", "sandbox/sandboxes.py", "del at_hand[next(iter(at_hand))]", "pass", "at_hand.py"),
    _guard(
        "people-that-changed",
        "store/contents.py",
        '"""Change the row with that id."""\n        self._people.pop(model, None)',
        '"""Change the row with that id."""',
        "at_hand.py::test_what_is_written_to_people_is_read_again",
    ),
    _guard("entries-that-made-room", "journal/journal.py", "max(since + 1, self._oldest)", "since + 1", "at_hand.py"),
    _guard("entry-that-made-room", "journal/journal.py", "if id < self._oldest:", "if False:", "at_hand.py"),
    _guard(
        "journal-is-trimmed",
        "journal/journal.py",
        "self._next_id % _TRIMMED_EVERY == 0",
        "False",
        "at_hand.py::test_what_is_deleted_from_the_journal_is_deleted_many_at_a_time",
    ),
    _guard(
        "bounded-list",
        "domain/tasks.py",
        "if bounded and len(found) > LARGE:",
        "if False:",
        "list_tasks.py::test_a_bounded_list_reads_a_thousand_tasks_and_refuses_more",
    ),
    _guard(
        "one-moment",
        "store/sqlite/database.py",
        'self._readers.transaction("DEFERRED")',
        "contextlib.nullcontext()",
        "store.py",
    ),
    _guard(
        "references-exist",
        "domain/tasks.py",
        "    check_references(world, fields)\n    known = statuses.load(world)\n    before",
        "    known = statuses.load(world)\n    before",
        "update_task.py",
    ),
    _guard(
        "one-owner",
        "store/sqlite/database.py",
        "self._owner = files.own(path)",
        'self._owner = sqlite3.connect(":memory:")',
        "store.py::TestFiles::test_a_second_store_on_a_file_is_refused_until_the_first_closes",
    ),
    _guard(
        "one-owner-at-a-time",
        "store/sqlite/files.py",
        "BEGIN EXCLUSIVE",
        "BEGIN",
        "store.py::TestFiles::test_a_second_store_on_a_file_is_refused_until_the_first_closes",
    ),
    _guard(
        "changes-are-cut",
        "journal/entries.py",
        "if len(encoded) > MAX_BODY:",
        "if False:",
        "journal.py",
    ),
    _guard(
        "foreign-database",
        "store/sqlite/files.py",
        "if application != APPLICATION_ID:",
        "if False:",
        "store.py::TestFiles::test_a_file_of_another_program_or_version_is_refused",
    ),
    _guard(
        "newer-database",
        "store/sqlite/files.py",
        "if version != SCHEMA_VERSION:",
        "if False:",
        "store.py::TestFiles::test_a_file_of_another_program_or_version_is_refused",
    ),
    # The same answer every time.
    _guard("minted-once", "store/contents.py", 'if self.get(model, new["id"]) is None:', "if True:", "state.py"),
    _guard(
        "seeded-ids",
        "formats/ids.py",
        r'f"{seed}\n{resource}\n{number}".encode()',
        "secrets.token_bytes(16)",
        "ids_and_zones.py",
    ),
    _guard(
        "order-of-a-list",
        "domain/tasks.py",
        ", Task.position)",
        ", Task.id)",
        "list_tasks.py::test_the_order_is_by_due_date_then_by_creation_with_undated_tasks_last",
    ),
)


class Misfit(click.ClickException):
    """An edit does not fit the code, or what it makes does not run."""


class Copy:
    """A copy of the checkout's files as they are now, in which guards are taken out and tests run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        found = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, encoding="utf-8")
        for name in found.stdout.split("\0"):
            source, target = ROOT / name, folder / name
            if name and source.is_file():  # a file that is deleted and not committed is listed too
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",  # an edit that keeps a file's size and second would not be noticed
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # to load them takes longer than most of these tests
        }

    def check(self) -> None:
        """Misfit when the tests would import the package from elsewhere, and be green for that reason."""
        _, output = self._run("-c", "import mockserver; print(mockserver.__file__)")
        if Path(output.strip()) != self.folder / "mockserver" / "__init__.py":
            raise Misfit(f"the tests would not import the copy in {self.folder}: {output.strip()}")

    def test(self, tests: Iterable[str]) -> tuple[int, str]:
        """The exit code and output of these tests, up to the first that fails."""
        return self._run("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests)

    def without(self, guard: Guard) -> str | None:
        """The first test that turns red without the guard, or None."""
        path = self.folder / guard.file
        whole = path.read_text(encoding="utf-8")
        path.write_text(edited(guard, whole), encoding="utf-8")
        try:
            code, output = self.test(guard.tests)
        finally:
            path.write_text(whole, encoding="utf-8")
        red = _TURNED_RED.search(output)
        if code == 1 and red:
            return red[1]
        if code:
            raise Misfit(f"{guard.name}: the tests did not run (exit code {code}):\n{output[-3000:]}")
        return None

    def _run(self, *arguments: str) -> tuple[int, str]:
        command = [sys.executable, *arguments]
        pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace"}
        process = subprocess.Popen(command, cwd=self.folder, env=self._environment, **pipe)
        try:
            output = process.communicate(timeout=TIMEOUT_S)[0]
            return process.returncode, output
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # so that the tests end the servers that they started
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            raise Misfit(f"these tests did not end within {TIMEOUT_S} s: {', '.join(arguments)}") from None
        finally:
            process.kill()
            process.wait()


def edited(guard: Guard, text: str) -> str:
    """The text of the guard's file without the guard; Misfit when it does not stand there exactly once."""
    found = text.count(guard.old)
    if found != 1:
        raise Misfit(f"{guard.name}: {guard.file} has the text {guard.old!r} {found} times instead of once")
    weakened = text.replace(guard.old, guard.new)
    try:
        ast.parse(weakened)
    except SyntaxError as error:
        raise Misfit(f"{guard.name}: {guard.file} is no Python any more: {error}") from None
    return weakened


def chosen(names: Sequence[str]) -> list[Guard]:
    """The guards with these names, or all."""
    unknown = set(names) - {guard.name for guard in GUARDS}
    if unknown:
        raise click.BadParameter(f"there is no guard {min(unknown)!r}; --list names them", param_hint="--only")
    return [guard for guard in GUARDS if guard.name in names or not names]


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--only", "names", metavar="NAME", multiple=True, help="Take out this guard only. Repeatable.")
@click.option("--list", "listing", is_flag=True, help="Say which guards there are, and take out none.")
def main(names: tuple[str, ...], listing: bool) -> None:
    """Take the guards out one after the other, and say which test noticed."""
    guards = chosen(names)
    if listing:
        for guard in guards:
            click.echo(f"{guard.name:26} {guard.file:30} {guard.old.strip()!r}")
        return
    started = monotonic()
    with tempfile.TemporaryDirectory(prefix="guards-") as folder:
        copy = Copy(Path(folder).resolve())
        copy.check()
        for guard in guards:
            edited(guard, (copy.folder / guard.file).read_text(encoding="utf-8"))
        code, output = copy.test(sorted({test for guard in guards for test in guard.tests}))
        if code:
            raise Misfit(f"the tests are not green to begin with:\n{output[-3000:]}")
        click.echo(f"All {len(guards)} in place: green ({monotonic() - started:.0f} s)")
        unnoticed = [guard.name for guard in guards if not _noticed(copy, guard)]
    click.echo(f"{len(guards)} guards in {monotonic() - started:.0f} s")
    if unnoticed:
        raise click.ClickException(f"no test noticed that these were gone: {', '.join(unnoticed)}")


def _noticed(copy: Copy, guard: Guard) -> bool:
    begun = monotonic()
    red = copy.without(guard)
    click.echo(f"{guard.name:26} {red or 'STAYS GREEN'} ({monotonic() - begun:.0f} s)")
    return red is not None


if __name__ == "__main__":
    main()
