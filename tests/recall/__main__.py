"""Run `make recall`: how a policy routes mails that were written without knowing its rules."""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from mailbot.config import shipped
from mailbot.config.api import load
from tests.recall.labelled_mails import SETS, load_mails
from tests.recall.measure import Recall, Routed, measure


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    recall = measure(load(options.directory, {}), load_mails(options.set))
    if options.json:
        print(json.dumps(recall.to_json(), ensure_ascii=False, indent=2))
    else:
        print("\n".join(lines(recall)))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.recall", description=__doc__)
    parser.add_argument(
        "directory",
        type=Path,
        nargs="?",
        default=shipped.config(),
        help="the configuration; default: shipped",
    )
    parser.add_argument("--set", choices=SETS, default=SETS[0], help="the mails; default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args(arguments)


def lines(recall: Recall) -> Iterator[str]:
    """Write the figures, the categories that were mistaken, and each miss."""
    yield f"{'':14} mails  team right  category right  all right  urgent missed  urgent for nothing"
    for name, part in {"all": recall, **recall.by_language}.items():
        found = part.figures
        missed = f"{found['urgent_missed']} of {found['urgent']}"
        for_nothing = f"{found['urgent_for_nothing']} of {found['not_urgent']}"
        yield (
            f"{name:14} {found['mails']:5} {found['team_right']:11} {found['category_right']:15}"
            f" {found['all_right']:10} {missed:>14} {for_nothing:>19}"
        )
    yield from ("", "Categories: the wanted one, and what came instead")
    for wanted, instead in recall.confusion.items():
        yield f"  {wanted:20} {', '.join(f'{category} {count}' for category, count in instead.most_common())}"
    yield from ("", "Misses (!: made urgent for nothing, or not made urgent)")
    yield from map(_miss, recall.misses)


def _miss(each: Routed) -> str:
    mail = each.mail
    wrong = []
    if not each.urgency_right:
        wrong.append(f"wanted {'urgent' if mail.urgent else 'not urgent'}, got {each.priority}")
    if not each.category_right:
        wrong.append(f"wanted {' or '.join(mail.categories)}, got {each.category}")
    if not each.team_right:
        wrong.append(f"wanted {' or '.join(mail.teams)}, got {each.team}")
    mark = " " if each.urgency_right else "!"
    return f"{mark} {mail.place:14} {mail.subject[:40]!r}: {'; '.join(wrong)} (rule {each.rule})"


if __name__ == "__main__":
    main()
