"""Addresses that cannot serve are refused with what is wrong, and without anything of the password."""

from __future__ import annotations

import pytest

from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.contracts.errors import SettingError


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgresql://fleet:hush@hush@h/db", "holds a raw @ in its user, password or options; write such characters"),
        ("postgresql://fleet:hush/hush@h/db", "holds a raw / in its user"),
        ("postgresql://fleet:12/hush@h/db", "holds a raw / in its user"),
        ("postgresql://fleet:hush%hush@h/db", "holds a raw % in its user"),
        ("postgresql://fleet:hu sh@h/db", "holds a raw space in its user"),
        ("postgresql://fleet:hush/?hush=hush@h/db", "in user and password write such characters percent-encoded"),
        ("postgresql://fleet:hush@h:port/db", "a port that is no number"),
        (
            "postgresql://fleet:hush@h/db?sslmod=require",
            "sets sslmod, and PostgreSQL has no option .*, only sslmode$",
        ),
        ("postgresql://h/db?zzz=1", "sets zzz, and PostgreSQL has no option of that name$"),
        ("postgresql://fleet:hush@h", "names no database"),
        ("postgresql://fleet:hush@h/?sslmode=require", "names no database"),
        ("postgresql://[::1/db", "is not an address such as"),
        ("postgresql://a.example,b.example/db", "names several hosts"),
    ],
)
def test_what_is_wrong_is_said_without_repeating_the_password(url: str, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence) as refused:
        Server(url).parts  # noqa: B018 - looking is what refuses
    assert "hush" not in str(refused.value)


def test_percent_encoding_says_any_password() -> None:
    parts = Server("postgresql://fleet:%40%2F%3A%3F%25%20%23@h:5433/db?sslmode=require&application_name=me@home").parts
    assert (parts["password"], parts["host"], parts["port"], parts["dbname"]) == ("@/:?% #", "h", "5433", "db")
    assert parts["application_name"] == "me@home"
