"""Read the environment: settings that override the YAML, and the secrets, which are nowhere else."""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, TypeVar

from mailbot.config.yaml import scalars
from mailbot.config.yaml.scalars import shown
from mailbot.errors import Problem

# MAILBOT_CONFIG and MAILBOT_AGENT are read by the commands.
KNOWN = (
    *("CONFIG", "STORE", "LISTEN", "RELAY", "LOG", "LIMITS", "SECRET", "SECRET_PREVIOUS"),
    *("AGENT", "RELAY_PASSWORD", "IMAP_PASSWORD", "DKIM_KEY", "DKIM_KEY_FILE", "OIDC_SECRET"),
)
OF_CHANNELS = (
    *("TELEGRAM_TOKEN", "TELEGRAM_SECRET"),
    *("WHATSAPP_TOKEN", "WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN"),
)
# Of programs that call us, and of our answers to them: the name of the channel follows.
CALLS, ANSWERS = "CHANNEL_SECRET", "CHANNEL_SEND_SECRET"
OF_ACCOUNTS = ("IMAP_PASSWORD", "WEBHOOK_SECRET")  # each may have an ending: _SUPPORT_TOKO_EXAMPLE
MIN_SECRET = 16  # bytes: the proofs made with it have 128 bits
MAX_SECRET = 4096

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Environment:
    """The values of the environment; None where it has none."""

    store: str | None = None
    store_base: Path | None = None  # of a relative SQLite path, under systemd
    listen: tuple[str, int] | None = None
    relay: tuple[str, int] | None = None
    log: Literal["json", "text"] | None = None
    limits: bool = True
    secret: bytes | None = field(default=None, repr=False)
    previous_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    relay_password: str = field(default="", repr=False)
    dkim_key: bytes | None = field(default=None, repr=False)  # PEM, as it came
    oidc_secret: str = field(default="", repr=False)
    imap_passwords: Mapping[str, str] = field(default_factory=dict)  # by what follows IMAP_PASSWORD
    channel_secrets: Mapping[str, str] = field(
        default_factory=dict, repr=False
    )  # by their names in OF_CHANNELS, or after CALLS and ANSWERS
    # By what follows WEBHOOK_SECRET; the newest of each first.
    webhook_secrets: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict, repr=False)

    def imap_password(self, user: str) -> str:
        """Return the account's own password, else the one for all accounts."""
        return self.imap_passwords.get(own_name(user)) or self.imap_passwords.get("", "")


def read_environment(env: Mapping[str, str]) -> tuple[Environment, list[Problem], list[Problem]]:
    """Return the values, the problems, and warnings about names that are probably misspelt."""
    problems: list[Problem] = []
    secret = _secret(env, "SECRET", problems)
    previous = tuple(filter(None, (_secret(env, "SECRET_PREVIOUS", problems) or b"").splitlines()))
    problems += _short(secret, "MAILBOT_SECRET", "`openssl rand -hex 32` makes one")
    for each in previous:
        problems += _short(each, "MAILBOT_SECRET_PREVIOUS", "write one secret a line, each as it was")
    password = _secret(env, "RELAY_PASSWORD", problems)
    log = _take(env, "LOG", _log, problems)
    state = env.get("STATE_DIRECTORY", "").partition(":")[0]
    found = Environment(
        store=_store(env, problems),
        store_base=Path(state) if state else None,
        listen=_take(env, "LISTEN", scalars.endpoint, problems),
        relay=_take(env, "RELAY", scalars.endpoint, problems),
        log=log,
        limits=_take(env, "LIMITS", _switch, problems) is not False,
        secret=secret,
        previous_secrets=previous,
        relay_password=_decoded("MAILBOT_RELAY_PASSWORD", password, problems),
        oidc_secret=_decoded("MAILBOT_OIDC_SECRET", _secret(env, "OIDC_SECRET", problems), problems),
        imap_passwords=_of_accounts("IMAP_PASSWORD", env, problems),
        webhook_secrets=_webhook_secrets(env, problems),
        channel_secrets=_channel_secrets(env, problems),
        dkim_key=_secret(env, "DKIM_KEY", problems) or _named_file(env, "DKIM_KEY_FILE", problems),
    )
    return found, problems, _misspelt(env)


def _short(secret: bytes | None, variable: str, hint: str) -> list[Problem]:
    if secret is None or len(secret) >= MIN_SECRET:
        return []
    return [_problem(variable, f"has {len(secret)} bytes, at least {MIN_SECRET} are needed", hint)]


def _take(
    env: Mapping[str, str], name: str, reader: Callable[[object], _Value], problems: list[Problem]
) -> _Value | None:
    text = env.get(f"MAILBOT_{name}", "").strip()
    if not text:
        return None
    try:
        return reader(text)
    except ValueError as error:
        problems.append(_problem(f"MAILBOT_{name}", *scalars.message_and_hint(error)))
        return None


def _secret(env: Mapping[str, str], name: str, problems: list[Problem]) -> bytes | None:
    """Read a variable, else the systemd credential of that name (mailbot-relay-password)."""
    variable = f"MAILBOT_{name}"
    raw = env.get(variable, "").encode("utf-8", "surrogateescape")
    if not raw and env.get("CREDENTIALS_DIRECTORY"):
        credential = Path(env["CREDENTIALS_DIRECTORY"]) / variable.lower().replace("_", "-")
        try:
            raw = _read_limited(credential)
        except FileNotFoundError:
            return None
        except OSError as error:
            problems.append(Problem(str(credential), 0, 0, f"can't be read: {error.strerror}"))
            return None
    if len(raw) > MAX_SECRET:
        problems.append(_problem(variable, f"is longer than {MAX_SECRET} bytes"))
        return None
    return raw.rstrip(b"\r\n") or None


