"""Evidence that was measured on a vendor: its file, the switches that it sets, and the labels that it gives."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support import MARIA, UNKNOWN_ID, Api, command, explained, running, served

from mockserver import serving
from mockserver.config import InvalidSetting, resolve
from mockserver.fidelity import contract
from mockserver.fidelity.evidence import CONFIRMED, NOT_REACHED, REFUTED, Evidence, Finding, InvalidEvidence, read
from mockserver.testing import MockServer

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
        ({**document(), "measured_at": "2026-11-30"}, 'measured_at: "2026-11-30" is not an instant such as'),
        ({**document(), "measured_at": "2026-02-30T10:00:00Z"}, 'measured_at: "2026-02-30T10:00:00Z" is not an'),
        ({**document(), "host": None}, "host is not a string"),
        ({**document(), "host": "a\x1b[31m"}, 'host: "a\\u001b[31m" is not a host such as api.vambe.me'),
        ({**document(), "rules": []}, "rules is not an object"),
        ({**document(), "rules": {"a\nb": 1}}, "rules.a\\nb is not an object"),
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


# What it sets, and the labels that it gives.

MEASURED = {"evidence": "measured", "measured_at": AT}
LABELLED = {"evidence": "refuted"}
FRAMEWORK, OURS = {"evidence": "framework"}, {"evidence": "ours"}
ON_DISK = "vambe-evidence.json"
ORIGIN = "measured 2026-11-30 on api.vambe.me"
CURL = f'''curl -s $VAMBE_API_URL/api/public/tasks -H "x-api-key: $VAMBE_API_KEY" -H "content-type: application/json" \
-d '{{"title": "", "responsibleIds": ["{MARIA}"], "priority": "1"}}' -o /dev/null -w "%{{http_code}}\\n"'''


def found(**rules: Finding) -> Evidence:
    """Evidence about these rules; `_` in a name stands for `-`."""
    named = {name.replace("_", "-"): finding for name, finding in rules.items()}
    return Evidence(contract.VERSION, AT, "api.vambe.me", named)


def label(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: part[name] for name in ("evidence", "measured_at") if name in part}


@contextlib.contextmanager
def measured(evidence: Evidence | None, **settings: Any) -> Iterator[Api]:
    """A client of a server with this evidence."""
    with running(evidence=evidence, **settings) as url:
        api = Api(url, "test_measured")
        with api.client:
            yield api


OTHER = found(create_status=Finding(REFUTED, "200"))


def test_a_measured_switch_is_set_and_its_label_has_the_time() -> None:
    with measured(OTHER) as api:
        created = api.create(description="x")
        assert created.status_code == 200
        assert api.client.get("/__admin/settings").json()["assume"] == {"create-status": "200"}
        decision = explained(created)["decision"]
        assert decision == {
            "rule": "create-status",
            **MEASURED,
            "body": {"rule": "task-object", "evidence": "documented"},
            "section": "1",
        }


PRECEDENCE: list[tuple[dict[str, Any], dict[str, str], dict[str, str], int, dict[str, str]]] = [
    ({}, {}, {}, 201, FRAMEWORK),
    ({"evidence": ON_DISK}, {}, {}, 200, MEASURED),
    ({}, {"VAMBE_MOCK_EVIDENCE": ON_DISK}, {}, 200, MEASURED),
    ({"evidence": ""}, {"VAMBE_MOCK_EVIDENCE": ON_DISK}, {}, 201, FRAMEWORK),
    ({"evidence": ON_DISK}, {"VAMBE_MOCK_EVIDENCE": "nothing.json"}, {}, 200, MEASURED),
    ({"evidence": ON_DISK}, {"VAMBE_MOCK_ASSUME": "create-status=201"}, {}, 201, LABELLED),
    ({"evidence": ON_DISK, "assume": ["create-status=201"]}, {}, {}, 201, LABELLED),
    (
        {"evidence": ON_DISK, "assume": ["create-status=200"]},
        {"VAMBE_MOCK_ASSUME": "create-status=201"},
        {},
        200,
        MEASURED,
    ),
    ({"evidence": ON_DISK}, {}, {"create-status": "201"}, 201, LABELLED),
    ({"evidence": ON_DISK, "assume": ["create-status=201"]}, {}, {"create-status": "200"}, 200, MEASURED),
]


@pytest.mark.parametrize(("options", "environment", "assume", "status", "expected"), PRECEDENCE)
def test_a_sandbox_wins_over_a_flag_over_a_variable_over_evidence_over_the_default(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    environment: dict[str, str],
    assume: dict[str, str],
    status: int,
    expected: dict[str, str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(ON_DISK).write_text(json.dumps(OTHER.document()))
    with serving.bound_server(resolve({"port": "0", **options}, environment)) as (server, *_):
        server.start()
        api = Api(server.url, "test_p")
        with api.client as client:
            client.patch("/__admin/settings", json={"assume": assume})
            created = api.create(description="x")
            assert (created.status_code, label(explained(created)["decision"])) == (status, expected)


def test_a_label_follows_the_sandbox_s_value_and_no_other_sandbox_s() -> None:
    with measured(OTHER) as api:
        other = Api(api.url, "test_other")
        with other.client:
            labels = []
            for value in ("201", None, "200"):
                api.client.patch("/__admin/settings", json={"assume": {"create-status": value}})
                labels.append([label(explained(each.create())["decision"]) for each in (api, other)])
    assert labels == [[LABELLED, MEASURED], [MEASURED, MEASURED], [MEASURED, MEASURED]]


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Finding(CONFIRMED), MEASURED),
        (Finding(REFUTED), LABELLED),
        (Finding("contradictory"), FRAMEWORK),
        (Finding(NOT_REACHED), FRAMEWORK),
    ],
)
def test_a_rule_without_a_switch_is_measured_if_it_was_confirmed(verdict: Finding, expected: dict[str, str]) -> None:
    with measured(found(path_id=verdict)) as api:
        entry = explained(api.delete("1"))
        assert [label(part) for part in (entry["decision"], entry["decision"]["body"], *entry["problems"])] == [
            expected if part["rule"] == "path-id" else {"evidence": "documented"}
            for part in (entry["decision"], entry["decision"]["body"], *entry["problems"])
        ]
        assert entry["decision"]["body"]["rule"] == "path-id"


def test_a_refuted_switch_that_no_value_fits_stays_as_it_is_and_is_refuted() -> None:
    with measured(found(create_status=Finding(REFUTED))) as api:
        created = api.create()
        assert (created.status_code, label(explained(created)["decision"])) == (201, LABELLED)


def test_a_documented_rule_can_be_measured_too() -> None:
    with measured(found(title=Finding(CONFIRMED))) as api:
        (problem,) = explained(api.create(title=""))["problems"]
        assert (problem["rule"], label(problem)) == ("title.too_small", MEASURED)


def test_the_server_s_own_switch_is_set_and_labelled_where_no_sandbox_is_open() -> None:
    evidence = found(unauthorized_body=Finding(REFUTED, "bare"))
    with measured(evidence) as api:
        refused = api.client.get("/api/public/tasks", headers={"x-api-key": "unknown"})
        assert refused.json() == {"message": "Unauthorized", "statusCode": 401}
        (entry,) = api.client.get("/__admin/requests?unidentified=true").json()["requests"]
        assert label(entry["decision"]["body"]) == MEASURED


def test_what_was_measured_is_inferred_no_more_whatever_the_verdict() -> None:
    task = {"dueDate": "2025-11-26", "timezone": "America/Santiago"}
    with measured(None) as api:
        assert explained(api.create(**task))["inferred"] == ["create-status", "all-day", "null-description"]
    evidence = found(create_status=Finding(CONFIRMED, "201"), all_day=Finding(REFUTED))
    with measured(evidence) as api:
        assert explained(api.create(**task))["inferred"] == ["null-description"]
        assert explained(api.update(UNKNOWN_ID))["inferred"] == ["error-body"]


def test_evidence_of_another_version_is_taken_rule_by_rule_and_what_is_gone_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = {"gone": Finding(CONFIRMED), "all-day": Finding(REFUTED, "noon"), **OTHER.rules}
    path = written(tmp_path, Evidence(1, AT, "api.vambe.me", rules).document())
    with MockServer(evidence=path) as mock:
        assert mock.settings["assume"] == {"create-status": "200"}
    (message,) = [record.getMessage() for record in caplog.records if record.name == "mockserver"]
    named = 'the rule "gone", the value "noon" of all-day'
    assert message == f"{path}: ignored, as version 2 of the contract does not have it: {named}"


# Where it is given and found.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with evidence in its root."""
    rules = {**OTHER.rules, "validation-body": Finding(CONFIRMED, "zod"), "title": Finding(CONFIRMED)}
    (tmp_path / ON_DISK).write_text(json.dumps(Evidence(contract.VERSION, AT, "api.vambe.me", rules).document()))
    return tmp_path


