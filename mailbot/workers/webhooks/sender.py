"""Sends the events of the feed to one webhook, in their order.

Theory of operation. Each webhook has a loop of its own, so a slow one delays no other. A turn looks whether something
waits, takes the webhook for this node, and sends message by message. How far it is moves in a commit after the 2xx:
what was sent shortly before a crash is sent again under the same id. After a failure nothing overtakes: the same
message is tried again, later and later, until it is taken, the webhook is disabled, or an operator moves it on.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from mailbot import log
from mailbot.config.model import Webhook as Settings
from mailbot.delivery import retry
from mailbot.delivery.webhooks.client import Answer, WebhookClient
from mailbot.domain.policy import Policy
from mailbot.domain.programs import standard_webhooks
from mailbot.store.webhooks import feed, states
from mailbot.store.webhooks.feed import FeedEntry, Place
from mailbot.store.webhooks.states import Attempt, Claim, Progress, Webhook
from mailbot.workers.runtime import Deps
from mailbot.workers.webhooks.trouble import BY_ITSELF, GIVEN_UP_AFTER, trouble_of

LOOK_AGAIN = timedelta(seconds=1)
BUSY = timedelta(seconds=5)  # until it looks again at a webhook that waits, is disabled, or is another node's
BATCH = 100
LONGEST_TURN = 1.0  # seconds: a stop waits for it
TOGETHER = 0.25  # seconds of progress in one commit
GONE = 410

# (connection, entries, webhook, policy) -> the body of each message, None where it gets none.
Build = Callable[[Connection, Sequence[FeedEntry], Settings, Policy], list[bytes | None]]


@dataclass(slots=True)
class _Turn:
    """What a turn does: it was at `before` at the last commit, and is at `place`. `failures`: in a row by now."""

    before: Place
    place: Place
    failures: int
    since: float = field(default_factory=time.monotonic)  # of the last commit
    attempts: list[Attempt] = field(default_factory=list)

    def begin_anew(self) -> None:
        self.before, self.since, self.attempts = self.place, time.monotonic(), []


class WebhookSender:
    """The worker of one webhook. `build` makes the messages. `trouble`: for `/healthz`, "" while all is well."""

    stop_stage: Final = "deliver"

    def __init__(
        self, deps: Deps, webhook: Settings, node: str, build: Build, client: WebhookClient | None = None
    ) -> None:
        self.name = f"webhook {webhook.name}"
        self.trouble = ""
        self._deps, self._store, self._webhook, self._build = deps, deps.store, webhook, build
        self._claim = Claim(webhook.name, node)
        self._client = client or WebhookClient(webhook.url, webhook.allow_networks)

    async def run_once(self) -> timedelta:
        if not self._webhook.secrets:
            self.trouble = (
                f"the webhook {self._webhook.name} has no secret: `mailbot check` names its variable"
            )
            return BUSY
        webhook, waits = await self._store.read(_look, self._webhook.name)
        self.trouble = trouble_of(webhook) if webhook else ""
        if webhook is None or webhook.disabled_at or webhook.due_at > self._deps.now():
            return self._rest(webhook)
        if not waits:
            return LOOK_AGAIN
        claimed = await self._store.write(states.claim, self._claim)
        if claimed is None or claimed.due_at > self._deps.now():
            return BUSY
        await self._serve(claimed)
        return timedelta()

    async def close(self, span: timedelta) -> None:
        """Leave the webhook to other nodes, and hang up."""
        await self._store.write(states.release, self._claim)
        await self._client.close()

    def _rest(self, webhook: Webhook | None) -> timedelta:
        if webhook is None or webhook.disabled_at:
            return BUSY
        return min(BUSY, webhook.due_at - self._deps.now())

    async def _serve(self, webhook: Webhook) -> None:
        """Send what follows, for a second at most."""
        policy, began = self._deps.runtime.policy, time.monotonic()
        start, entries, bodies = await self._store.read(
            _load, webhook.place, self._build, self._webhook, policy
        )
        turn = _Turn(webhook.place, start, webhook.failures)
        for entry, body in zip(entries, bodies, strict=True):
            if body is not None and not await self._send(entry, body, turn):
                return
            turn.place = replace(start, position=entry.id)
            if time.monotonic() - turn.since > TOGETHER and not await self._record(turn):
                return
            if time.monotonic() - began > LONGEST_TURN:
                break
        await self._record(turn)

    async def _send(self, entry: FeedEntry, body: bytes, turn: _Turn) -> bool:
        """Send one message. Return False where it failed, which is recorded."""
        identity = standard_webhooks.message_id(self._webhook.name, entry.ticket, entry.seq, entry.at)
        headers = standard_webhooks.headers(identity, self._deps.now(), body, self._webhook.secrets)
        answer = await self._client.post(headers, body)
        turn.attempts.append(Attempt(entry.id, self._deps.now(), answer.code, answer.error))
        if answer.error:
            await self._record_failure(turn, answer)
            return False
        if turn.failures:
            log.webhook_works_again(webhook=self._webhook.name, failures=turn.failures)
        turn.failures = 0
        return True

    async def _record(self, turn: _Turn) -> bool:
        """Record how far it is. False where the webhook is no more ours, or was moved meanwhile."""
        if turn.place == turn.before and not turn.attempts:
            return True
        done = await self._store.write(states.record, self._progress(turn))
        turn.begin_anew()
        return done

    async def _record_failure(self, turn: _Turn, answer: Answer) -> None:
        turn.failures += 1
        gives_up = answer.code == GONE or retry.waited(turn.failures) >= GIVEN_UP_AFTER
        pause = max(retry.backoff(turn.failures, random.random()), answer.retry_after or timedelta())
        failed = replace(
            self._progress(turn),
            failures=turn.failures,
            due_at=self._deps.now() + pause,
            disabled_by=BY_ITSELF if gives_up else "",
        )
        await self._store.write(states.record, failed)
        name, code, error = self._webhook.name, answer.code, answer.error
        if gives_up:
            log.webhook_disabled(webhook=name, code=code, error=error, failures=turn.failures)
        else:
            log.webhook_failed(webhook=name, code=code, error=error, failures=turn.failures, retry_in=pause)

    def _progress(self, turn: _Turn) -> Progress:
        return Progress(self._claim, turn.before, turn.place, self._deps.now(), tuple(turn.attempts))


def _look(connection: Connection, name: str) -> tuple[Webhook | None, bool]:
    """Load a webhook, and whether something waits for it."""
    webhook = states.load(connection, name)
    return webhook, bool(webhook and feed.read(connection, webhook.place, 1)[1])


def _load(
    connection: Connection, place: Place, build: Build, webhook: Settings, policy: Policy
) -> tuple[Place, list[FeedEntry], list[bytes | None]]:
    """Read what follows, with the messages. The place is where the entries begin."""
    start, entries = feed.read(connection, place, BATCH)
    return start, entries, build(connection, entries, webhook, policy)
