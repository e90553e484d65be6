"""The settings: each said once, read from flags and from the environment."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from mockserver.clock import ClockSetting
from mockserver.config import SETTINGS, InvalidSetting, Settings, resolve
from mockserver.fidelity.evidence import Evidence
from mockserver.keys import Shard

EVIDENCE = Path(__file__).parent / "data" / "evidence.json"
GOOD: list[tuple[str, str, Any]] = [
    ("host", "::1", "::1"),
    ("port", "0", 0),
    ("port", "65535", 65535),
    ("database", "some where/world.db", Path("some where/world.db")),
    ("durable", "true", True),
    ("fixtures", "./mine", "./mine"),
    ("seed", "ñandú", "ñandú"),
    ("journal_limit", "50", 50),
    ("admin_token", "a-token", "a-token"),
    ("clock", "frozen", ClockSetting("frozen")),
    ("clock", "real@2026-03-01T08:00:00+03:00", ClockSetting("real", "2026-03-01T05:00:00.000Z")),
    ("clock", "ticking@2100-12-31T23:59:59.9999Z", ClockSetting("ticking", "2100-12-31T23:59:59.999Z")),
    ("strict", "true", True),
    ("strict", "ON", True),
    ("assume", "create-status=200", (("create-status", "200"),)),
    ("evidence", str(EVIDENCE), Evidence(2, "2026-11-30T10:00:00Z", "api.vambe.me", {})),
    ("evidence", "", None),
    ("max_body", "1", 1),
    ("max_sandboxes", "1000000", 1_000_000),
    ("sandbox_idle", "0", 0),
    ("shard", "2/3", Shard(2, 3)),
    ("max_delayed", "1", 1),
    ("threads", "1024", 1024),
    ("api_key", "k", ("k",)),
    ("cors_origin", "*", ("*",)),
    ("admin_origin", "https://app.example.com", ("https://app.example.com",)),
    ("cors_origin", "http://[::2]:8080", ("http://[::2]:8080",)),
    ("cors_origin", "capacitor://localhost", ("capacitor://localhost",)),
    ("allowed_host", "Mock.internal", ("Mock.internal",)),
    ("allowed_host", "[::2]", ("[::2]",)),
    ("public_url", "https://mock.team.test:8443/vambe/", "https://mock.team.test:8443/vambe"),
    ("trusted_proxy", "10.1.2.3/8", ("10.0.0.0/8",)),
    ("log_format", "json", "json"),
    ("ready_file", "ready.json", Path("ready.json")),
    ("json", "1", True),
    ("stop_with_stdin", "1", True),
]


def test_without_anything_given_the_settings_are_the_defaults() -> None:
    assert resolve({}, {}) == Settings()
    assert (Settings().host, Settings().port) == ("127.0.0.1", 4010)


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_a_flag_and_its_variable_mean_the_same(name: str, text: str, value: Any) -> None:
    (setting,) = (setting for setting in SETTINGS if setting.name == name)
    given = (text,) if setting.is_repeatable else text
    assert getattr(resolve({name: given}, {}), name) == value
    assert getattr(resolve({}, {setting.variable: text}), name) == value


def test_every_setting_is_tried_above() -> None:
    assert {name for name, _, _ in GOOD} == {setting.name for setting in SETTINGS} == {f.name for f in fields(Settings)}


@pytest.mark.parametrize("text", ["a b", "a,b", " a , b ", "a\nb,"])
def test_a_list_in_the_environment_is_split_at_blanks_and_commas(text: str) -> None:
    assert resolve({}, {"VAMBE_MOCK_API_KEY": text}).api_key == ("a", "b")


@pytest.mark.parametrize("text", ["", " ", ","])
def test_an_empty_list_in_the_environment_is_none(text: str) -> None:
    assert resolve({}, {"VAMBE_MOCK_CORS_ORIGIN": text}).cors_origin == ()


@pytest.mark.parametrize("text", ["", "0", "no", "False", "off"])
def test_a_switch_in_the_environment_can_be_off(text: str) -> None:
    assert resolve({}, {"VAMBE_MOCK_STRICT": text}).strict is False


def test_a_flag_wins_over_its_variable_even_when_that_is_wrong() -> None:
    assert resolve({"port": "1"}, {"VAMBE_MOCK_PORT": "x"}).port == 1
    assert resolve({"api_key": ("mine",)}, {"VAMBE_MOCK_API_KEY": "theirs"}).api_key == ("mine",)


@pytest.mark.parametrize("absent", [None, (), []])
def test_an_option_that_is_not_given_leaves_the_variable(absent: Any) -> None:
    assert resolve({"api_key": absent}, {"VAMBE_MOCK_API_KEY": "theirs"}).api_key == ("theirs",)


def test_the_refusal_of_a_list_names_the_bad_member() -> None:
    with pytest.raises(InvalidSetting, match=r'^--allowed-host \(VAMBE_MOCK_ALLOWED_HOST\): "b:1" is not a host name'):
        resolve({}, {"VAMBE_MOCK_ALLOWED_HOST": "a b:1"})


def test_variables_of_others_are_not_looked_at() -> None:
    assert resolve({}, {"VAMBE_MOCK_UNKNOWN": "x", "PORT": "1", "HOST": "x"}) == Settings()


@pytest.mark.parametrize("address", ["tcp://10.0.0.7:4010", "udp://[::1]:4010"])
def test_the_address_of_a_service_in_kubernetes_is_ignored_and_said_once(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert resolve({}, {"VAMBE_MOCK_PORT": address, "VAMBE_MOCK_SEED": "mine"}) == Settings(seed="mine")
    assert [record.getMessage() for record in caplog.records] == [
        f'VAMBE_MOCK_PORT is ignored: "{address}" is the address of a Kubernetes service, not a port'
    ]


@pytest.mark.parametrize("name", [":memory:", "file::memory:?cache=shared", "sqlite:///world.db"])
def test_a_database_that_is_no_path_is_refused_with_the_way_out(name: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        resolve({"database": name}, {})
    reason = "is no path of a file: leave it out to keep all in memory, or write ./"
    assert str(refused.value) == f'--database: "{name}" {reason}{name}'


def test_a_url_of_another_database_is_refused_without_its_password() -> None:
    with pytest.raises(InvalidSetting) as refused:
        resolve({"database": "mysql://me:secret@host/world"}, {})
    expected = '--database: "mysql://" begins no URL of a database: use postgresql://user@host/name'
    assert str(refused.value) == expected


@pytest.mark.parametrize("beginning", ["host=", "password = ", "dbname="])
def test_parameters_of_postgresql_that_are_no_url_are_refused_without_their_password(beginning: str) -> None:
    with pytest.raises(
        InvalidSetting, match="begins no path of a file: for PostgreSQL, use postgresql://user"
    ) as refused:
        resolve({"database": f"{beginning}secret password=secret"}, {})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["postgresql://me@host/world", "postgres://host"])
def test_a_database_of_several_processes_needs_the_token_of_all(url: str) -> None:
    assert resolve({"database": url}, {"VAMBE_MOCK_ADMIN_TOKEN": "theirs"}).database == url
    with pytest.raises(InvalidSetting, match="--admin-token: it is missing; the processes that share a PostgreSQL"):
        resolve({"database": url}, {})


@pytest.mark.parametrize("text", ["*", "null", "app.example.com", "https://app.example.com/"])
def test_no_page_but_of_a_named_origin_is_let_at_the_control_plane(text: str) -> None:
    with pytest.raises(InvalidSetting, match=r"is not an origin such as https://app\.example\.com$"):
        resolve({"admin_origin": (text,)}, {})
