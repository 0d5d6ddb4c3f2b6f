"""Every permanent input of `make fuzz` breaks nothing and takes less than a second."""

from pathlib import Path

import pytest

from tests.fuzz.__main__ import HERE, TARGETS, TIME_LIMIT, function, timed

KEPT = [(target, file) for target in TARGETS for file in sorted((HERE / "corpus" / target).iterdir())]


@pytest.mark.parametrize(("target", "file"), [pytest.param(*kept, id=kept[1].name) for kept in KEPT])
def test_a_kept_input_breaks_nothing_within_a_second(target: str, file: Path) -> None:
    timed(function(target), file.read_bytes(), TIME_LIMIT)


def test_the_corpus_stays_small_enough_to_be_replayed_by_everybody() -> None:
    assert len(KEPT) < 200
    assert sum(file.stat().st_size for _, file in KEPT) < 300_000
