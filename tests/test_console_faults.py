"""The console's page of faults, without a browser: which switches are on, and what rules are in words."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from support import Api

from mockserver.api import blueprint
from mockserver.console import faults as page
from mockserver.faults import catalogue, words
from mockserver.faults import rules as fault_rules

CATALOGUE = catalogue.failures_of(blueprint.described())


def rule(id: str = "1", hits: int = 0, **given: Any) -> dict[str, Any]:
    """A rule as it is listed."""
    parsed = fault_rules.DEFAULTS | given
    return {"id": id, **parsed, "hits": hits, "spent": parsed["times"] is not None and hits >= parsed["times"]}


def failure(operation: str, name: str) -> dict[str, Any]:
    return next(each for each in CATALOGUE if (each["operation"], each["name"]) == (operation, name))


def switch(operation: str, name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    """The text that the page shows for a failure when these rules are set."""
    groups = page.present(rules, CATALOGUE)["groups"]
    (row,) = [row for group in groups for row in group["rows"] if row["name"] == name]
    return row["cells"][operation]


def delayed(kind: str, *rules: dict[str, Any]) -> dict[str, Any]:
    """The switch that delays createTask when these rules are set."""
    (row,) = [row for row in page.present(rules, CATALOGUE)["delays"] if row["kind"] == kind]
    return row["cells"]["createTask"]


def shown(api: Api) -> str:
    answer = api.client.get("/__admin/console/faults", params={"sandbox": api.key.removeprefix("test_")})
    assert answer.status_code == 200, answer.text
    return answer.text


def test_there_is_a_switch_for_every_failure_of_the_catalogue_and_no_other() -> None:
    groups = page.present([], CATALOGUE)["groups"]
    cells = [cell for group in groups for row in group["rows"] for cell in row["cells"].values()]
    assert len(cells) == len(CATALOGUE)
    assert sorted(cell["label"] for cell in cells) == sorted(
        f"{each['operation']} {words.effect(each['trigger'])}" for each in CATALOGUE
    )
    assert not any(cell["on"] or cell["once"] for cell in cells)


def test_the_failures_are_grouped_by_what_becomes_of_the_request() -> None:
    rows = [[row["name"] for row in group["rows"]] for group in page.present([], CATALOGUE)["groups"]]
    assert rows[0] == [f"status-{status}" for status in (400, 401, 404, 413, 415, 429, 500, 502, 503, 504)]
    assert rows[1] == ["connection-reset", "connection-empty", "connection-truncate", "connection-garbage"]
    assert rows[2] == ["lost-answer", "late-error"]


def test_the_form_offers_each_way_to_break_a_connection(api: Api) -> None:
    api.listed()
    text = shown(api)
    assert [way for way in fault_rules.CONNECTIONS if f'<option value="{way}">' not in text] == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_each_way_to_break_a_connection_has_words_of_its_own(when: str) -> None:
    ways = [*fault_rules.CONNECTIONS, "unknown"]
    assert len({words.effect({"when": when, "connection": way}) for way in ways}) == len(ways)


@pytest.mark.parametrize("each", CATALOGUE, ids=lambda each: f"{each['operation']}-{each['name']}")
def test_a_switch_is_on_when_its_trigger_is_set_for_ever(each: dict[str, Any]) -> None:
    found = switch(each["operation"], each["name"], rule("7", hits=4, **{**each["trigger"], "times": None}))
    assert (found["on"], found["once"], found["hits"]) == (["7"], [], 4)


def test_no_other_switch_is_on_then() -> None:
    groups = page.present([rule(**failure("createTask", "status-503")["trigger"], times=None)], CATALOGUE)["groups"]
    on = [cell["id"] for group in groups for row in group["rows"] for cell in row["cells"].values() if cell["on"]]
    assert on == ["createTask-status-503"]


def test_once_is_on_until_it_has_hit() -> None:
    trigger = failure("createTask", "status-503")["trigger"]
    assert switch("createTask", "status-503", rule("3", **trigger))["once"] == ["3"]
    assert switch("createTask", "status-503", rule("3", hits=1, **trigger))["once"] == []
    assert switch("createTask", "status-503", rule("3", **trigger))["on"] == []


def test_a_switch_knows_all_the_rules_that_keep_it_on() -> None:
    trigger = {**failure("createTask", "status-500")["trigger"], "times": None}
    found = switch("createTask", "status-500", rule("1", hits=2, **trigger), rule("2", hits=1, **trigger))
    assert (found["on"], found["hits"], found["behind"]) == (["1", "2"], 3, None)


@pytest.mark.parametrize(
    "other",
    [{"skip": 1}, {"probability": 0.5}, {"delay_ms": 1}, {"body": {}}, {"headers": {}}, {"match": {}}],
    ids=lambda other: next(iter(other)),
)
def test_a_rule_that_differs_from_the_trigger_is_no_switch(other: dict[str, Any]) -> None:
    trigger = {**failure("createTask", "status-503")["trigger"], "times": None}
    assert switch("createTask", "status-503", rule(**{**trigger, **other}))["on"] == []


ALL = {"status": 500, "times": None}


@pytest.mark.parametrize(
    ("older", "newer", "behind"),
    [
        (ALL, {"status": 503}, True),
        ({**ALL, "match": {"operation": "createTask"}}, {"status": 503, "match": {"operation": "createTask"}}, True),
        (
            {**ALL, "match": {"operation": "createTask"}},
            {"status": 503, "match": {"operation": "createTask", "json": {"title": ["x"]}}},
            True,
        ),
        ({**ALL, "match": {"operation": "createTask"}}, {"status": 503}, False),
        ({**ALL, "match": {"operation": "createTask"}}, {"status": 503, "match": {"operation": "listTasks"}}, False),
        ({"status": 500, "times": 5}, {"status": 503}, False),
        ({**ALL, "skip": 1}, {"status": 503}, False),
        ({**ALL, "probability": 0.5}, {"status": 503}, False),
        (ALL, {"status": 503, "when": "after"}, True),
        ({**ALL, "when": "after"}, {"status": 503}, False),
        ({"delay_ms": 5, "times": None}, {"status": 503}, True),
        ({"delay_ms": 5, "times": None}, {"status": 503, "when": "after"}, False),
    ],
)
def test_a_rule_knows_the_older_one_that_takes_all_it_could_hit(
    older: dict[str, Any], newer: dict[str, Any], behind: bool
) -> None:
    rules = [rule("1", **older), rule("2", **newer)]
    assert page.shadowed(rules) == ({"2": "1"} if behind else {})
    assert [each["behind"] for each in page.present(rules, CATALOGUE)["rules"]] == [None, "1" if behind else None]


def test_a_spent_rule_takes_nothing_and_misses_nothing() -> None:
    spent = rule("2", hits=1, status=503)
    assert page.shadowed([rule("1", **ALL), spent, rule("3", status=502)]) == {"3": "1"}


CREATION: dict[str, Any] = {"match": {"operation": "createTask"}}
UNIFORM, LOGNORMAL = {"uniform": [200, 800]}, {"lognormal": {"median": 120, "sigma": 0.4}}


@pytest.mark.parametrize(("kind", "delay"), [("fixed", 7), ("uniform", UNIFORM), ("lognormal", LOGNORMAL)])
def test_a_delay_of_an_operation_is_a_switch_of_its_kind_whatever_its_numbers(kind: str, delay: Any) -> None:
    for_ever = rule("7", hits=4, **CREATION, delay_ms=delay, times=None)
    found = delayed(kind, for_ever)
    assert (found["on"], found["once"], found["hits"]) == (["7"], [], 4)
    assert found["delay"] == words.delay(delay)
    assert delayed(kind, rule("3", **CREATION, delay_ms=delay))["once"] == ["3"]
    assert not any(delayed(other, for_ever)["on"] for other in {"fixed", "uniform", "lognormal"} - {kind})
    assert not delayed(kind, rule(**CREATION, delay_ms=delay, status=503, times=None))["on"]


def test_the_newer_of_two_delays_is_behind_the_older() -> None:
    rules = [rule("1", **CREATION, delay_ms=5, times=None), rule("2", **CREATION, delay_ms=UNIFORM, times=None)]
    assert [delayed(kind, *rules)["behind"] for kind in ("fixed", "uniform", "lognormal")] == [None, "1", None]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {**CREATION, "when": "after", "connection": "reset", "times": 2},
            "The next 2 createTask are carried out, then their answers are lost: the connection is reset",
        ),
        (
            {
                "match": {"method": "GET", "path": "/api/public/tasks*"},
                "status": 503,
                "delay_ms": UNIFORM,
                "times": None,
            },
            "Every GET of /api/public/tasks* answers 503 Service Unavailable after 200 to 800 ms",
        ),
        ({}, "The next request …"),
        ({"match": {"path": "/api/*"}, "times": None}, "Every request to /api/* …"),
        ({"status": 599, "times": 3, "skip": 2}, "The next 3 requests after the first 2 answer 599"),
        (
            {"status": 429, "headers": {"Retry-After": "1"}},
            "The next request answers 429 Too Many Requests, with Retry-After: 1",
        ),
        (
            {"status": 400, "body": "no", "times": None, "probability": 0.001},
            'With a chance of 0.001, every request answers 400 Bad Request, with the body "no"',
        ),
        ({"when": "after", "body": [1]}, "The next request is carried out, then answered, with the body [1]"),
        (
            {"match": {"operation": "createTask", "status": 201}, "when": "after", "status": 502, "delay_ms": 1500},
            "The next createTask answered with 201 is carried out, then answered with 502 Bad Gateway after 1,500 ms",
        ),
        (
            {"match": {"query": {"toDate": "x"}}, "delay_ms": LOGNORMAL},
            'The next request with the parameters {"toDate":"x"} waits about 120 ms (sigma 0.4), then is carried out',
        ),
        (
            {
                "match": {"headers": {"Prefer": {"$present": True}}, "json": {"title": "ñ"}},
                "connection": "garbage",
                "times": 2,
            },
            'The next 2 requests with the headers {"Prefer":{"$present":true}} with {"title":"ñ"} in the body get '
            "garbage in place of an answer",
        ),
        (
            {"status": 500, "connection": "truncate"},
            "The next request answers 500 Internal Server Error, cut off in the middle",
        ),
        ({"status": "many {s}", "delay_ms": "long"}, "The next request answers many {s} after long ms"),
    ],
)
def test_a_rule_is_a_sentence(given: dict[str, Any], sentence: str) -> None:
    assert words.sentence(given) == sentence


def test_a_rule_that_is_set_has_the_sentence_of_the_form(api: Api) -> None:
    sentences = []
    for each in (each["trigger"] for each in CATALOGUE if each["operation"] == "createTask"):
        assert api.client.post("/__admin/faults", json=each).status_code == 201
        query = {"sandbox": api.key.removeprefix("test_"), "rule": json.dumps(each)}
        sentences.append(api.client.get("/__admin/console/faults/sentence", params=query).text.strip())
    assert re.findall('<p class="what">(.*)</p>', shown(api)) == sentences
    assert not any("…" in sentence for sentence in sentences)


@pytest.mark.parametrize("rule", ["", "{", "[]", "7", '{"match": 7}', '{"match": {"json": "</strong><script>"}}'])
def test_what_is_no_rule_yet_has_a_sentence_that_is_text(api: Api, rule: str) -> None:
    api.list()
    query = {"sandbox": api.key.removeprefix("test_"), "rule": rule}
    answer = api.client.get("/__admin/console/faults/sentence", params=query)
    assert answer.status_code == 200
    assert re.fullmatch(r"<strong>The next request[^<>]*</strong> …", answer.text.strip())


def test_a_long_body_is_cut_short() -> None:
    assert len(words.effect({"status": 500, "body": "x" * 5000})) < 300


def test_the_page_says_what_a_fault_is_for_when_there_is_none(api: Api) -> None:
    api.list()
    assert "None, so every valid request succeeds" in shown(api)


def test_the_page_lists_the_rules_oldest_first_with_their_hits(api: Api) -> None:
    for status in (500, 502):
        api.client.post("/__admin/faults", json={"match": {"operation": "listTasks"}, "status": status})
    api.list()
    text = shown(api)
    assert text.index('data-rule="1"') < text.index('data-rule="2"')
    assert ('<span class="hits">1 hit</span>' in text, '<span class="hits">0 hits</span>' in text) == (True, True)
    assert text.count('<span class="tag">spent</span>') == 1


def test_texts_of_rules_are_text(api: Api) -> None:
    evil = "</button><script>alert('1')</script>\"'&"
    given = {"match": {"path": evil, "json": {evil: evil}}, "status": 400, "headers": {"X-A": evil}, "body": evil}
    assert api.client.post("/__admin/faults", json=given).status_code == 201
    assert evil not in shown(api)
    assert evil in html.unescape(shown(api))
