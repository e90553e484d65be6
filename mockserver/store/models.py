"""The tables.

A *world* is one generation of a sandbox: its people, its tasks, its clock and its counters. Every row belongs to a
world and is keyed by it, so that a copy of a world is a few `INSERT … SELECT`s, and no sandbox can reach the rows of
another. A sandbox is a name that points to its current world; the fixtures are a world too, to which no sandbox points.
"""

from __future__ import annotations

from mockserver.store.orm import (
    AutoField,
    BigIntegerField,
    BooleanField,
    CompositeKey,
    IntegerField,
    Model,
    TextField,
)

APPLICATION_ID = 0x564D424B  # "VMBK": marks a SQLite file as this project's
SCHEMA_VERSION = 4


class WorldRow(Model):
    """A world: its clock, the seed of its ids, the number of ids minted for each table, and its settings."""

    id = AutoField()
    seed = TextField()
    clock_mode = TextField()
    clock_now_ms = BigIntegerField()
    clock_anchor_ms = BigIntegerField()
    clock_tick_ms = IntegerField()
    minted_tasks = IntegerField(default=0)
    minted_notes = IntegerField(default=0)
    minted_faults = IntegerField(default=0)
    last_position = IntegerField(default=0)
    strict = BooleanField(default=False)
    assume = TextField(default="{}")  # the switches that the sandbox sets, as JSON
    delay_ms = IntegerField(default=0)
    delay_spread = TextField(null=True)
    delays_drawn = IntegerField(default=0)
    rate_requests = IntegerField(null=True)
    rate_seconds = IntegerField(null=True)
    rate_window_ms = BigIntegerField(default=0)
    rate_used = IntegerField(default=0)

    class Meta:
        table_name = "world"


class Sandbox(Model):
    """A sandbox's name, its current world, its current journal, and the template that its tasks come from.

    One that was opened by name (`named`), not by a key, is not deleted to make room for others.
    """

    name = TextField(primary_key=True)
    world = IntegerField()
    journal = IntegerField()
    template = IntegerField(default=0)
    named = BooleanField(default=False)


class Snapshot(Model):
    """A world kept under a name; it is never changed."""

    sandbox = TextField()
    name = TextField()
    world = IntegerField()
    taken_at = TextField()

    class Meta:
        primary_key = CompositeKey("sandbox", "name")


class JournalRow(Model):
    """A ring of entries; while it is empty, its columns hold the next id, the last task created, and when."""

    id = AutoField()
    next_entry = IntegerField(default=1)
    last_created = TextField(default="")
    last_created_ms = BigIntegerField(default=0)

    class Meta:
        table_name = "journal"


class Entry(Model):
    """A request and its answer, as one JSON document of `size` bytes.

    The other columns are the state of the journal after it: the numbers of entries and bytes kept and of entries
    dropped, the last task created, and when. Entries older than those kept are waiting to be deleted.
    """

    journal = IntegerField()
    id = IntegerField()
    size = IntegerField()
    kept = IntegerField()
    kept_bytes = IntegerField()
    dropped = IntegerField()
    last_created = TextField()
    last_created_ms = BigIntegerField()
    document = TextField()

    class Meta:
        primary_key = CompositeKey("journal", "id")


class Template(Model):
    """The world that holds a set of fixtures, by the digest of their content."""

    digest = TextField(primary_key=True)
    world = IntegerField()


class Part(Model):
    """A row of a world; `position` keeps the insertion order."""

    world = IntegerField()
    position = IntegerField()


class Row(Part):
    """A row with an id."""

    id = TextField()

    class Meta:
        primary_key = CompositeKey("world", "id")


class User(Row):
    """A team member (contract, section 6)."""

    first_name = TextField()
    last_name = TextField()
    email = TextField()
    phone = TextField()
    active = BooleanField()


class Status(Row):
    """A status configuration; `order` is what `newStatusPosition` names."""

    name = TextField()
    color = TextField()
    type = TextField()
    order = IntegerField()


class Contact(Row):
    """A person whom tasks may concern, which interactive notes show; the ticket and the custom fields are JSON."""

    name = TextField()
    phone = TextField(null=True)
    email = TextField(null=True)
    platform = TextField()
    last_message_at = TextField(null=True)
    chat_status = TextField()
    created_at = TextField()
    ai_customer_id = TextField(null=True)
    default_stage_id = TextField(null=True)
    blocked = BooleanField()
    is_chat_read = BooleanField()
    active_ticket_v2 = TextField(null=True)
    custom_fields = TextField()


class Customer(Row):
    """A company that tasks may concern."""

    name = TextField()
    phone = TextField(null=True)
    email = TextField(null=True)


class Task(Row):
    """A task: the parts of its due date as given, and the values computed from them."""

    title = TextField()
    description = TextField(null=True)
    due_date = TextField(null=True)
    due_time = TextField(null=True)
    timezone = TextField(null=True)
    due_at = TextField(null=True)
    is_all_day = BooleanField()
    due_timezone = TextField(null=True)
    created_at = TextField()
    ai_contact_id = TextField(null=True)
    ai_customer_id = TextField(null=True)
    status_id = TextField()
    priority = IntegerField()
    creator_id = TextField()
    responsible_ids = TextField()  # in request order, with commas between
    deleted_at = TextField(null=True)


# Lists are read in order from this index, which omits deleted tasks.
Task.add_index(Task.world, Task.due_at, Task.position, where=Task.deleted_at.is_null())


class Note(Row):
    """An interactive note: it shows a task on its contact (contract, section 2, interactive-note)."""

    task_id = TextField()
    contact_id = TextField()
    created_at = TextField()

    class Meta:
        indexes = ((("world", "task_id"), True),)


class FaultRow(Row):
    """A fault rule as one JSON document, with the numbers of requests that it matched (`seen`) and hit."""

    document = TextField()
    seen = IntegerField(default=0)
    hits = IntegerField(default=0)

    class Meta:
        table_name = "fault"


WORLD_TABLES: tuple[type[Part], ...] = (User, Status, Contact, Customer, Task, Note, FaultRow)
TABLES: tuple[type[Model], ...] = (WorldRow, Sandbox, Snapshot, Template, JournalRow, Entry, *WORLD_TABLES)
