"""What people read names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fleet_assets.commands.env_example import env_example
from fleet_assets.commands.mart_page import marts_page
from fleet_assets.contracts.document import tables_page
from fleet_assets.settings import Settings, load_settings
from fleet_assets_tests.conftest import REPOSITORY


def test_every_setting_is_documented() -> None:
    text = (REPOSITORY / "docs" / "operations.md").read_text()
    assert [name for name in Settings.model_fields if f"`FLEET_{name.upper()}`" not in text] == []


def test_the_example_of_settings_names_each_with_its_default() -> None:
    text = (REPOSITORY / ".env.example").read_text()
    assert text == env_example(), "run `make docs`"
    assert [name for name in Settings.model_fields if f"\n#FLEET_{name.upper()}=" not in text] == []


def test_every_line_of_the_example_of_settings_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLEET_HOME", raising=False)
    before = load_settings()
    lines = (REPOSITORY / ".env.example").read_text().splitlines()
    (tmp_path / ".env").write_text("\n".join(re.sub(r"^#(?=[A-Z_]+=)", "", line) for line in lines))
    assert load_settings() == before


def test_the_page_of_tables_is_that_of_the_contracts() -> None:
    assert (REPOSITORY / "docs" / "tables.md").read_text() == tables_page(), "run `make docs`"


def test_the_page_of_marts_is_that_of_the_models() -> None:
    assert (REPOSITORY / "docs" / "marts.md").read_text() == marts_page(), "run `make docs`"


def test_every_make_target_that_documents_mention_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    texts = [path.read_text() for path in [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")]]
    mentioned = {name for text in texts for name in re.findall(r"(?:`|^ +)make ([a-z]+)", text, re.MULTILINE)}
    assert mentioned - targets == set()


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{path.name}: {link}"
        for path in [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")]
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text())
        if not (path.parent / link).exists()
    ]
    assert broken == []
