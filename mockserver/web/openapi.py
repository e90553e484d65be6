"""OpenAPI 3.1 descriptions, generated from the marshmallow schemas that read requests and write answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema
from marshmallow import fields as base

from mockserver import __version__
from mockserver.formats import fields, ids
from mockserver.formats.json import Document
from mockserver.web.bodies import JSON


def described_object(properties: Document, required: Iterable[str], **about: Any) -> Document:
    """The JSON Schema of an object with no other keys than these."""
    shape = {"required": list(required), "properties": properties, "additionalProperties": False}
    return {"type": "object", **about, **shape}


ERROR_KEYS: Document = {
    "message": {"type": "string", "description": "What is wrong, for a person.", "examples": ["Task not found"]},
    "error": {"type": "string", "description": "The status's title.", "examples": ["Not Found"]},
    "statusCode": {"type": "integer", "description": "The HTTP status.", "examples": [404]},
}
PLACE: Document = {
    "type": "array",
    "description": "Where the value is in the body or the query.",
    "items": {"type": ["string", "integer"]},
}


class _Converter(OpenAPIConverter):
    def field2default(self, field: base.Field[Any], **kwargs: Any) -> Document:
        """The default, but for null: generated clients take a field with a default for one that is always there."""
        return {} if field.load_default is None else dict(super().field2default(field, **kwargs))


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


class Description:
    """A description under construction; `spec` is apispec's, `errors` are the schemas Error and ValidationError."""

    def __init__(
        self,
        title: str,
        text: str,
        security: Mapping[str, Document],
        required: Sequence[Document],
        errors: Mapping[str, Document],
    ) -> None:
        self._schemas: dict[str, Any] = {}
        self._plugin = _Plugin(schema_name_resolver=self._name)
        self.spec = APISpec(title, __version__, "3.1.0", plugins=[self._plugin], info={"description": text})
        self._converter.add_attribute_function(_json_schema)
        for name, scheme in security.items():
            self.spec.components.security_scheme(name, scheme)
        self.spec.options["security"] = list(required)
        self.spec.options["servers"] = _servers("http://127.0.0.1:4010")
        for name, schema in errors.items():
            self.spec.components.schema(name, schema)

    def parameters(self, **schemas: Schema | None) -> list[Document]:
        """The parameters for the fields of schemas; each keyword is the location of its schema's parameters."""
        return [
            _as_sent(field, self._converter._field2parameter(field, name=field.data_key or name, location=location))
            for location, schema in schemas.items()
            if schema
            for name, field in schema.fields.items()
        ]

    def document(self) -> Document:
        """The whole description; a schema's `openapi` is added to the JSON Schema of its fields."""
        for name, schema in self._schemas.items():
            self.spec.components.schemas[name] |= getattr(schema, "openapi", {})
        described = self.spec.to_dict()
        return {"openapi": described.pop("openapi"), **described}

    @property
    def _converter(self) -> Any:
        return self._plugin.converter  # set when the plugin is added to an APISpec

    def _name(self, schema: Any) -> str:
        kind = type(schema) if isinstance(schema, Schema) else schema
        self._schemas[kind.__name__] = kind
        return str(kind.__name__)


def served_at(url: str, document: Document) -> Document:
    """A description that names the server from which it is fetched."""
    return document | {"servers": _servers(url)}


def _servers(url: str) -> list[Document]:
    return [{"url": url, "description": "vambe-mock"}]


def content(schema: Any, example: Any = None) -> Document:
    """The `content` of a JSON body."""
    examples = {} if example is None else {"examples": {"example": {"value": example}}}
    return {JSON: {"schema": schema, **examples}}


def refusal(description: str, status: int, example: Any = None) -> Document:
    """The description of an error."""
    shape = "ValidationError" if status == 400 else "Error"
    return {"description": description, "content": content({"$ref": f"#/components/schemas/{shape}"}, example)}


def _json_schema(self: Any, field: base.Field[Any], **_: Any) -> Document:
    """The keywords that a field of ours adds to its JSON Schema."""
    declared = dict(getattr(field, "openapi", {}))
    if declared and field.allow_none:
        declared["type"] = [declared["type"], "null"]
        if "enum" in declared:
            declared["enum"] = [*declared["enum"], None]
    return declared


def _as_sent(field: base.Field[Any], parameter: Document) -> Document:
    """Give a path an example; describe a list of ids as one or more values, each empty or ids separated by commas."""
    if parameter["in"] == "path" and "examples" in field.metadata:
        return parameter | {"example": field.metadata["examples"][0]}
    if isinstance(field, fields.Text):
        del parameter["schema"]["pattern"]  # of bodies: a query may have any character
    if not isinstance(field, fields.IdList):
        return parameter
    id_pattern = ids.UUID_PATTERN.strip("^$")
    item = {"type": "string", "pattern": f"^({id_pattern}(,{id_pattern})*)?$"}
    parameter["schema"] |= {"items": item, "minItems": 1}
    return parameter | {"style": "form", "explode": True, "allowEmptyValue": True}
