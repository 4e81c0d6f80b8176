"""The marts as a page for people: `python -m fleet_assets.commands.mart_page > docs/marts.md` (or `make docs`).

Belongs here: wording and layout of that page. Does not belong here: any fact about one (dbt_models/).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import yaml

from fleet_assets.project_files import project_file

MODELS = project_file("dbt_models") / "models"

INTRODUCTION = """\
# Marts

Generated from `dbt_models/models` by `make docs`. Query any of them by its bare name:
`fleet query "select * from vehicle_daily limit 5"`. Examples with their SQL are in [examples_sql.md](examples_sql.md).

"""

SECTIONS = {
    "marts": "One row per vehicle and local day or month, in its own time zone. Ratios are ratios of sums; their "
    "numerators and denominators are columns too. Trips count when they have ended.",
    "views": "Answers to the questions that fleets ask, over marts and telemetry. They hold nothing of their own and "
    "are as new as the last build; now is the clock of the database.",
}
"""Folders of models that are published, in the order of the page, and what holds for all of each."""


def marts_page() -> str:
    """All marts and views as Markdown: what a row means, and each column with type and meaning."""
    lines = [INTRODUCTION]
    for folder, what in SECTIONS.items():
        lines.append(f"## {folder.capitalize()}\n\n{what}\n")
        for path in sorted((MODELS / folder).glob("*.yml")):
            for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
                lines.extend(_model(model))
    return "\n".join(lines)


def _model(model: dict[str, Any]) -> Iterator[str]:
    yield f"### `{model['name']}`\n"
    yield " ".join(model["description"].split()) + "\n"
    yield "| Column | Type | Meaning |"
    yield "|---|---|---|"
    for column in model["columns"]:
        yield f"| `{column['name']}` | {column['data_type']} | {' '.join(column['description'].split())} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(marts_page())
