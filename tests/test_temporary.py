"""Temporary databases: a killed server's is cleared up by the next start, and no other is touched."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import freezegun
import pytest
from support import Api, plain_environment, served

from mockserver.store.models import Sandbox
from mockserver.store.sqlite.database import SqliteStore
from mockserver.store.sqlite.temporary import Owner
from mockserver.store.transactions import Store, UnusableDatabase


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, which no other test has."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return tmp_path / "temporary"


def start_and_close() -> None:
    SqliteStore().close()


def content(folder: Path) -> dict[str, bytes | None]:
    """All that is in a folder, with the content of each file; symbolic links are not followed."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def leave_behind(folder: Path, name: str = "vambe-mock-killed") -> Path:
    """What a killed owner leaves; its lock's file is one that only a look at it would make."""
    left = folder / name
    left.mkdir()
    for file in ("world.db", "world.db-wal", "world.db-shm", "world.db.temporary"):
        (left / file).write_bytes(b"anything")
    return left


def put(store: Store, name: str) -> None:
    with store.write() as transaction:
        transaction.run(Sandbox.insert(name=name, world=1, journal=0))


def names(store: Store) -> list[str]:
    with store.read() as transaction:
        return [row["name"] for row in transaction.rows(Sandbox.select())]


def test_a_killed_server_leaves_its_folder_and_the_next_start_removes_it(tmp_path: Path) -> None:
    with served(TMPDIR=str(tmp_path)) as killed:
        (left,) = tmp_path.iterdir()
        with served(TMPDIR=str(tmp_path)) as live:
            assert left.is_dir()
            killed.process.kill()
            killed.ended()
            assert left.is_dir()
            with served(TMPDIR=str(tmp_path)) as other:
                assert not left.exists()
                assert len(list(tmp_path.iterdir())) == 2
                other.stop()
            api = Api(live.url, "test_a")
            with api.client:
                assert api.listed() == [] != [api.created()]
            live.stop()
    assert list(tmp_path.iterdir()) == []


