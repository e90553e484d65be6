"""Evidence that was measured on a vendor: its file, the switches that it sets, and the labels that it gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mockserver.fidelity import contract
from mockserver.fidelity.evidence import CONFIRMED, NOT_REACHED, REFUTED, Evidence, Finding, InvalidEvidence, read

AT = "2026-11-30T10:00:00Z"
RULES = {
    "success-status": Finding(CONFIRMED, None, ("create", "list")),
    "create-status": Finding(REFUTED, "200", ("create",)),
    "all-day": Finding(NOT_REACHED),
}


def document(**rules: Any) -> dict[str, Any]:
    return {"version": contract.VERSION, "measured_at": AT, "host": "api.vambe.me", "rules": rules}


def written(folder: Path, content: Any) -> Path:
    path = folder / "evidence.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


# The file.


def test_evidence_that_was_written_is_read_as_it_was(tmp_path: Path) -> None:
    evidence = Evidence(contract.VERSION, AT, "api.vambe.me", RULES)
    assert read(written(tmp_path, evidence.document())) == evidence


def test_the_document_has_the_rules_in_the_contract_s_order_and_no_value_where_there_is_none() -> None:
    shuffled = dict(reversed(RULES.items()))
    shown = Evidence(contract.VERSION, AT, "api.vambe.me", {"zzz-gone": Finding(CONFIRMED), **shuffled}).document()
    order = [rule.name for rule in contract.RULES]
    assert list(shown) == ["version", "measured_at", "host", "rules"]
    assert list(shown["rules"]) == [*sorted(RULES, key=order.index), "zzz-gone"]
    assert shown["rules"]["create-status"] == {"verdict": "refuted", "value": "200", "probes": ["create"]}
    assert shown["rules"]["success-status"] == {"verdict": "confirmed", "probes": ["create", "list"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "it is empty"),
        ('{"version": 2,}', "unexpected '}' at line 1, column 15"),
        ([], "the file is not an object"),
        ({}, "version is missing: it is a whole number"),
        ({**document(), "version": "2"}, "version is not a whole number"),
        ({**document(), "version": True}, "version is not a whole number"),
        ({**document(), "measured_at": "2026-11-30"}, 'measured_at: "2026-11-30" is no instant such as'),
        ({**document(), "host": None}, "host is not a string"),
        ({**document(), "rules": []}, "rules is not an object"),
        (document(success={}), "rules.success.verdict is missing: it is a string"),
        (document(success="yes"), "rules.success is not an object"),
        (
            document(success={"verdict": "fine", "probes": []}),
            'rules.success.verdict: "fine" is not one of confirmed, refuted, contradictory, not reached',
        ),
        (document(success={"verdict": "refuted"}), "rules.success.probes is missing: it is a list"),
        (document(success={"verdict": "refuted", "probes": [1]}), "rules.success.probes.0 is not a string"),
        (
            document(success={"verdict": "refuted", "value": 200, "probes": []}),
            "rules.success.value is not a string",
        ),
    ],
)
def test_a_file_that_is_no_evidence_is_refused_with_its_name_and_the_place(
    tmp_path: Path, content: Any, message: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(InvalidEvidence) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidEvidence, match=r"nothing\.json: No such file or directory"):
        read(tmp_path / "nothing.json")


@pytest.mark.parametrize(
    ("name", "finding", "value"),
    [
        ("create-status", Finding(REFUTED, "200"), {"create-status": "200"}),
        ("create-status", Finding(CONFIRMED, "201"), {"create-status": "201"}),
        ("create-status", Finding(CONFIRMED), {"create-status": "201"}),
        ("create-status", Finding(REFUTED), {"create-status": None}),
        ("create-status", Finding(REFUTED, "999"), {}),
        ("create-status", Finding(NOT_REACHED, "200"), {}),
        ("create-status", Finding("contradictory"), {}),
        ("success-status", Finding(CONFIRMED), {"success-status": None}),
        ("success-status", Finding(REFUTED, "200"), {"success-status": None}),
        ("rule-of-another-version", Finding(CONFIRMED), {}),
    ],
)
def test_only_a_verdict_about_what_there_is_measures_a_rule(
    name: str, finding: Finding, value: dict[str, str | None]
) -> None:
    evidence = Evidence(1, AT, "api.vambe.me", {name: finding})
    assert evidence.measured() == value
    assert evidence.switches() == {each: fits for each, fits in value.items() if fits is not None}


def test_what_the_contract_does_not_have_is_named() -> None:
    rules = {"gone": Finding(CONFIRMED), "create-status": Finding(REFUTED, "999"), **{"all-day": Finding(REFUTED)}}
    reason = "ignored, as version 2 of the contract does not have it: "
    named = 'the rule "gone", the value "999" of create-status'
    assert Evidence(1, AT, "api.vambe.me", rules).ignored == reason + named
    assert Evidence(1, AT, "api.vambe.me", RULES).ignored == ""
