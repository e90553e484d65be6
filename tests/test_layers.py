"""The layers: what each module may not import, held against the imports themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mockserver

WEB = ("flask", "werkzeug", "flask_cors")
OURS_ABOVE = ("mockserver.api", "mockserver.admin", "mockserver.application", "mockserver.mock", "mockserver.serving")
EDGES = ("mockserver.cli", "mockserver.server")
ABOVE_STORE = (
    "mockserver.domain",
    "mockserver.sandbox",
    "mockserver.fixtures",
    "mockserver.fields",
    *OURS_ABOVE,
    *EDGES,
)
# A small idea of its own: it knows no library of the web or of the database, and nobody who uses it.
LEAF = (*WEB, "marshmallow", "peewee", "mockserver.store", "mockserver.config", *ABOVE_STORE)

# What is imported nowhere in the module, or in all modules of the package: neither by itself nor a part of it.
NEVER: dict[str, tuple[str, ...]] = {
    "clock": LEAF,
    "contract": (*WEB, "marshmallow", "peewee", "mockserver.store", "mockserver.domain", *OURS_ABOVE, *EDGES),
    "errors": LEAF,
    "hosts": LEAF,
    "ids": LEAF,
    "instants": LEAF,
    "logs": LEAF,
    "wire": LEAF,
    "zones": LEAF,
    "config": tuple(set(LEAF) - {"mockserver.sandbox", "mockserver.config"}),
    "fields": (*WEB, "peewee", "mockserver.store", "mockserver.domain", "mockserver.sandbox", *OURS_ABOVE, *EDGES),
    "store": (*WEB, "marshmallow", "mockserver.config", *ABOVE_STORE),
    "domain": (*WEB, "marshmallow", "mockserver.sandbox", "mockserver.config", *OURS_ABOVE, *EDGES),
    "sandbox": (*WEB, "marshmallow", "mockserver.config", *OURS_ABOVE, *EDGES),
    "fixtures": (*WEB, "peewee", "mockserver.store", "mockserver.config", *OURS_ABOVE, *EDGES),
    "web": ("peewee", "mockserver.store", "mockserver.domain", "mockserver.sandbox", *OURS_ABOVE, *EDGES),
    "rendering": ("peewee", "marshmallow", "mockserver.store", "mockserver.domain", *OURS_ABOVE, *EDGES),
    "api": ("peewee", "mockserver.store.models", "mockserver.store.database", "mockserver.admin", *EDGES),
    "admin": ("peewee", "mockserver.store.models", "mockserver.store.database", "mockserver.api", *EDGES),
    "console": ("peewee", "mockserver.store.database", "mockserver.api", "mockserver.admin", *EDGES),
    "server": (*WEB, "marshmallow", "peewee", "mockserver.store", "mockserver.config", *ABOVE_STORE[:-1]),
    "cli": (*WEB, "marshmallow", "peewee", "mockserver.store.models", "mockserver.api", "mockserver.admin"),
    "serving": (*WEB, "marshmallow", "peewee", "mockserver.store.models", "mockserver.api", "mockserver.admin"),
    "mock": ("peewee", "marshmallow", "mockserver.store.models", "mockserver.api", "mockserver.admin", *EDGES),
    "client": (*WEB, "marshmallow", "peewee", *LEAF),
    "cli.remote": ("mockserver.store", "mockserver.sandbox", "mockserver.domain", *OURS_ABOVE),
    "cli.child": LEAF,
    "pytest_plugin": (*WEB, "marshmallow", "peewee", "mockserver.store", *OURS_ABOVE, *EDGES),
    "testing": (*WEB, "marshmallow", "peewee", "mockserver.store", "mockserver.api", "mockserver.admin", EDGES[0]),
    "starting": tuple(set(LEAF) - {"marshmallow"}),
    "terminal": tuple(set(LEAF) - {"mockserver.logs"}),
    "application": ("peewee", "marshmallow", *EDGES),
    "__init__": (*LEAF,),
    "__main__": (*WEB, "peewee", "marshmallow"),
}
# Libraries that these do not get through other modules of ours either.
NOT_EVEN_INDIRECTLY: dict[str, tuple[str, ...]] = {
    "errors": (*WEB, "marshmallow", "peewee"),
    "config": (*WEB, "marshmallow", "peewee"),
    "store": (*WEB, "marshmallow"),
    "domain": (*WEB, "marshmallow"),
    "sandbox": (*WEB, "marshmallow"),
    "fixtures": WEB,
    "server": (*WEB, "marshmallow", "peewee"),
    "client": (*WEB, "marshmallow", "peewee"),
}

PACKAGE = Path(mockserver.__file__).parent
MODULES = {
    ".".join(["mockserver", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}


def imported(source: str, module: str = "mockserver.x") -> set[str]:
    """Every module that the source may import: of `from a import b` both `a` and `a.b`, which may be one."""
    return set(_imported(ast.parse(source), module))


def _imported(tree: ast.AST, module: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = module.split(".")[: -node.level] if node.level else []
            origin = ".".join([*start, *filter(None, [node.module])])
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)


IMPORTS = {module: imported(path.read_text(encoding="utf-8"), module) for module, path in MODULES.items()}


def members(layer: str) -> list[str]:
    """The modules that a row of the table is about."""
    name = "mockserver" if layer == "__init__" else f"mockserver.{layer}"
    return [module for module in MODULES if module == name or (layer != "__init__" and module.startswith(f"{name}."))]


def forbidden(names: set[str], never: tuple[str, ...]) -> set[str]:
    return {name for name in names if any(name == other or name.startswith(f"{other}.") for other in never)}


def reached(module: str) -> set[str]:
    """What a module imports, and what its imports of ours do in turn."""
    found: set[str] = set()
    left = [module]
    while left:
        for name in IMPORTS[left.pop()] - found:
            found.add(name)
            if name in MODULES:
                left.append(name)
    return found


@pytest.mark.parametrize("layer", NEVER)
def test_a_layer_imports_nothing_that_it_must_not(layer: str) -> None:
    assert members(layer)
    for module in members(layer):
        assert not forbidden(IMPORTS[module], NEVER[layer]), module


@pytest.mark.parametrize("layer", NOT_EVEN_INDIRECTLY)
def test_a_layer_does_not_get_a_library_through_another_one(layer: str) -> None:
    for module in members(layer):
        assert not forbidden(reached(module), NOT_EVEN_INDIRECTLY[layer]), module


def test_every_module_belongs_to_a_layer() -> None:
    assert set(MODULES) == {module for layer in NEVER for module in members(layer)}


@pytest.mark.parametrize("folder", ["domain", "sandbox", "api", "admin", "server", "fields.py", "cli"])
def test_only_the_clock_reads_time_and_only_ids_mint_ids(folder: str) -> None:
    for module in members(folder.removesuffix(".py")):
        assert not forbidden(IMPORTS[module], ("time", "uuid", "random", "secrets")), module


@pytest.mark.parametrize(
    "source",
    [
        "import flask",
        "import os, flask.views as views",
        "from flask import Flask",
        "def late():\n    from flask.views import View",
        "if True:\n    import flask",
    ],
)
def test_an_import_is_seen_wherever_it_stands(source: str) -> None:
    assert forbidden(imported(source), ("flask",))


def test_a_module_is_seen_through_its_package() -> None:
    assert forbidden(imported("from mockserver import api, wire"), ("mockserver.api",)) == {"mockserver.api"}
    assert forbidden(imported("from ..api import views", "mockserver.domain.tasks"), ("mockserver.api",))
    assert not forbidden(imported("from mockserver import apiary"), ("mockserver.api",))
    assert not forbidden(imported("import flask_cors"), ("flask",))
