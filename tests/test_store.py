"""The store: transactions, threads, and what is left when it closes."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
import stores

from mockserver.store import opening
from mockserver.store.models import Sandbox
from mockserver.store.sqlite import files
from mockserver.store.sqlite.database import open_store
from mockserver.store.transactions import Store, Transaction, UnusableDatabase


def put(transaction: Transaction, name: str, world: int = 1) -> None:
    transaction.run(Sandbox.insert(name=name, world=world, journal=0))


def names(store: Store) -> list[str]:
    with store.read() as transaction:
        return [row["name"] for row in transaction.rows(Sandbox.select().order_by(Sandbox.name))]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """The store that the session is about: a file, or a database of PostgreSQL."""
    store = opening.open_store(stores.database_for(tmp_path / "world.db"), {})
    yield store
    store.close()


class TestTransactions:
    def test_what_a_block_wrote_is_kept_when_it_ends(self, store: Store) -> None:
        with store.write() as transaction:
            put(transaction, "a")
        assert names(store) == ["a"]

    def test_nothing_of_a_block_that_raises_is_kept(self, store: Store) -> None:
        with pytest.raises(ZeroDivisionError), store.write() as transaction:
            put(transaction, "a")
            raise ZeroDivisionError
        assert names(store) == []

    def test_nothing_of_a_block_whose_query_fails_is_kept(self, store: Store) -> None:
        with pytest.raises(Exception, match=r"(?i)unique constraint"), store.write() as transaction:
            put(transaction, "a")
            put(transaction, "a")
        assert names(store) == []
        with store.write() as transaction:
            put(transaction, "b")
        assert names(store) == ["b"]

    def test_what_was_committed_in_the_middle_is_kept_when_the_rest_raises(self, store: Store) -> None:
        with pytest.raises(ZeroDivisionError), store.write() as transaction:
            put(transaction, "a")
            transaction.commit()
            put(transaction, "b")
            raise ZeroDivisionError
        assert names(store) == ["a"]

    def test_a_read_does_not_wait_for_a_writer_and_does_not_see_its_half(self, store: Store) -> None:
        with ThreadPoolExecutor(1) as pool, store.write() as transaction:
            put(transaction, "a")
            assert pool.submit(names, store).result(timeout=10) == []

    def test_a_read_sees_one_moment(self, store: Store) -> None:
        def write() -> None:
            with store.write() as transaction:
                put(transaction, "a")

        with ThreadPoolExecutor(1) as pool, store.read() as transaction:
            assert transaction.rows(Sandbox.select()) == []
            pool.submit(write).result(timeout=10)
            assert transaction.rows(Sandbox.select()) == []
        assert names(store) == ["a"]

    def test_sixteen_threads_that_read_change_and_write_lose_nothing(self, store: Store) -> None:
        with store.write() as transaction:
            put(transaction, "counter", 0)

        def count() -> None:
            for _ in range(25):
                with store.write() as transaction:
                    (row,) = transaction.rows(Sandbox.select())
                    transaction.run(Sandbox.update(world=row["world"] + 1))

        with ThreadPoolExecutor(16) as pool:
            for done in [pool.submit(count) for _ in range(16)]:
                done.result()
        with store.read() as transaction:
            assert [row["world"] for row in transaction.rows(Sandbox.select())] == [16 * 25]

    def test_a_writer_waits_for_its_turn_however_long_another_one_takes(self, store: Store) -> None:
        def write() -> None:
            at_the_door.set()
            with store.write() as transaction:
                put(transaction, "later")

        at_the_door = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            with store.write() as transaction:
                later = pool.submit(write)
                assert at_the_door.wait(10)
                assert not wait([later], timeout=0.2).done, "it neither wrote nor gave up"
                put(transaction, "first")
            later.result(timeout=10)
        assert names(store) == ["first", "later"]


class TestFiles:
    @pytest.mark.parametrize(("durable", "synchronous"), [(False, 1), (True, 2)])
    def test_a_durable_file_waits_for_the_disk_at_each_commit(
        self, durable: bool, synchronous: int, tmp_path: Path
    ) -> None:
        store: Any = open_store(tmp_path / "world.db", durable)
        with contextlib.closing(store):
            assert store.writer.connection().execute("PRAGMA synchronous").fetchone() == (synchronous,)

    def test_no_other_program_can_write_between_what_a_block_reads_and_what_it_writes(self, tmp_path: Path) -> None:
        path = tmp_path / "world.db"
        with (
            contextlib.closing(open_store(path)) as store,
            contextlib.closing(sqlite3.connect(path, timeout=0)) as other,
        ):
            with store.write() as transaction:
                assert transaction.rows(Sandbox.select()) == []
                with pytest.raises(sqlite3.OperationalError, match="locked"):
                    other.execute("BEGIN IMMEDIATE")
                put(transaction, "a")
            assert names(store) == ["a"]

    def test_two_stores_in_one_process_do_not_mix(self) -> None:
        one, two = open_store(), open_store()
        try:
            with one.write() as first, two.write() as second:
                put(first, "one")
                put(second, "two")
            assert (names(one), names(two)) == (["one"], ["two"])
        finally:
            one.close()
            two.close()

    def test_a_second_store_on_a_file_is_refused_until_the_first_closes(self, tmp_path: Path) -> None:
        first = open_store(tmp_path / "world.db")
        with first.write() as transaction:
            put(transaction, "a")
        with pytest.raises(UnusableDatabase, match="is in use by another vambe-mock"):
            open_store(tmp_path / "world.db")
        assert names(first) == ["a"]
        first.close()
        second = open_store(tmp_path / "world.db")
        assert names(second) == ["a"]
        second.close()

    def test_a_file_that_another_store_is_just_opening_is_in_use(self, tmp_path: Path) -> None:
        path = tmp_path / "world.db"
        with contextlib.closing(files.own(path)), pytest.raises(UnusableDatabase, match="is in use by another"):
            open_store(path)
        open_store(path).close()

    def test_a_file_that_got_another_name_is_still_in_use(self, tmp_path: Path) -> None:
        script = "import sys; from pathlib import Path; from mockserver.store.sqlite.database import open_store\n"
        script += "open_store(Path(sys.argv[1]))"
        with contextlib.closing(open_store(tmp_path / "world.db")):
            (tmp_path / "world.db").rename(tmp_path / "other.db")
            line = [sys.executable, "-c", script, str(tmp_path / "other.db")]
            ended = subprocess.run(line, capture_output=True, text=True, check=False)
        assert "UnusableDatabase" in ended.stderr
        assert "other.db is in use by another vambe-mock" in ended.stderr

    def test_a_file_with_two_names_is_refused_by_both(self, tmp_path: Path) -> None:
        path, other = tmp_path / "world.db", tmp_path / "other.db"
        with contextlib.closing(open_store(path)) as store:
            os.link(path, other)
            with pytest.raises(UnusableDatabase, match=r"other\.db has 2 names \(hard links\), .*: copy it"):
                open_store(other)
            with store.write() as transaction:
                put(transaction, "a")
        with pytest.raises(UnusableDatabase, match=r"world\.db has 2 names"):
            open_store(path)
        other.unlink()
        with contextlib.closing(open_store(path)) as store:
            assert names(store) == ["a"]

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
    @pytest.mark.parametrize("name", ["world.db", "world.db.lock"])
    @pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(os.devnull)])
    def test_what_is_no_file_is_refused_at_once(self, make: Any, name: str, tmp_path: Path) -> None:
        make(tmp_path / name)
        with pytest.raises(UnusableDatabase, match=r"is not a regular file"):
            open_store(tmp_path / "world.db")
        assert [path.name for path in tmp_path.iterdir()] == [name]

    def test_a_lock_file_that_is_something_else_is_refused_and_untouched(self, tmp_path: Path) -> None:
        (tmp_path / "world.db.lock").write_text("somebody's notes\n" * 100)
        with pytest.raises(UnusableDatabase, match=r"world\.db\.lock: file is not a database"):
            open_store(tmp_path / "world.db")
        assert [path.name for path in tmp_path.iterdir()] == ["world.db.lock"]
        assert (tmp_path / "world.db.lock").read_text() == "somebody's notes\n" * 100

    @pytest.mark.parametrize(
        ("pragma", "cause"),
        [("application_id", "the database of another program"), ("user_version", "schema version 7")],
    )
    def test_a_file_of_another_program_or_version_is_refused(self, pragma: str, cause: str, tmp_path: Path) -> None:
        open_store(tmp_path / "world.db").close()
        with contextlib.closing(sqlite3.connect(tmp_path / "world.db")) as connection:
            connection.execute(f"PRAGMA {pragma} = 7")
            connection.execute("PRAGMA journal_mode = delete")
        with pytest.raises(UnusableDatabase, match=cause):
            open_store(tmp_path / "world.db").close()

    def test_an_empty_file_is_taken(self, tmp_path: Path) -> None:
        (tmp_path / "world.db").touch()
        store = open_store(tmp_path / "world.db")
        assert names(store) == []
        store.close()

    def test_closing_leaves_no_thread_or_descriptor(self, tmp_path: Path) -> None:
        threads, descriptors = threading.active_count(), open_descriptors()
        store = open_store(tmp_path / "world.db")
        with ThreadPoolExecutor(4) as pool:
            barrier = threading.Barrier(4)

            def look() -> None:
                barrier.wait(10)
                names(store)

            for done in [pool.submit(look) for _ in range(4)]:
                done.result()
        assert open_descriptors() > descriptors
        store.close()
        assert (threading.active_count(), open_descriptors()) == (threads, descriptors)

    def test_a_store_that_is_refused_leaves_no_descriptor(self, tmp_path: Path) -> None:
        (tmp_path / "world.db").write_bytes(b"garbage " * 1000)
        descriptors = open_descriptors()
        with pytest.raises(UnusableDatabase):
            open_store(tmp_path / "world.db")
        assert open_descriptors() == descriptors

    def test_a_file_that_is_damaged_behind_its_header_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "world.db"
        open_store(path).close()
        content = path.read_bytes()
        path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))
        descriptors = open_descriptors()
        with pytest.raises(UnusableDatabase, match=r"world\.db"):
            open_store(path)
        assert open_descriptors() == descriptors
        assert path.read_bytes()[100:] == b"\xff" * (len(content) - 100)


def test_a_store_in_memory_opens_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    monkeypatch.chdir(tmp_path)
    descriptors = open_descriptors()
    with contextlib.closing(open_store()) as store:
        with store.write() as transaction:
            put(transaction, "a")
        assert names(store) == ["a"]
        assert open_descriptors() == descriptors
    assert list(tmp_path.iterdir()) == []


def open_descriptors() -> int:
    """The number of files that this process has open."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        if Path(folder).is_dir():
            return len(list(Path(folder).iterdir()))
    pytest.skip("this system does not list open files")
