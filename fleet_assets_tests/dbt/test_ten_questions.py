"""Ten questions of a fleet manager: each statement of the page runs on both warehouses, and answers."""

from __future__ import annotations

import re

import pytest

from fleet_assets_tests.conftest import REPOSITORY
from fleet_assets_tests.dbt.targets import Target

PAGE = (REPOSITORY / "docs" / "ten_questions.md").read_text()
QUESTIONS = re.findall(r"^## \d+\. (.*?)\n.*?```sql\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)


def test_there_are_ten() -> None:
    assert len(QUESTIONS) == len(re.findall(r"^## ", PAGE, re.MULTILINE)) == 10


@pytest.mark.parametrize(("question", "sql", "shown"), QUESTIONS, ids=[question for question, _, _ in QUESTIONS])
def test_a_question_is_answered_with_the_columns_that_the_page_shows(
    energy_marts: Target, question: str, sql: str, shown: str
) -> None:
    rows = energy_marts.rows(sql)
    assert rows.height > 0, question
    assert rows.columns == shown.splitlines()[0].split()
