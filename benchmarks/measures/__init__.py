"""The measures, one function each: what is done, what it is compared with, and whether the goal is met."""

from collections.abc import Callable

from benchmarks.measures.creates import create, tail
from benchmarks.measures.parts import in_process, limit, where
from benchmarks.measures.stores import reset, stored
from benchmarks.measures.suites import start, suite
from benchmarks.result import Bench, Result

MEASURES: dict[str, Callable[[Bench], Result]] = {
    "suite": suite,
    "start": start,
    "create": create,
    "tail": tail,
    "stored": stored,
    "reset": reset,
    "in-process": in_process,
    "limit": limit,
    "profile": where,
}
