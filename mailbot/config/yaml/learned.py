"""Read the file of learned weights that `learned:` in routing.yaml names."""

from dataclasses import replace

from mailbot.config.yaml import lists
from mailbot.config.yaml.lookup import Files, texts
from mailbot.config.yaml.scalars import shown
from mailbot.domain.routing import learned
from mailbot.domain.routing.learned import NOTHING_LEARNED, Model
from mailbot.errors import Problem

_CURE = "`mailbot rules learn` makes it"


def read(files: Files, problems: list[Problem]) -> Model | None:
    """Return what was learned; None when the file can't be used, and the problem is added."""
    for place, name in texts(files.routing.data, "learned"):
        if name not in files.list_files:
            problems.append(replace(lists.unreadable(files, place, name), hint=_CURE))
            return None
        try:
            return learned.decode(files.list_files[name])
        except ValueError as error:
            message = f"`{shown(name)}` can't be used: {error}"
            problems.append(files.routing.at_value(place, message, _CURE))
            return None
    return NOTHING_LEARNED
