"""Which ids and time zones are accepted, and how ids are minted."""

from __future__ import annotations

import re
import zoneinfo
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest

from mockserver.formats import ids, zones

VERSION_4 = "228d7a0d-9072-4ca8-939b-959b75cc606a"


@pytest.mark.parametrize("version", "12345678")
@pytest.mark.parametrize("variant", "89abAB")
def test_a_uuid_of_version_1_to_8_is_accepted(version: str, variant: str) -> None:
    text = f"228d7a0d-9072-{version}ca8-{variant}39b-959b75cc606a"
    assert ids.parse(text) == text.lower()


@pytest.mark.parametrize("text", ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"])
def test_nil_and_max_are_accepted(text: str) -> None:
    assert ids.parse(text) == text


@pytest.mark.parametrize("text", [VERSION_4.upper(), "228D7a0D-9072-4cA8-939b-959b75cc606a"])
def test_any_case_is_accepted_and_becomes_lower(text: str) -> None:
    assert ids.parse(text) == VERSION_4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        f"{{{VERSION_4}}}",
        f"urn:uuid:{VERSION_4}",
        VERSION_4.replace("-", ""),
        f" {VERSION_4}",
        f"{VERSION_4} ",
        f"{VERSION_4}\n",
        f"{VERSION_4}\x00",
        VERSION_4[:-1],
        f"{VERSION_4}0",
        VERSION_4.replace("-", "_"),
        VERSION_4.replace("-", "‐"),
        VERSION_4.replace("a", "g"),
        "228d7a0d-9072-0ca8-939b-959b75cc606a",  # version 0
        "228d7a0d-9072-9ca8-939b-959b75cc606a",  # version 9
        "228d7a0d-9072-fca8-939b-959b75cc606a",  # version 15
        "228d7a0d-9072-4ca8-739b-959b75cc606a",  # variants that are not 10xx
        "228d7a0d-9072-4ca8-c39b-959b75cc606a",
        "228d7a0d9-072-4ca8-939b-959b75cc606a",  # hyphens elsewhere
        "00000000-0000-0000-0000-000000000001",
        "ffffffff-ffff-ffff-ffff-fffffffffffe",
        "２28d7a0d-9072-4ca8-939b-959b75cc606a",  # digits that are not ASCII
        "٢28d7a0d-9072-4ca8-939b-959b75cc606a",
        VERSION_4[:-1] + "ſ",  # folds to an ASCII letter
        f"{VERSION_4},{VERSION_4}",
    ],
)
def test_any_other_form_is_no_uuid(text: str) -> None:
    with pytest.raises(ValueError, match="is not a UUID of the form 8-4-4-4-12"):
        ids.parse(text)


def test_a_minted_id_is_a_version_4_uuid_in_lower_case() -> None:
    form = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    assert all(form.fullmatch(ids.mint("seed", "task", number)) for number in range(200))


def test_the_same_seed_resource_and_number_mint_the_same_id_for_ever() -> None:
    # SHA-256 of "vambe\ntask\n0", its first 16 bytes with the version and variant bits set.
    assert ids.mint("vambe", "task", 0) == "e4f4c5da-bad5-435c-9148-9fc081a50b53"


def test_another_seed_resource_or_number_mints_another_id() -> None:
    minted = [
        ids.mint(seed, resource, number)
        for seed in ("vambe", "other", "")
        for resource in ("task", "note")
        for number in range(100)
    ]
    assert len(set(minted)) == len(minted)


@pytest.mark.parametrize(
    "name",
    [
        "UTC",
        "Etc/UTC",
        "Etc/GMT+12",
        "America/Santiago",
        "America/Argentina/Buenos_Aires",
        "Europe/London",
        "Asia/Tokyo",
        "US/Pacific",
        "Europe/Kiev",
        "Europe/Kyiv",
        "Asia/Calcutta",
        "EST5EDT",
        "GB",
        "Zulu",
        "CET",
    ],
)
def test_a_name_of_the_tzdata_package_is_accepted_links_included(name: str) -> None:
    assert zones.parse(name) == name


@pytest.mark.parametrize(
    ("text", "name"), [("utc", "UTC"), ("america/SANTIAGO", "America/Santiago"), ("us/pacific", "US/Pacific")]
)
def test_a_name_in_another_letter_case_is_that_of_the_canonical_one(text: str, name: str) -> None:
    assert zones.parse(text) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        " UTC",
        "UTC ",
        "UTC\n",
        "UTC\x00",
        "Factory",
        "localtime",
        "posixrules",
        "posix/UTC",
        "right/UTC",
        "leapseconds",
        "tzdata.zi",
        "zone.tab",
        "zones",
        "America",
        "America/",
        "/America/Santiago",
        "America//Santiago",
        "./UTC",
        "../UTC",
        "America/../UTC",
        "C:\\UTC",
        "__init__",
        "__init__.py",
        "America/__init__",
        "America/__init__.py",
        "America.Santiago",
        "America\\Santiago",
        "UTC+3",
        "+03:00",
        "-03",
        "GMT+3",
        "PST",
        "Pacific Standard Time",
        "Mars/Olympus",
        "х/UTC",
        "U" * 5000,
    ],
)
def test_any_other_name_is_no_zone(name: str) -> None:
    with pytest.raises(ValueError, match="is not an IANA time zone, such as America/Santiago"):
        zones.parse(name)


def test_the_names_are_those_of_the_package_without_the_two_that_mean_no_place() -> None:
    listed = set((resources.files("tzdata") / "zones").read_text().split())
    assert listed - zones.names() <= {"Factory", "localtime"}
    assert zones.names() <= listed
    assert len(zones.names()) > 500


def test_every_accepted_name_can_be_loaded() -> None:
    offsets = [zones.load(name).utcoffset(datetime(2025, 11, 26)) for name in zones.names()]
    assert all(isinstance(offset, timedelta) for offset in offsets)


def test_the_zone_files_of_the_machine_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "America").mkdir()
    tokyo = (resources.files("tzdata") / "zoneinfo" / "Asia" / "Tokyo").read_bytes()
    (tmp_path / "America" / "Lima").write_bytes(tokyo)
    zones.load.cache_clear()
    zoneinfo.reset_tzpath([str(tmp_path)])
    try:
        assert zones.load("America/Lima").utcoffset(datetime(2025, 11, 26)) == timedelta(hours=-5)
    finally:
        zoneinfo.reset_tzpath()
        zones.load.cache_clear()
