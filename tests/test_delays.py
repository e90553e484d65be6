"""Delays that are drawn from a distribution, by the sandbox's seed."""

from __future__ import annotations

import statistics
from typing import Any

import pytest
from support import Api, paths

from mockserver.faults import delays

TEAM = "/api/public/team-members/all"
UNIFORM = {"uniform": [1, 30]}
LOGNORMAL = {"lognormal": {"median": 8, "sigma": 0.5}}
WRONG: list[Any] = [
    -1,
    60_001,
    1.5,
    "5",
    None,
    True,
    {},
    {"uniform": [5]},
    {"uniform": [5, 4]},
    {"uniform": [0, 60_001]},
    {"uniform": [0, "5"]},
    {"lognormal": {"median": 5}},
    {"lognormal": {"median": 5, "sigma": -1}},
    {"lognormal": {"median": 5, "sigma": 1, "x": 1}},
    {"normal": [1, 2]},
    {"uniform": [1, 2], "lognormal": {"median": 5, "sigma": 1}},
]


def waited(api: Api, delay: Any) -> list[int]:
    """The delays of four requests under a rule, as the journal has them."""
    rule = {"delay_ms": delay, "times": None, "match": {"operation": "listTeamMembers"}}
    made = api.client.post("/__admin/faults", json=rule)
    assert made.json()["delay_ms"] == delay
    for _ in range(4):
        assert api.client.get(TEAM).status_code == 200
    entries = api.client.get("/__admin/requests").json()["requests"]
    assert all(entry["duration_ms"] >= entry["fault"]["delay_ms"] for entry in entries)
    return [entry["fault"]["delay_ms"] for entry in entries]


@pytest.mark.parametrize("delay", [UNIFORM, LOGNORMAL])
def test_each_request_of_a_rule_waits_its_own_time_and_the_same_in_every_run(
    api: Api, other_api: Api, delay: Any
) -> None:
    times = waited(api, delay)
    assert len(set(times)) > 1
    assert waited(other_api, delay) == times


def test_the_delay_of_the_settings_may_be_spread(api: Api) -> None:
    changed = api.client.patch("/__admin/settings", json={"delay_ms": {"uniform": [20, 30]}}).json()
    assert changed["delay_ms"] == {"uniform": [20, 30]}
    assert api.client.get(TEAM).status_code == 200
    (entry,) = api.client.get("/__admin/requests").json()["requests"]
    assert entry["duration_ms"] >= 20
    assert api.client.get("/__admin/settings").json() == changed
    assert api.client.patch("/__admin/settings", json={"delay_ms": 5}).json()["delay_ms"] == 5
    api.client.patch("/__admin/settings", json={"delay_ms": LOGNORMAL})
    api.client.post("/__admin/reset", json={"only": ["settings"]})
    assert api.client.get("/__admin/settings").json()["delay_ms"] == 0


@pytest.mark.parametrize("delay", WRONG)
def test_a_delay_that_cannot_be_is_refused_with_what_it_takes(api: Api, delay: Any) -> None:
    for method, path, body in (("PATCH", "settings", {}), ("POST", "faults", {"status": 503})):
        answer = api.client.request(method, f"/__admin/{path}", json={**body, "delay_ms": delay})
        assert paths(answer) == [["delay_ms"]]
        if delay is not None:
            assert answer.json()["errors"][0]["message"] == delays.FORMS


def test_the_distributions_are_those_of_their_names() -> None:
    uniform = [delays.drawn({"uniform": [100, 300]}, "seed", number) for number in range(2000)]
    assert 100 <= min(uniform) <= 102
    assert 298 <= max(uniform) <= 300
    assert 190 < statistics.mean(uniform) < 210
    lognormal = sorted(delays.drawn({"lognormal": {"median": 1000, "sigma": 0.5}}, "seed", n) for n in range(2000))
    assert 950 < statistics.median(lognormal) < 1050
    assert 550 < lognormal[317] < 670  # one sigma below the median: 1000 / exp(0.5)
    assert 1500 < lognormal[1682] < 1800
    wide = {"lognormal": {"median": 60_000, "sigma": 5}}
    assert max(delays.drawn(wide, "seed", number) for number in range(50)) == 60_000
