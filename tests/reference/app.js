// The task API on the vendor's identified stack, with that stack's defaults: what `tests/test_differential.py` compares
// the mock with. Reads the world from standard input, as the mock's `GET /__admin/state` shows it, and prints its port.

require("reflect-metadata");
const { randomUUID } = require("node:crypto");
const { readFileSync } = require("node:fs");
const nest = require("@nestjs/common");
const { APP_GUARD, NestFactory } = require("@nestjs/core");
const { ZodValidationPipe } = require("nestjs-zod");
const { z } = require("zod");
const keys = require("../../fixtures/api_keys.json");

const world = JSON.parse(readFileSync(0, "utf8"));
const NOW = Date.parse("2025-11-26T09:00:00Z"); // when the mock's clock begins
const CLIENT_ID = randomUUID();

const isZone = (name) => {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
};
const both = (one, other) => (data) => (data[one] === undefined) === (data[other] === undefined);
const uuid = z.uuid().toLowerCase();
const task = {
  title: z.string().min(1),
  description: z.string().nullish(),
  dueDate: z.union([z.iso.date(), z.iso.datetime()]).nullish(),
  dueTime: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/).nullish(),
  timezone: z.string().refine(isZone, "Invalid timezone").nullish(),
  responsibleIds: z.array(uuid).min(1),
  aiContactId: uuid.nullish(),
  aiCustomerId: uuid.nullish(),
  priority: z.enum(["0", "1", "2"]),
};
const CreateTask = z.object({ ...task, statusId: uuid.optional() });
const UpdateTask = z
  .object({ ...task, newStatusPosition: z.number(), newStatusName: z.string() })
  .partial()
  .refine((data) => data.newStatusPosition === undefined || data.newStatusName === undefined, {
    message: "newStatusPosition and newStatusName exclude each other",
  });
const ListTasks = z.object({
  responsibleIds: z.preprocess((sent) => sent === undefined ? sent : [sent].flat().filter(Boolean), z.array(uuid)),
  fromDate: z.iso.date(),
  toDate: z.iso.date(),
  includeTasksWithoutDates: z.enum(["true", "false"]).default("true"),
});
const ListContacts = z
  .object({
    days: z.coerce.number().int().min(1).max(365).default(30),
    stage_id: uuid.optional(),
    pipeline_id: uuid.optional(),
    custom_field_key: z.string().min(1).optional(),
    custom_field_value: z.string().min(1).optional(),
  })
  .refine(both("custom_field_key", "custom_field_value"), "custom_field_key and custom_field_value go together");
const SearchContacts = z
  .object({ phone: z.string().optional(), email: z.string().optional() })
  .refine((data) => data.phone || data.email, "phone or email is required");

const found = (row, message) => {
  if (!row) throw new nest.NotFoundException(message);
  return row;
};
const taskOf = (id) => found(world.tasks.find((row) => row.id === id), "Task not found");
const requireReferences = (body) => {
  const active = world.users.filter((user) => user.active).map((user) => user.id);
  const unknown = (body.responsibleIds ?? []).filter((id) => !active.includes(id));
  found(!unknown.length, `responsibleIds not found: ${unknown.join(", ")}`);
  const others = { aiContactId: world.contacts, aiCustomerId: world.customers, statusId: world.statuses };
  for (const [name, rows] of Object.entries(others))
    found(!body[name] || rows.some((row) => row.id === body[name]), `${name} not found: ${body[name]}`);
};
const dated = (body) => ({
  due_timezone: body.dueDate ? (body.timezone ?? "UTC") : null,
  due_at: body.dueDate ? new Date(body.dueDate).toISOString() : null,
  is_all_day: !body.dueDate || !body.dueTime,
});
const responsibles = (body) => body.responsibleIds.map((id) => ({ responsible_id: id }));
const contactOf = ({ custom_fields, active_ticket_v2, id, name, ...rest }) => {
  const { phone, email, platform, last_message_at, chat_status, created_at, ...others } = rest;
  return { id, name, phone, email, platform, last_message_at, chat_status, created_at, client_id: CLIENT_ID, ...others };
};
const ticketOf = ({ active_ticket_v2: ticket }) => ticket && { id: ticket.id, current_stage_id: ticket.current_stage_id };

