"""Test that the page about conditions has the tables of fields and operators."""

from pathlib import Path

from mailbot.config.json_schema import condition_tables

PAGE = Path(__file__).parents[2] / "docs" / "conditions.md"


def test_the_page_about_conditions_holds_the_tables_of_today() -> None:
    page = PAGE.read_text()
    for table in condition_tables():
        assert table in page, f"{PAGE} needs this:\n{table}"
