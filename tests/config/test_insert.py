"""Items are put into a list of a YAML file, and all else stays letter by letter."""

import pytest

from mailbot.config.yaml.insert import insert_items
from mailbot.config.yaml.source import parse

ITEMS = [["name: b", "mail: x"], ["name: c"]]
HEADING = "--- new ---"
AFTER = "  # --- new ---\n\n  - name: b\n    mail: x\n\n  - name: c\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("rules: [1]  # few\n", f"rules: [1]  # few\n\ntests:\n{AFTER}"),
        ("rules: [1]", f"rules: [1]\n\ntests:\n{AFTER}"),
        ("tests:\n", f"tests:\n{AFTER}"),
        (
            "tests:  # all\n  # old\n  - {name: a}\nmore: 1\n",
            f"tests:  # all\n{AFTER}\n  # old\n  - {{name: a}}\nmore: 1\n",
        ),
        (
            "tests:\n- name: a\n",
            f"tests:\n{AFTER.replace('  -', '-').replace('    ', '  ')[2:]}\n- name: a\n",
        ),
        (
            "tests:\n  # --- new ---\n\n  - name: a\n",
            f"tests:\n{AFTER}\n  - name: a\n",
        ),
    ],
)
def test_items_come_on_top_of_the_list_below_their_heading(before: str, after: str) -> None:
    found = insert_items(before, "tests", ITEMS, HEADING)

    assert found == after
    windows = insert_items(before.replace("\n", "\r\n"), "tests", ITEMS, HEADING)
    assert windows.replace("\r\n", "\n") == after or "\n" not in before
    new = parse(found.encode(), "")[0].data
    assert isinstance(new, dict)
    assert new["tests"][:2] == [{"name": "b", "mail": "x"}, {"name": "c"}]


@pytest.mark.parametrize("text", ["tests: []\n", "tests: [{name: a}]\n", "tests: {\n", "- a\n"])
def test_a_list_in_brackets_and_broken_yaml_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"brackets|YAML"):
        insert_items(text, "tests", ITEMS, HEADING)