STARTS = """
import os, signal, sys
from mockserver.store.sqlite.database import SqliteStore
from mockserver.store.models import Sandbox
from mockserver.store.sqlite.temporary import Owner

def live(number):
    store = SqliteStore()
    with store.write() as transaction:
        transaction.run(Sandbox.insert(name="a", world=number, journal=0))
    if number % 2:
        os.kill(os.getpid(), signal.SIGKILL)
    with store.read() as transaction:
        assert [row["world"] for row in transaction.rows(Sandbox.select())] == [number]
    assert store.path.exists()
    store.close()

for _ in range(int(sys.argv[1])):
    start, go = os.pipe()
    children = []
    for number in range(8):
        children.append(os.fork())
        if not children[-1]:
            os.close(go)
            os.read(start, 1)  # which ends when the parent closes its end, for all at once
            try:
                live(number)
            finally:
                os._exit(0 if sys.exc_info()[0] is None else not sys.excepthook(*sys.exc_info()))
    os.close(go)
    print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system makes no process as quickly")
def test_many_that_start_and_are_killed_at_the_same_time_all_have_a_folder_and_leave_none(folder: Path) -> None:
    rounds = 6
    environment = plain_environment(TMPDIR=str(folder))
    line = [sys.executable, "-c", STARTS, str(rounds)]
    done = subprocess.run(line, env=environment, capture_output=True, encoding="utf-8", timeout=60)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [str([0, -signal.SIGKILL] * 4)] * rounds
    start_and_close()
    assert list(folder.iterdir()) == []


def test_what_is_left_is_removed_whole_also_when_a_start_was_killed_while_it_removed_it(folder: Path) -> None:
    leave_behind(folder)
    half = leave_behind(folder, "vambe-mock-half")
    (half / "world.db").unlink()
    (half / "world.db.lock").touch()
    start_and_close()
    assert list(folder.iterdir()) == []


def test_a_start_with_a_kept_database_clears_up_too(folder: Path, tmp_path: Path) -> None:
    left = leave_behind(folder)
    SqliteStore(tmp_path / "kept.db").close()
    assert not left.exists()


def test_a_database_in_use_is_left_alone_whoever_uses_it(folder: Path) -> None:
    live = SqliteStore()
    put(live, "a")
    before = content(folder)
    with freezegun.freeze_time("2030-01-01"):  # which also stops the time that waits for a lock are measured in
        start_and_close()
    assert content(folder) == before
    assert names(live) == ["a"]
    live.close()
    assert content(folder) == {}


def test_a_kept_database_stays_whatever_its_folder_is_called(folder: Path) -> None:
    path = folder / "vambe-mock-mine" / "world.db"
    path.parent.mkdir()
    kept = SqliteStore(path)
    put(kept, "a")
    start_and_close()
    kept.close()
    start_and_close()
    kept = SqliteStore(path)
    assert names(kept) == ["a"]
    kept.close()


def test_a_database_that_was_left_behind_is_kept_once_somebody_has_opened_it(folder: Path) -> None:
    path = leave_behind(folder) / "world.db"
    path.write_bytes(b"")
    for name in ("world.db-wal", "world.db-shm"):
        path.with_name(name).unlink()
    adopted = SqliteStore(path)
    put(adopted, "a")
    adopted.close()
    start_and_close()
    adopted = SqliteStore(path)
    assert names(adopted) == ["a"]
    adopted.close()


def test_a_folder_that_bears_no_mark_is_left_alone(folder: Path) -> None:
    new = folder / "vambe-mock-new"
    new.mkdir()
    (folder / "vambe-mock-file").touch()
    other = leave_behind(folder, "other")
    before = content(folder)
    start_and_close()
    assert content(folder) == before
    (new / "world.db.lock").touch()
    start_and_close()
    assert new.is_dir()
    assert other.is_dir()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_start_that_has_its_folder_but_not_its_mark_yet_is_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    take = Owner.take
    seen: list[dict[str, bytes | None]] = []

    def slow(owner: Owner) -> bool:
        monkeypatch.undo()  # the other start is a plain one
        monkeypatch.setattr("tempfile.tempdir", str(folder))
        held = take(owner) if moment == "after" else None
        seen.append(content(folder))
        start_and_close()
        seen.append(content(folder))
        return held or take(owner)

    monkeypatch.setattr(Owner, "take", slow)
    store = SqliteStore()
    assert seen[0] == seen[1] != {}
    put(store, "a")
    assert list(folder.iterdir()) == [store.path.parent]
    store.close()
    assert content(folder) == {}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_temporary_database_is_its_user_s_alone(folder: Path) -> None:
    store = SqliteStore()
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    store.close()


def test_a_symbolic_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    target = leave_behind(tmp_path)
    (folder / "vambe-mock-link").symlink_to(target, target_is_directory=True)
    before = content(target)
    start_and_close()
    assert content(target) == before
    assert (folder / "vambe-mock-link").is_symlink()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has a folder for temporary files for each user")
def test_nothing_in_a_folder_of_another_user_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = leave_behind(folder)
    before = content(folder)
    monkeypatch.setattr("os.geteuid", lambda: left.stat().st_uid + 1)
    start_and_close()
    assert content(folder).items() >= before.items()
    assert not (left / "world.db.lock").exists()
    monkeypatch.undo()


def test_a_folder_that_becomes_a_link_between_the_look_and_the_lock_is_not_followed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, target = leave_behind(folder), leave_behind(tmp_path)
    before, take = content(target), Owner.take

    def late(owner: Owner) -> bool:
        if owner.file.parent == left:
            left.rename(tmp_path / "away")
            left.symlink_to(target, target_is_directory=True)
        return take(owner)

    monkeypatch.setattr(Owner, "take", late)
    start_and_close()
    assert left.is_symlink()
    assert content(target).items() >= before.items()


def test_what_cannot_be_removed_stops_no_start_and_stays_to_be_found_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, unlink = leave_behind(folder), Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == "world.db-wal" and path.parent == left:
            raise PermissionError
        unlink(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refuse)
        start_and_close()
    assert (left / "world.db-wal").exists()
    start_and_close()
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_listed_stops_no_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> Iterator[None]:
        raise PermissionError

    monkeypatch.setattr("os.scandir", refuse)
    store = SqliteStore()
    put(store, "a")
    store.close()


def test_a_store_that_cannot_be_marked_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(UnusableDatabase, match="No space left on device"):
        SqliteStore()
