"""A macro as JSON. The keys are a contract with programs that read them."""

from typing import Any

from mailbot.mail.compose.macros import Macro


def macro_json(each: Macro) -> dict[str, Any]:
    return {
        "name": each.name,
        "titles": each.titles,
        "arguments": each.names_of("argument"),
        "needed": sorted(each.needed),
        "details": each.names_of("detail"),
        "categories": tuple(dict.fromkeys(place.name for place in each.categories)),
    }
