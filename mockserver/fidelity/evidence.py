"""Evidence: verdicts about the rules of the contract, measured on a real vendor, as a file (contract, section 10)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from mockserver.fidelity import contract
from mockserver.fidelity.assumptions import BY_NAME, Assumed
from mockserver.formats import json as wire_json
from mockserver.formats.json import Document, quoted

FILE = "vambe-evidence.json"  # found in a project's root
VERDICTS = CONFIRMED, REFUTED, CONTRADICTORY, NOT_REACHED = ("confirmed", "refuted", "contradictory", "not reached")
MEASURED = "measured"

_ORDER = {rule.name: place for place, rule in enumerate(contract.RULES)}
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"


class InvalidEvidence(ValueError):
    """A file of evidence cannot be used; the message is one line with the file and the place in its JSON."""


class Finding(NamedTuple):
    """A verdict about a rule: the value of its switch that fits, if it has one, and the probes that showed it."""

    verdict: str
    value: str | None = None
    probes: tuple[str, ...] = ()

    @property
    def is_measured(self) -> bool:
        """True when the rule was confirmed or refuted."""
        return self.verdict in (CONFIRMED, REFUTED)

    def document(self) -> Document:
        """The finding as JSON."""
        value = {} if self.value is None else {"value": self.value}
        return {"verdict": self.verdict, **value, "probes": list(self.probes)}


class Evidence(NamedTuple):
    """The findings of one measurement, by the names of the rules.

    `version` is that of the contract, `measured_at` an instant such as `2026-11-30T10:00:00Z`, `host` the vendor's.
    """

    version: int
    measured_at: str
    host: str
    rules: Mapping[str, Finding]

    def document(self) -> Document:
        """The evidence as JSON, with the rules in the order of the contract."""
        names = sorted(self.rules, key=lambda name: (_ORDER.get(name, len(_ORDER)), name))
        rules = {name: self.rules[name].document() for name in names}
        return {"version": self.version, "measured_at": self.measured_at, "host": self.host, "rules": rules}

    @property
    def origin(self) -> str:
        """The day and the host of the measurement, for a message."""
        return f"measured {self.measured_at[:10]} on {self.host}"

    @property
    def ignored(self) -> str:
        """A message that names the rules and values that this version of the contract does not have; else empty."""
        rules = [f"the rule {quoted(name)}" for name in self.rules if name not in _ORDER]
        values = [
            f"the value {quoted(found.value)} of {name}"
            for name, found in self.rules.items()
            if name in BY_NAME and found.value is not None and found.value not in BY_NAME[name].values
        ]
        if not rules + values:
            return ""
        return f"ignored, as version {contract.VERSION} of the contract does not have it: {', '.join(rules + values)}"

    def measured(self) -> dict[str, str | None]:
        """The rules that were measured, each with the value of its switch that fits.

        The value is None for a rule without a switch, and for a refuted one that no value fits. Findings about what
        this version of the contract does not have are left out.
        """
        found = {}
        for name, finding in self.rules.items():
            switch = BY_NAME.get(name)
            fits = finding.value
            if switch and fits is None and finding.verdict == CONFIRMED:
                fits = switch.default
            if finding.is_measured and name in _ORDER and (not switch or fits is None or fits in switch.values):
                found[name] = fits if switch else None
        return found

    def switches(self) -> dict[str, str]:
        """The measured value of each switch that has one."""
        return {name: value for name, value in self.measured().items() if value is not None}

    def labels(self, assumed: Assumed) -> dict[str, Document]:
        """The label of each measured rule, in place of the contract's, where the switches have these values.

        `measured`: the mock does as was measured; `refuted`: it does otherwise (contract, section 0).
        """
        return {name: self._label(name, fits, assumed) for name, fits in self.measured().items()}

    def _label(self, name: str, fits: str | None, assumed: Assumed) -> Document:
        agrees = assumed[name] == fits if name in BY_NAME else self.rules[name].verdict == CONFIRMED
        return {"evidence": MEASURED, "measured_at": self.measured_at} if agrees else {"evidence": REFUTED}


def read(path: str | Path) -> Evidence:
    """Read a file of evidence; raises InvalidEvidence.

    Rules and values that this version of the contract does not have are kept: see `Evidence.ignored`.
    """
    try:
        document = wire_json.decode(Path(path).read_bytes())
    except OSError as error:
        raise InvalidEvidence(f"{path}: {error.strerror or error}") from None
    except wire_json.NotJson as error:
        raise InvalidEvidence(f"{path}: {error}") from None
    try:
        return _evidence(document)
    except InvalidEvidence as error:
        raise InvalidEvidence(f"{path}: {error}") from None


def _evidence(document: Any) -> Evidence:
    found = _as(dict, document, "")
    version = _member(found, "version", int)
    measured_at = _member(found, "measured_at", str)
    if not _is_instant(measured_at):
        raise InvalidEvidence(f"measured_at: {quoted(measured_at)} is not an instant such as 2026-11-30T10:00:00Z")
    host = _member(found, "host", str)
    if not host or not host.isprintable():
        raise InvalidEvidence(f"host: {quoted(host)} is not a host such as api.vambe.me")
    findings = {
        name: _finding(each, f"rules.{quoted(name)[1:-1]}") for name, each in _member(found, "rules", dict).items()
    }
    return Evidence(version, measured_at, host, findings)


def _is_instant(text: str) -> bool:
    try:
        return datetime.strptime(text, _INSTANT).strftime(_INSTANT) == text
    except ValueError:
        return False


def _finding(value: Any, place: str) -> Finding:
    found, place = _as(dict, value, place), f"{place}."
    verdict = _member(found, "verdict", str, place)
    if verdict not in VERDICTS:
        raise InvalidEvidence(f"{place}verdict: {quoted(verdict)} is not one of {', '.join(VERDICTS)}")
    fits = _member(found, "value", str, place) if "value" in found else None
    probes = _member(found, "probes", list, place)
    return Finding(verdict, fits, tuple(_as(str, each, f"{place}probes.{at}") for at, each in enumerate(probes)))


_KINDS = {dict: "an object", list: "a list", str: "a string", int: "a whole number"}


def _member(found: Document, name: str, kind: type, place: str = "") -> Any:
    if name not in found:
        raise InvalidEvidence(f"{place}{name} is missing: it is {_KINDS[kind]}")
    return _as(kind, found[name], f"{place}{name}")


def _as(kind: type, value: Any, place: str) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InvalidEvidence(f"{place or 'the file'} is not {_KINDS[kind]}")
    return value