class Tasks {
  create(request, body) {
    requireReferences(body);
    const status = world.statuses[0];
    const row = {
      id: randomUUID(),
      title: body.title,
      description: body.description ?? "",
      ...dated(body),
      created_at: new Date().toISOString(),
      ai_contact_id: body.aiContactId ?? null,
      ai_customer_id: body.aiCustomerId ?? null,
      task_status_config_id: status.id,
      priority: Number(body.priority),
      creator_id: request.user,
      task_responsibles: responsibles(body),
      status_config: status,
    };
    world.tasks.push(row);
    return row;
  }
  list({ responsibleIds: ids, fromDate, toDate, includeTasksWithoutDates }) {
    return world.tasks
      .filter((row) => !ids.length || row.task_responsibles.some((each) => ids.includes(each.responsible_id)))
      .filter((row) => (row.due_at ? fromDate <= row.due_at.slice(0, 10) && row.due_at.slice(0, 10) <= toDate
                                   : includeTasksWithoutDates === "true"));
  }
  update(id, body) {
    const row = taskOf(id);
    requireReferences(body);
    if (body.newStatusPosition !== undefined || body.newStatusName !== undefined) {
      const { newStatusPosition: order, newStatusName: name } = body;
      const status = world.statuses.find((each) => each.order === order || each.name === name);
      const message = name === undefined ? `newStatusPosition not found: ${order}` : `newStatusName not found: ${name}`;
      row.status_config = found(status, message);
      row.task_status_config_id = status.id;
    }
    if (body.dueDate !== undefined) Object.assign(row, dated(body));
    if (body.responsibleIds) row.task_responsibles = responsibles(body);
    if (body.aiContactId !== undefined) row.ai_contact_id = body.aiContactId;
    if (body.aiCustomerId !== undefined) row.ai_customer_id = body.aiCustomerId;
    if (body.description !== undefined) row.description = body.description ?? "";
    if (body.title) row.title = body.title;
    if (body.priority) row.priority = Number(body.priority);
    return row;
  }
  delete(id) {
    world.tasks.splice(world.tasks.indexOf(taskOf(id)), 1);
    return { status: "success" };
  }
}
class Team {
  all() {
    return world.users
      .filter((user) => user.active)
      .map(({ id, first_name, last_name, email, phone }) => {
        return { id, name: `${first_name} ${last_name}`, first_name, last_name, email, phone };
      });
  }
}
class Contacts {
  list({ days, stage_id: stage, pipeline_id: pipeline, custom_field_key: key, custom_field_value: value }) {
    return world.contacts
      .filter((row) => row.last_message_at && NOW - Date.parse(row.last_message_at) <= days * 86_400_000)
      .filter((row) => !stage || row.default_stage_id === stage)
      .filter((row) => !pipeline || row.active_ticket_v2?.pipeline_id === pipeline)
      .filter((row) => !key || row.custom_fields[key] === value)
      .map((row) => ({ ...contactOf(row), active_ticket_v2: ticketOf(row) }));
  }
  search({ phone, email }) {
    const matches = (row) => (phone && row.phone?.includes(phone)) || (email && row.email?.includes(email));
    return world.contacts.filter(matches).map(contactOf);
  }
}
class KeyGuard {
  canActivate(context) {
    const request = context.switchToHttp().getRequest();
    const sent = request.headers["x-api-key"];
    if (!sent) throw new nest.UnauthorizedException("API key is required");
    const known = keys.find((each) => each.key === sent && !each.revoked);
    if (!known) throw new nest.UnauthorizedException("Invalid API key");
    request.user = known.user_id;
    return true;
  }
}

// Decorators by hand: of a class, of its method, and of the method's parameters.
const routes = (path, type, methods) => {
  nest.Controller(path)(type);
  for (const [name, [method, ...parameters]] of Object.entries(methods)) {
    parameters.forEach((decorate, index) => decorate(type.prototype, name, index));
    method(type.prototype, name, Object.getOwnPropertyDescriptor(type.prototype, name));
  }
  return type;
};
const body = (schema) => nest.Body(new ZodValidationPipe(schema));
const query = (schema) => nest.Query(new ZodValidationPipe(schema));
const id = nest.Param("id", new nest.ParseUUIDPipe());

class Application {}
nest.Module({
  controllers: [
    routes("tasks", Tasks, {
      create: [nest.Post(), nest.Req(), body(CreateTask)],
      list: [nest.Get(), query(ListTasks)],
      update: [nest.Put(":id"), id, body(UpdateTask)],
      delete: [nest.Delete(":id"), id],
    }),
    routes("team-members", Team, { all: [nest.Get("all")] }),
    routes("contacts", Contacts, {
      list: [nest.Get(), query(ListContacts)],
      search: [nest.Get("search"), query(SearchContacts)],
    }),
  ],
  providers: [{ provide: APP_GUARD, useClass: KeyGuard }],
})(Application);

NestFactory.create(Application, { logger: false }).then(async (application) => {
  application.setGlobalPrefix("api/public");
  const server = await application.listen(0, "127.0.0.1");
  console.log(server.address().port);
});
