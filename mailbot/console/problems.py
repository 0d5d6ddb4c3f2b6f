"""Refusals for programs: problem details by RFC 9457, in English, each with what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

DOCUMENTED = "/api/v1/#"  # where the page of the API explains a kind
MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem. `advice`: what to do, where an answer has no better words."""

    status: HTTPStatus
    title: str
    advice: str


KINDS: Mapping[str, Kind] = {
    "malformed": Kind(HTTPStatus.BAD_REQUEST, "The body is no JSON", "Send one JSON object."),
    "no-token": Kind(
        HTTPStatus.UNAUTHORIZED,
        "No valid token",
        "Send `Authorization: Bearer mb_...` with a token of `mailbot token create`. It may have expired or been "
        "revoked, or its agent may have left.",
    ),
    "forbidden": Kind(
        HTTPStatus.FORBIDDEN,
        "The token may not do this",
        "Ask for a token with this verb: `mailbot token create --verb VERB`.",
    ),
    "not-found": Kind(
        HTTPStatus.NOT_FOUND,
        "There is no such thing",
        "Check the address. A ticket of another team is not found either.",
    ),
    "wrong-method": Kind(
        HTTPStatus.METHOD_NOT_ALLOWED, "Wrong method", "/api/v1/ lists the methods of each address."
    ),
    "refused": Kind(
        HTTPStatus.CONFLICT, "The command was refused", "Nothing was changed. `reason_code` says why."
    ),
    "outdated": Kind(
        HTTPStatus.CONFLICT,
        "Others changed the ticket at the same time",
        "Nothing was changed. Look at the ticket, then send the request again.",
    ),
    "key-reused": Kind(
        HTTPStatus.CONFLICT,
        "The Idempotency-Key belongs to another request",
        "Nothing was changed. Use a new key for each request that is to be carried out.",
    ),
    "too-large": Kind(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large", "Send less in one request."
    ),
    "invalid": Kind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The request can't be carried out as it is",
        "`errors` names each field and what is wrong with it.",
    ),
    "too-many": Kind(
        HTTPStatus.TOO_MANY_REQUESTS, "Too many requests", "Wait for the seconds of `Retry-After`."
    ),
    "fault": Kind(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Something went wrong on our side",
        "Operators find the cause in the log of mailbot.",
    ),
    "store": Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The database does not answer",
        "Nothing was changed. Send the request again in a moment.",
    ),
    "in-doubt": Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "It may have been done, or not",
        "The database broke off while it saved. Send the same request with the same Idempotency-Key: it is done once.",
    ),
}
_BY_STATUS = {
    400: "malformed",
    401: "no-token",
    403: "forbidden",
    404: "not-found",
    405: "wrong-method",
    413: "too-large",
}


class Problem(Exception):
    """Ends a request with a problem. `more`: further members, such as `errors`."""

    def __init__(
        self, kind: str, detail: str = "", *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail or kind)
        self.kind, self.detail, self.headers, self.more = kind, detail, headers or {}, more

    def response(self) -> Response:
        kind = KINDS[self.kind]
        members = {
            "type": DOCUMENTED + self.kind,
            "title": kind.title,
            "status": int(kind.status),
            "detail": self.detail or kind.advice,
            **self.more,
        }
        content = msgspec.json.encode(members)
        return Response(content, int(kind.status), headers=self.headers, media_type=MEDIA_TYPE)


def of_http_error(error: HTTPException) -> Problem:
    """Return the problem for what the framework refuses."""
    return Problem(_BY_STATUS.get(error.status_code, "malformed"), headers=error.headers)
