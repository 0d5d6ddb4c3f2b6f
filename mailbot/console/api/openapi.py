"""The description of the API by OpenAPI 3.1, made of the routes: nothing about an endpoint is written twice."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import json
from starlette.routing import BaseRoute, Route

from mailbot import __version__
from mailbot.console.api.acts import AGAIN, HEADER, LONGEST_KEY
from mailbot.console.api.call import Description, NoQuery
from mailbot.console.problems import KINDS, MEDIA_TYPE

BASE = "/api/v1"
OF_ALL = ("no-token", "forbidden", "too-many", "fault", "store")
REFERENCE = "#/components/schemas/{name}"
_PARAMETERS = {
    "number": ("The ticket's number, in any spelling.", {"type": "string"}),
    "position": ("The file's position on the ticket, from 1.", {"type": "integer", "minimum": 1}),
}


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was not carried out (RFC 9457), in plain English."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = []
    reason_code: str = ""


def described(routes: Sequence[BaseRoute]) -> Iterator[tuple[Route, str, Description]]:
    """Yield each endpoint for programs with its method."""
    for route in routes:
        if isinstance(route, Route) and (found := getattr(route.endpoint, "description", None)):
            (method,) = (route.methods or {"GET"}) - {"HEAD"}
            yield route, method, found


def document(routes: Sequence[BaseRoute], url: str) -> dict[str, Any]:
    """Return the document. `url`: where people reach the console."""
    endpoints = list(described(routes))
    kinds = [kind for _, _, each in endpoints for kind in _types(each)]
    schemas, components = json.schema_components([*kinds, ProblemDetails], ref_template=REFERENCE)
    by_type = dict(zip(map(repr, kinds), schemas, strict=False))
    for _, _, each in endpoints:  # parameters are listed one by one
        components.pop(each.query.__name__, None)
    paths: dict[str, Any] = {}
    for route, method, each in endpoints:
        operation = _operation(route, method, each, by_type)
        paths.setdefault(path_of(route), {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "mailbot", "version": __version__, "description": _ABOUT},
        "servers": [{"url": url + BASE}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


_ABOUT = "Tickets of mailbot for programs. Make a token with `mailbot token create`; `mailbot docs api` explains all."


def _types(each: Description) -> list[Any]:
    return [kind for kind in (each.answer, each.body, each.query) if kind is not None]


def path_of(route: Route) -> str:
    """Return an address below BASE."""
    return route.path_format.removeprefix(BASE)


def _operation(route: Route, method: str, each: Description, schemas: dict[str, Any]) -> dict[str, Any]:
    names = route.param_convertors
    parameters = [_path_parameter(name) for name in names] + _query_parameters(each)
    operation: dict[str, Any] = {
        "operationId": f"{method.lower()}{path_of(route)}".replace("/", "_")
        .replace("{", "")
        .replace("}", ""),
        "summary": each.summary,
        "description": f"Needs the verb `{each.verb}`." if each.verb else "Needs any token.",
        "parameters": parameters + (_KEY if each.body else []),
        "responses": {str(each.status): _success(each, schemas), **_problems(each)},
    }
    if each.body:
        content = {"application/json": {"schema": schemas[repr(each.body)]}}
        operation["requestBody"] = {"content": content, "required": True}
    return operation


def _path_parameter(name: str) -> dict[str, Any]:
    text, schema = _PARAMETERS[name]
    return {"name": name, "in": "path", "required": True, "description": text, "schema": schema}


_KEY = [
    {
        "name": HEADER,
        "in": "header",
        "description": "Carries the request out once, however often it is sent within seven days.",
        "schema": {"type": "string", "maxLength": LONGEST_KEY},
    }
]


def _query_parameters(each: Description) -> list[dict[str, Any]]:
    if each.query is NoQuery:
        return []
    schema = json.schema_components([each.query], ref_template=REFERENCE)[1][each.query.__name__]
    return [
        {"name": name, "in": "query", "description": of.pop("description", ""), "schema": of}
        for name, of in schema["properties"].items()
    ]


def _success(each: Description, schemas: dict[str, Any]) -> dict[str, Any]:
    if each.answer is None:
        content: dict[str, Any] = {"application/octet-stream": {}}
    else:
        content = {"application/json": {"schema": schemas[repr(each.answer)]}}
    found: dict[str, Any] = {"description": "Done." if each.body else "Found.", "content": content}
    if each.body:
        text = "true where the key had been used: this is the answer of that time."
        found["headers"] = {name: {"description": text, "schema": {"type": "string"}} for name in AGAIN}
    return found


def _problems(each: Description) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for kind in (*OF_ALL, *each.kinds):
        by_status.setdefault(int(KINDS[kind].status), []).append(KINDS[kind].title)
    content = {MEDIA_TYPE: {"schema": {"$ref": REFERENCE.format(name="ProblemDetails")}}}
    return {
        str(status): {"description": "; ".join(titles) + ".", "content": content}
        for status, titles in sorted(by_status.items())
    }
