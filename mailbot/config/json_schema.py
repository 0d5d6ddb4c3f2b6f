"""JSON Schemas of the four files, so that editors complete and check them."""

from typing import Any

from pydantic import BaseModel

from mailbot.config.files.escalation import EscalationFile
from mailbot.config.files.mailbot import MailbotFile
from mailbot.config.files.routing import RoutingFile
from mailbot.config.files.teams import TeamsFile
from mailbot.config.yaml import conditions

MODELS: dict[str, type[BaseModel]] = {
    "mailbot": MailbotFile,
    "teams": TeamsFile,
    "routing": RoutingFile,
    "escalation": EscalationFile,
}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of "routing" or "routing.yaml"; KeyError for a file that there is not."""
    model = MODELS[name.removesuffix(".yaml")]
    found = model.model_json_schema()
    if model is RoutingFile:
        found["$defs"]["When"] = conditions.schema()
        rule = found["$defs"]["RuleEntry"]["properties"]
        rule["when"] = {"$ref": "#/$defs/When", "description": rule["when"]["description"]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
