"""The README's request through the client that openapi-python-client generates."""

from __future__ import annotations

import json
import os
from uuid import UUID

from generated import AuthenticatedClient
from generated.api.contacts import list_contacts
from generated.api.tasks import create_task, delete_task
from generated.models import CreateTask, CreateTaskPriority, Error, Task

client = AuthenticatedClient(
    os.environ["VAMBE_API_URL"], os.environ["VAMBE_API_KEY"], prefix="", auth_header_name="x-api-key"
)
body = CreateTask(
    title="Call the client",
    responsible_ids=["228d7a0d-9072-4ca8-939b-959b75cc606a"],
    priority=CreateTaskPriority.VALUE_1,
    due_date="2025-11-26",
    due_time="14:30",
    timezone="America/Santiago",
)
created = create_task.sync(client=client, body=body)
refused = delete_task.sync(UUID("dddddddd-dddd-4ddd-8ddd-dddddddddddd"), client=client)
contacts = list_contacts.sync(client=client)
assert isinstance(created, Task)
assert isinstance(refused, Error)
assert isinstance(contacts, list)
assert created.due_at
due_at = created.due_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
shown = {"due_at": due_at, "message": refused.message, "statusCode": refused.status_code}
print(json.dumps(shown | {"name": contacts[0].name}))