@pytest.mark.parametrize("arguments", [("serve", "--port", "0"), ("exec", "--", "true"), ("assumptions",)])
def test_a_file_that_cannot_be_used_stops_the_start_with_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    name, *others = arguments
    ended = command(name, "--evidence", "nothing.json", *others, cwd=tmp_path)
    message = "vambe-mock: --evidence: nothing.json: No such file or directory\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", message)
    written(tmp_path, document(title={"verdict": "yes", "probes": []}))
    ended = command(*arguments, cwd=tmp_path, VAMBE_MOCK_EVIDENCE="evidence.json")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        'vambe-mock: --evidence (VAMBE_MOCK_EVIDENCE): evidence.json: rules.title.verdict: "yes" is not one of '
        "confirmed, refuted, contradictory, not reached\n"
    )


def test_the_library_names_the_setting() -> None:
    with pytest.raises(InvalidSetting, match=r"^evidence: nothing\.json: No such file"):
        MockServer(evidence="nothing.json")


def test_serve_finds_no_evidence_by_itself(folder: Path) -> None:
    with served(cwd=folder) as server, Api(server.url, "test_default").client as client:
        assert client.get("/__admin/settings").json()["assume"] == {}


def test_exec_finds_it_in_the_current_directory_names_it_and_labels_its_report(folder: Path) -> None:
    ended = command("exec", "--", "sh", "-c", f"{CURL}; exit 1", cwd=folder)
    assert (ended.returncode, ended.stdout) == (1, "400\n")
    named, _, _, problem, wording = ended.stderr.splitlines()
    assert named == f"vambe-mock: evidence {ON_DISK}, {ORIGIN}"
    assert problem.endswith("[title.too_small, measured 2026-11-30, contract 2]")
    assert wording.endswith("[validation-body, measured 2026-11-30]")


