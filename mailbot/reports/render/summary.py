"""What a reader has to know first, in three sentences: what changed, what is late, what rises."""

from mailbot.reports.figures.api import Report
from mailbot.reports.figures.figures import AGES
from mailbot.reports.render.sections import clean, named
from mailbot.reports.render.translations import number

_OLD = 7  # days: open tickets that are named
_MOST = 3  # rising causes that are named

_TEXTS = {
    "en": {
        "changed": "{tickets} came in, {closed} closed, and {open} open.",
        "more": "{tickets} came in ({change} than before), {closed} closed, and {open} open.",
        "up": "{count} more",
        "down": "{count} fewer",
        "late": "{missed} of {promises} promises {were} missed, with {old} open for more than 7 days.",
        "kept": "All {promises} promises were kept, with {old} open for more than 7 days.",
        "none": "No promise came due, with {old} open for more than 7 days.",
        "rises": "Rising: {causes}.",
        "calm": "No cause is rising.",
        "cause": "{name} ({count}, {before} in the weeks before)",
    },
    "id": {
        "changed": "{tickets} masuk, {closed} selesai, dan {open} masih terbuka.",
        "more": "{tickets} masuk ({change} dari sebelumnya), {closed} selesai, dan {open} masih terbuka.",
        "up": "{count} lebih banyak",
        "down": "{count} lebih sedikit",
        "late": "{missed} dari {promises} janji terlewat; {old} terbuka lebih dari 7 hari.",
        "kept": "Semua {promises} janji ditepati; {old} terbuka lebih dari 7 hari.",
        "none": "Tidak ada janji yang jatuh tempo; {old} terbuka lebih dari 7 hari.",
        "rises": "Naik: {causes}.",
        "calm": "Tidak ada penyebab yang naik.",
        "cause": "{name} ({count}, {before} pada minggu-minggu sebelumnya)",
    },
}
# For no, one and more tickets.
_COUNTS = {
    "en": {
        "tickets": ("no ticket", "1 ticket", "{} tickets"),
        "closed": ("none was", "1 was", "{} were"),
        "open": ("none is", "1 is", "{} are"),
    },
    "id": {
        "tickets": ("tidak ada tiket", "1 tiket", "{} tiket"),
        "closed": ("tidak ada yang", "1", "{}"),
        "open": ("tidak ada yang", "1", "{}"),
    },
}


def summary(report: Report, language: str = "en") -> tuple[str, str, str]:
    """Return the three sentences."""
    words = _TEXTS["id" if language == "id" else "en"]
    return _changed(report, words, language), _late(report, words, language), _rises(report, words, language)


def _changed(report: Report, words: dict[str, str], language: str) -> str:
    now, before = report.figures, report.before
    counts = {
        "tickets": _capital(_counted("tickets", now.opened, language)),
        "closed": _counted("closed", now.closed, language),
        "open": _counted("open", now.open_at_end, language),
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
    return words[kind].format(
        missed=number(missed, language),
        promises=number(all_ended, language),
        were="was" if missed == 1 else "were",
        old=_counted("tickets", old, language),
    )


def _counted(what: str, count: int, language: str) -> str:
    forms = _COUNTS["id" if language == "id" else "en"][what]
    return forms[min(count, 2)].format(number(count, language))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


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