def _named_file(env: Mapping[str, str], name: str, problems: list[Problem]) -> bytes | None:
    """Read the file that a variable names."""
    path = env.get(f"MAILBOT_{name}", "")
    if not path:
        return None
    try:
        raw = _read_limited(Path(path))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        problems.append(_problem(f"MAILBOT_{name}", f"{shown(path)} can't be read: {why}"))
        return None
    if len(raw) > MAX_SECRET:
        problems.append(_problem(f"MAILBOT_{name}", f"{shown(path)} is longer than {MAX_SECRET} bytes"))
        return None
    return raw


def _read_limited(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_SECRET + 1)


def own_name(user: str) -> str:
    """Return the ending of the variable with an account's secret: _SUPPORT_TOKO_EXAMPLE for support@toko.example."""
    return "_" + re.sub(r"[^A-Z0-9]", "_", user.upper())


def _of_accounts(kind: str, env: Mapping[str, str], problems: list[Problem]) -> dict[str, str]:
    """Read the secrets of one kind, by the endings of their names."""
    names = {name.removeprefix("MAILBOT_") for name in env if _is_of(kind, name)}
    if env.get("CREDENTIALS_DIRECTORY"):
        files = Path(env["CREDENTIALS_DIRECTORY"]).glob(f"mailbot-{kind.lower().replace('_', '-')}*")
        names |= {path.name.removeprefix("mailbot-").upper().replace("-", "_") for path in files}
    return {
        name.removeprefix(kind): text
        for name in sorted(names)
        if (text := _decoded(f"MAILBOT_{name}", _secret(env, name, problems), problems))
    }


def _is_of(kind: str, variable: str) -> bool:
    return variable == f"MAILBOT_{kind}" or variable.startswith(f"MAILBOT_{kind}_")


def _webhook_secrets(env: Mapping[str, str], problems: list[Problem]) -> dict[str, tuple[bytes, ...]]:
    """Read one or two secrets of each webhook: while it is changed, receivers know the one or the other."""
    found = {}
    for ending, text in _of_accounts("WEBHOOK_SECRET", env, problems).items():
        try:
            found[ending] = tuple(map(_webhook_secret, text.split()))
        except ValueError:
            hint = "whsec_ and base64 of 24 to 64 bytes: `mailbot webhooks secret` makes one"
            problems.append(_problem(f"MAILBOT_WEBHOOK_SECRET{ending}", "is no secret of a webhook", hint))
    return found


def _webhook_secret(text: str) -> bytes:
    """Read a secret as the Standard Webhooks write it. Raises ValueError."""
    secret = b64decode(text.removeprefix("whsec_"), validate=True)
    if not text.startswith("whsec_") or not 24 <= len(secret) <= 64:
        raise ValueError("no secret of a webhook")
    return secret


def _channel_secrets(env: Mapping[str, str], problems: list[Problem]) -> dict[str, str]:
    names = {name.removeprefix("MAILBOT_") for name in env if _is_program_secret(name)}
    if env.get("CREDENTIALS_DIRECTORY"):
        files = Path(env["CREDENTIALS_DIRECTORY"]).glob("mailbot-channel-se*")
        found_names = (path.name.upper().replace("-", "_") for path in files)
        names |= {name.removeprefix("MAILBOT_") for name in found_names if _is_program_secret(name)}
    found = {
        name: _decoded(f"MAILBOT_{name}", _secret(env, name, problems), problems)
        for name in sorted({*OF_CHANNELS, *names})
    }
    return {name: text for name, text in found.items() if text}


def _is_program_secret(variable: str) -> bool:
    return variable.startswith((f"MAILBOT_{CALLS}_", f"MAILBOT_{ANSWERS}_"))


def _decoded(variable: str, raw: bytes | None, problems: list[Problem]) -> str:
    try:
        text = (raw or b"").decode()
    except UnicodeDecodeError:
        problems.append(_problem(variable, "is not UTF-8"))
        return ""
    if not text.isprintable():
        problems.append(_problem(variable, "holds control characters"))
        return ""
    return text


def _store(env: Mapping[str, str], problems: list[Problem]) -> str | None:
    """Read the store's URL; it may hold a password, so it can be a credential too."""
    text = _decoded("MAILBOT_STORE", _secret(env, "STORE", problems), problems)
    return _take({"MAILBOT_STORE": text}, "STORE", scalars.store, problems)


def _log(value: object) -> Literal["json", "text"]:
    match value:
        case "json":
            return "json"
        case "text":
            return "text"
    raise ValueError(f"`{shown(value)}` is not a form of the log", "json or text")


def _switch(value: object) -> bool:
    if value not in ("on", "off"):
        raise ValueError(f"`{shown(value)}` is neither on nor off", "MAILBOT_LIMITS=off is for load tests")
    return value == "on"


def _misspelt(env: Mapping[str, str]) -> list[Problem]:
    """Warn about names that are nearly one of ours: MAILBOT_LISTN."""
    known = [f"MAILBOT_{name}" for name in (*KNOWN, *OF_CHANNELS)]
    warnings = []
    for name in sorted(env):
        is_ours = name in known or _is_program_secret(name) or any(_is_of(kind, name) for kind in OF_ACCOUNTS)
        if name.startswith("MAILBOT_") and not is_ours:
            meant = get_close_matches(name, known, n=1, cutoff=0.85)
            if meant:
                warnings.append(_problem(name, "is not a variable of mailbot's", f"did you mean {meant[0]}?"))
    return warnings


def _problem(variable: str, message: str, hint: str = "") -> Problem:
    return Problem(variable, 0, 0, message, hint)
