"""Every input that is kept for `make fuzz` breaks nothing, in a second; regressions stay mended."""

from pathlib import Path

import pytest

from tests.fuzz.__main__ import HERE, SLOW, TARGETS, function, timed

KEPT = [(target, file) for target in TARGETS for file in sorted((HERE / "corpus" / target).iterdir())]


@pytest.mark.parametrize(("target", "file"), [pytest.param(*each, id=each[1].name) for each in KEPT])
def test_a_kept_input_breaks_nothing_within_a_second(target: str, file: Path) -> None:
    timed(function(target), file.read_bytes(), SLOW)


def test_the_corpus_stays_small_enough_to_be_replayed_by_everybody() -> None:
    assert len(KEPT) < 200
    assert sum(file.stat().st_size for _, file in KEPT) < 300_000
