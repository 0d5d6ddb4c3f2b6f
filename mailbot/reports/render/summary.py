"""What a reader has to know first, in three sentences: what changed, what is late, what rises."""

from mailbot.reports.figures.api import Report
from mailbot.reports.figures.figures import AGES
from mailbot.reports.render.sections import clean, named
from mailbot.reports.render.translations import number

_OLD = 7  # days: open tickets that are named
_MOST = 3  # rising causes that are named

_TEXTS = {
    "en": {
        "changed": "{opened} came in, {closed} were closed, {open} are open.",
        "more": "{opened} came in ({change} than before), {closed} were closed, {open} are open.",
        "up": "{count} more",
        "down": "{count} fewer",
        "late": "{missed} of {promises} promises were missed; open for more than 7 days: {old}.",
        "kept": "All {promises} promises were kept; open for more than 7 days: {old}.",
        "none": "No promise ended; open for more than 7 days: {old}.",
        "rises": "Rising: {causes}.",
        "calm": "Nothing rises.",
        "cause": "{name} ({count}, {before} in the weeks before)",
    },
    "id": {
        "changed": "{opened} masuk, {closed} selesai, {open} masih terbuka.",
        "more": "{opened} masuk ({change} dari sebelumnya), {closed} selesai, {open} masih terbuka.",
        "up": "{count} lebih banyak",
        "down": "{count} lebih sedikit",
        "late": "{missed} dari {promises} janji terlewat; terbuka lebih dari 7 hari: {old}.",
        "kept": "Semua {promises} janji ditepati; terbuka lebih dari 7 hari: {old}.",
        "none": "Tidak ada janji yang jatuh tempo; terbuka lebih dari 7 hari: {old}.",
        "rises": "Naik: {causes}.",
        "calm": "Tidak ada yang naik.",
        "cause": "{name} ({count}, {before} pada minggu-minggu sebelumnya)",
    },
}


def summary(report: Report, language: str = "en") -> tuple[str, str, str]:
    """Return the three sentences."""
    words = _TEXTS["id" if language == "id" else "en"]
    return _changed(report, words, language), _late(report, words, language), _rises(report, words, language)


def _changed(report: Report, words: dict[str, str], language: str) -> str:
    now, before = report.figures, report.before
    counts = {
        "opened": number(now.opened, language),
        "closed": number(now.closed, language),
        "open": number(now.open_at_end, language),
    }
    more = now.opened - before.opened
    if not before.opened or not more:
        return words["changed"].format(**counts)
    change = words["up" if more > 0 else "down"].format(count=number(abs(more), language))
    return words["more"].format(change=change, **counts)


def _late(report: Report, words: dict[str, str], language: str) -> str:
    promises = report.figures.promises
    missed, all_ended = (
        sum(each.missed for each in promises),
        sum(each.kept + each.missed for each in promises),
    )
    first = next(place for place, limit in enumerate(AGES) if limit >= _OLD) + 1
    old = sum(sum(team.ages[first:]) for team in report.figures.teams)
    kind = "late" if missed else "kept" if all_ended else "none"
    counts = {"missed": missed, "promises": all_ended, "old": old}
    return words[kind].format(**{name: number(count, language) for name, count in counts.items()})


def _rises(report: Report, words: dict[str, str], language: str) -> str:
    rising = [each for each in report.causes if each.rising][:_MOST]
    if not rising:
        return words["calm"]
    shown = (
        words["cause"].format(
            name=clean(named(report, each.kind, each.name, language)),
            count=number(each.count, language),
            before=number(each.count_before, language),
        )
        for each in rising
    )
    return words["rises"].format(causes=", ".join(shown))
