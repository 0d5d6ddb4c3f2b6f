"""10,000 stored mails routed by two policies: the whole time of `mailbot rules diff`."""

import json
import time
from datetime import UTC, datetime
from typing import Any

from mailbot import log as journal
from mailbot.config.api import load as load_settings
from mailbot.domain.model import Envelope
from mailbot.domain.policy_review.policy_outline import outline
from mailbot.mail.compose.compose import Composer
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.mail.compose.templates import load as load_templates
from mailbot.mail.parsing.fingerprint import fingerprint
from mailbot.metrics import Metrics
from mailbot.store import inbox, migrate, policies
from mailbot.store.store import Store
from mailbot.workers.inbound.intake import Intake
from mailbot.workers.runtime import Deps, Runtime, Snapshot
from tests.bench import corpus
from tests.bench.figures import Run
from tests.scenarios.harness import RECIPIENT, DaemonProcess

AT_ONCE = 500


async def once(daemon: DaemonProcess, mails: int) -> Run:
    began = time.perf_counter()
    await _fill(daemon, mails)
    measures = {"making the tickets (s)": time.perf_counter() - began}
    same, measures["live against itself (s)"] = await _diff(daemon, "live", "live")
    then, measures["recorded against live (s)"] = await _diff(daemon, "recorded", "live")
    daemon.edit("routing.yaml", r"\burgency: high", "urgency: critical")
    moved, measures["live against another (s)"] = await _diff(daemon, "live", str(daemon.config))
    faults = {
        "mails not replayed": sum(mails - each["mails"] for each in (same, then, moved)),
        "the live policy differs from itself": same["changed"],
        "the live policy differs from what was recorded": then["changed"] + len(same["drifted"]),
        "nothing differs where something must": int(not moved["changed"]),
    }
    return Run(measures, faults)


async def _diff(daemon: DaemonProcess, old: str, new: str) -> tuple[dict[str, Any], float]:
    began = time.perf_counter()
    _, out, err = await daemon.command("rules", "diff", old, new, "--since", "1d", "--json")
    assert out, err
    return json.loads(out), time.perf_counter() - began


async def _fill(daemon: DaemonProcess, mails: int) -> None:
    """Pass all mails through the real intake, without SMTP."""
    loaded = load_settings(daemon.config, daemon.environment())
    migrate.upgrade(loaded.settings.store)
    store, policy = Store(loaded.settings.store), loaded.policy
    sources, now = loaded.sources, datetime.now(UTC)
    entered = policies.ActivePolicy(policy.version, now, outline(policy), sources.files, sources.templates)
    store.write_now(policies.record_active, entered)
    keys = TokenSigner(b"a secret for the bench alone, no more")
    composer = Composer(load_templates(loaded.settings.templates), keys, policy)
    runtime = Runtime(Snapshot(policy, composer, keys, loaded.settings.trust))
    intake = Intake(Deps(store, runtime, lambda: datetime.now(UTC), Metrics(), lambda: None), "bench")
    made = corpus.mails(mails, run="replay")
    with (daemon.folder / "bench.log").open("w") as log:
        journal.configure("json", stream=log)
        for start in range(0, mails, AT_ONCE):
            for mail in made[start : start + AT_ONCE]:
                raw = mail.body[: -len(b".\r\n")]
                envelope = Envelope(mail.sender, (RECIPIENT,), "192.0.2.7", datetime.now(UTC))
                await store.write(inbox.keep, inbox.ReceivedMail(fingerprint(raw, "bench"), envelope, raw))
            while await intake.run_once() == 0:
                pass
    store.close()
