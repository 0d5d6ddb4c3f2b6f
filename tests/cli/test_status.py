"""What `mailbot status` remarks on, though mail flows."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_merge import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.store.close()


async def test_status_remarks_when_the_index_of_search_is_far_behind(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remarks() -> list[str]:
        found = shell.run("status", "--json", code=1)  # without a daemon and the relay
        return [each for each in json.loads(found)["remarks"] if "ticket search" in each]

    await shell.desk.receive()
    assert remarks() == []
    monkeypatch.setattr("mailbot.views.status.BEHIND", 1)
    assert remarks() == ["1 messages are not in the index of `mailbot ticket search` yet"]
