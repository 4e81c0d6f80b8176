"""An address as people see it opens no door, whatever its form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_assets.core.addresses import HIDDEN, without_secrets

SECRET = "s3cret"
WORD = st.text("abc/@:?#%&= .[]", max_size=6)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (f"redis://:{SECRET}@host:6379/0", "redis://host:6379/0"),
        (f"redis://fleet:{SECRET}@host:6379/0", "redis://fleet@host:6379/0"),
        (f"redis://{SECRET}@host", "redis://host"),
        (f"rediss://host/0?username=a&password={SECRET}", "rediss://host/0"),
        (f"unix:///run/redis.sock?password={SECRET}", "unix:///run/redis.sock"),
        (f"postgresql://fleet:p@{SECRET}/x@db/fleet?sslmode=require", "postgresql://fleet@db/fleet"),
        (f"postgresql://fleet:{SECRET}?x@db:5432/fleet", "postgresql://fleet@db:5432/fleet"),
        (f"postgresql://db/fleet?user=a&password={SECRET}#{SECRET}", "postgresql://db/fleet"),
        (f"host=db user=fleet password={SECRET}", HIDDEN),
        (f"fleet:{SECRET}@db", HIDDEN),
        (SECRET, HIDDEN),
        ("", HIDDEN),
        ("s3://bucket/lake", "s3://bucket/lake"),
    ],
)
def test_no_form_of_an_address_shows_its_password(address: str, shown: str) -> None:
    assert without_secrets(address) == shown


@given(WORD, WORD, st.sampled_from(["redis", "postgresql", "unix", "mysql+x"]))
def test_a_password_never_shows_whatever_stands_around_it(before: str, after: str, scheme: str) -> None:
    for address in (
        f"{scheme}://user:{before}{SECRET}{after}@host/db",
        f"{scheme}://host/db?password={before.replace('@', '')}{SECRET}{after.replace('@', '')}",
    ):
        assert SECRET not in without_secrets(address)