@pytest.mark.parametrize(
    ("options", "variables"),
    [(("--evidence", ""), {}), ((), {"VAMBE_MOCK_EVIDENCE": ""}), (("--evidence", "other.json"), {})],
)
def test_exec_looks_for_none_where_one_is_given_or_refused(
    folder: Path, options: tuple[str, ...], variables: dict[str, str]
) -> None:
    (folder / "other.json").write_text(json.dumps(found().document()))
    shell = "curl -s $VAMBE_MOCK_URL/__admin/settings"
    ended = command("exec", *options, "--", "sh", "-c", shell, cwd=folder, **variables)
    assert (json.loads(ended.stdout)["assume"], ended.stderr) == ({}, "")


def test_the_text_of_a_request_says_when_its_rule_was_measured(folder: Path) -> None:
    shell = f"{CURL}; {sys.executable} -m mockserver requests"
    shown = command("exec", "--", "sh", "-c", shell, cwd=folder).stdout
    assert "[title.too_small, measured 2026-11-30, contract 2]" in shown
    assert "the wording of the answer  [validation-body, measured 2026-11-30]" in shown


def test_the_list_of_assumptions_says_what_was_measured(folder: Path) -> None:
    ended = command("assumptions", cwd=folder)
    assert ended.stderr == f"vambe-mock: evidence {ON_DISK}, {ORIGIN}\n"
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("create-status  (measured 2026-11-30: ")
    assert [line.endswith("  [measured]") for line in lines[1:3]] == [False, True]
    assert "all-day  (ours: " in ended.stdout
    ended = command("assumptions", cwd=folder, VAMBE_MOCK_ASSUME="create-status=201")
    assert ended.stdout.startswith("create-status  (refuted: ")
    assert "measured" not in command("assumptions", "--evidence", "", cwd=folder).stdout


def test_the_list_of_assumptions_for_scripts_has_label_time_and_value(folder: Path) -> None:
    documents = json.loads(command("assumptions", "--json", cwd=folder).stdout)["assumptions"]
    first, others = documents[0], {each["name"]: each for each in documents[1:]}
    assert label(first) == MEASURED
    assert (first["default"], first["measured"]) == ("201", "200")
    assert (label(others["all-day"]), "measured" in others["all-day"]) == (OURS, False)


def test_the_console_shows_when_a_guess_was_measured() -> None:
    evidence = found(create_status=Finding(REFUTED, "200"), title=Finding(CONFIRMED), all_day=Finding(REFUTED))
    with measured(evidence) as api:
        api.create(title="")
        page = api.client.get("/__admin/console/requests/1?sandbox=measured").text
        assert '<code>title.too_small</code> <span class="tag good">measured 2026-11-30</span>' in page
        world = api.client.get("/__admin/console/world?sandbox=measured").text
        for name, shown in (("create-status", 'good">measured 2026-11-30'), ("all-day", 'bad">refuted')):
            switch = world.partition(f'<label for="assume-{name}">')[2].partition("</li>")[0]
            assert f'<span class="tag {shown}</span>' in switch
        assert world.count('id="assume-why-') > world.count('<span class="tag good">measured') == 1
