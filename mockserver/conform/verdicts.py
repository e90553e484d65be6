"""The verdict about each rule of the contract, from all its checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from mockserver.conform.answer_parts import Unclear
from mockserver.conform.checks import CHECKS, Check
from mockserver.fidelity import contract
from mockserver.fidelity.assumptions import BY_NAME, Assumption
from mockserver.fidelity.evidence import CONFIRMED, CONTRADICTORY, NOT_REACHED, REFUTED, Finding
from mockserver.vendor import Answer

NO_PROBE = "no request shows it"

Seen = Mapping[str, Answer]  # by the names of the probes


class Verdict(NamedTuple):
    """A finding about a rule, and the reason for one that leaves something open."""

    finding: Finding
    why: str = ""


class _Result(NamedTuple):
    """The result of a check, or the reason why there is none."""

    check: Check
    fits: bool | frozenset[str] | None
    why: str = ""


def is_refuted(verdict: Verdict) -> bool:
    """Test for a rule that does not hold, or not always."""
    return verdict.finding.verdict in (REFUTED, CONTRADICTORY)


def verdicts(seen: Seen, missing: Mapping[str, str], checks: Iterable[Check] = CHECKS) -> dict[str, Verdict]:
    """The verdict about each rule, from the answers to probes; `missing` says of others why there is no answer."""
    shown: dict[str, list[_Result]] = {rule.name: [] for rule in contract.RULES}
    for each in checks:
        shown[each.rule].append(_result(each, seen, missing))
    return {name: _verdict(found, BY_NAME.get(name)) for name, found in shown.items()}


def settled(probe: str, seen: Seen) -> Iterator[str]:
    """In words, what the answer to a probe settles, with the answers before it."""
    for each in CHECKS:
        if probe in each.probes and set(each.probes) <= seen.keys():
            fits = _result(each, seen, {}).fits
            if isinstance(fits, frozenset):
                yield f"{each.rule} {' or '.join(sorted(fits)) or 'fits no value'}"
            elif fits is not None:
                yield each.rule if fits else f"not {each.rule}"


def _result(check: Check, seen: Seen, missing: Mapping[str, str]) -> _Result:
    for probe in check.probes:
        if probe not in seen:
            return _Result(check, None, missing.get(probe, ""))
    try:
        fits = check.decide(*map(seen.__getitem__, check.probes), *map(seen.get, check.also))
    except Unclear as error:
        return _Result(check, None, str(error))
    except (AttributeError, LookupError, TypeError, ValueError):
        return _Result(check, None, "the answer is JSON of another form")
    return _Result(check, fits if isinstance(fits, bool) else frozenset(fits))


def _verdict(found: Iterable[_Result], switch: Assumption | None) -> Verdict:
    clear = [each for each in found if each.fits is not None]
    if not clear:
        why = next((each.why for each in found), NO_PROBE)
        return Verdict(Finding(NOT_REACHED, None, _probes(found)), why)
    if switch:
        return _of_switch(clear, switch)
    broken = [each for each in clear if not each.fits]
    return Verdict(Finding(REFUTED if broken else CONFIRMED, None, _probes(broken or clear)))


def _of_switch(clear: list[_Result], switch: Assumption) -> Verdict:
    """The verdict about a switch: the value that fits everything that was seen, if it is the only one."""
    fits = {" ".join(each.check.probes): each.fits for each in clear if isinstance(each.fits, frozenset)}
    common = frozenset.intersection(*fits.values())
    probes = _probes(clear)
    if not all(fits.values()):
        return Verdict(Finding(REFUTED, None, probes), "none of its values fits what was seen")
    if not common:
        seen = "; ".join(f"{name}: {' or '.join(sorted(values))}" for name, values in fits.items())
        return Verdict(Finding(CONTRADICTORY, None, probes), seen)
    if len(common) > 1:
        values = [value for value in switch.values if value in common]
        return Verdict(Finding(NOT_REACHED, None, probes), f"what was seen fits {' and '.join(values)}")
    (value,) = common
    return Verdict(Finding(CONFIRMED if value == switch.default else REFUTED, value, probes))


def _probes(found: Iterable[_Result]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(probe for each in found for probe in each.check.probes))
