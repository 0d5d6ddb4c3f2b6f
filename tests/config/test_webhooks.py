"""Test the webhooks: their settings, where they may be, and where their secrets come from."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.config.api import load_to_decide
from mailbot.config.model import Webhook
from mailbot.config.yaml.web_addresses import hook_url
from mailbot.delivery.webhooks.client import WebhookClient
from mailbot.errors import ConfigError
from tests.config.faults import lay, loaded
from tests.domain.programs.test_standard_webhooks import OTHER, SECRET, text

URL = "https://toko.example/hooks/mailbot"
VARIABLE = "MAILBOT_WEBHOOK_SECRET_DATA_LAKE"


def written(directory: Path, *hooks: dict[str, str]) -> Path:
    directory.mkdir(exist_ok=True)
    lay(directory)
    lines = [
        f"{'  - ' if not i else '    '}{key}: {value}\n"
        for hook in hooks
        for i, (key, value) in enumerate(hook.items())
    ]
    path = directory / "mailbot.yaml"
    path.write_text("webhooks:\n" + "".join(lines) + path.read_text())
    return directory


def hooks(directory: Path, env: dict[str, str]) -> tuple[Webhook, ...]:
    found = loaded(directory, env)
    assert found.warnings == ()
    return found.settings.webhooks


def test_a_webhook_is_two_lines(tmp_path: Path) -> None:
    written(tmp_path, {"name": "data-lake", "url": URL})
    (found,) = hooks(tmp_path, {VARIABLE: text(SECRET)})

    assert (found.name, found.url, found.events, found.teams, found.notes) == (
        "data-lake",
        URL,
        (),
        (),
        False,
    )
    assert found.secrets == (SECRET,)


def test_it_may_name_events_teams_and_networks(tmp_path: Path) -> None:
    more = {
        "events": "[ticket.opened, ticket.closed]",
        "teams": "[frontline]",
        "notes": "yes",
        "allow_networks": "[10.20.0.0/16]",
    }
    written(tmp_path, {"name": "data-lake", "url": "http://10.20.0.9:8080/x", **more})
    (found,) = hooks(tmp_path, {VARIABLE: f"{text(OTHER)} {text(SECRET)}"})

    assert (found.events, found.teams) == (("ticket.opened", "ticket.closed"), ("frontline",))
    assert (found.notes, found.allow_networks) == (True, ("10.20.0.0/16",))
    assert found.secrets == (OTHER, SECRET)  # while the secret is changed


def test_a_secret_may_be_a_credential_of_systemd(tmp_path: Path) -> None:
    written(tmp_path / "config", {"name": "data-lake", "url": URL})
    (tmp_path / "mailbot-webhook-secret-data-lake").write_text(text(SECRET) + "\n")
    (found,) = hooks(tmp_path / "config", {"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert found.secrets == (SECRET,)


def refusals(directory: Path, env: dict[str, str]) -> list[str]:
    """Return the texts of all problems; there is at least one."""
    with pytest.raises(ConfigError) as refusal:
        loaded(directory, env)
    return [str(each) for each in refusal.value.problems]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "ftp://toko.example/"}, "this is not an address of the web"),
        ({"url": "https://u:p@toko.example/"}, "has no user, no password"),
        ({"url": "https://toko.example/#x"}, "and no #"),
        ({"url": "http://toko.example/"}, "customers' data must not be read on the way"),
        ({"url": "https://127.0.0.1/"}, "`127.0.0.1` is no public address"),
        ({"url": "https://[::1]/"}, "`::1` is no public address"),
        ({"url": "https://169.254.169.254/latest"}, "`169.254.169.254` is no public address"),
        ({"url": "https://0177.0.0.1/"}, "an IP address is written as"),
        ({"url": "https://2130706433/"}, "an IP address is written as"),
        ({"url": "https://0x7f000001/"}, "an IP address is written as"),
        ({"events": "[ticket.open]"}, "did you mean `ticket.opened`"),
        ({"events": "[]"}, "at least one event is needed"),
        ({"teams": "[frontlin]"}, "did you mean `frontline`"),
        ({"name": "Data Lake"}, "is not a name here"),
        ({"allow_networks": "[0.0.0.0/0]"}, "holds addresses of all the world"),
        ({"allow_networks": "['::/0']"}, "holds addresses of all the world"),
        ({"secret": "whsec_x"}, "secrets are not allowed in YAML"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, changes: dict[str, str], said: str) -> None:
    written(tmp_path, {"name": "data-lake", "url": URL, **changes})
    found = refusals(tmp_path, {VARIABLE: text(SECRET)})

    assert any(said in each for each in found), found


def test_a_name_is_given_once(tmp_path: Path) -> None:
    written(tmp_path, {"name": "data-lake", "url": URL}, {"name": "data-lake", "url": URL})

    assert any("is the name of two webhooks" in each for each in refusals(tmp_path, {}))


@pytest.mark.parametrize("secret", ["rahasia", "whsec_", "whsec_AAAA", "whsec_!!!!", text(SECRET)[6:]])
def test_what_is_no_secret_is_refused_and_not_shown(tmp_path: Path, secret: str) -> None:
    written(tmp_path, {"name": "data-lake", "url": URL})
    (found,) = refusals(tmp_path, {VARIABLE: secret})

    assert "is no secret of a webhook" in found
    assert secret in ("whsec_",) or secret not in found


def test_a_secret_that_is_missing_and_one_of_no_use_are_warnings(tmp_path: Path) -> None:
    written(tmp_path, {"name": "data-lake", "url": URL})
    found = [str(each) for each in loaded(tmp_path, {"MAILBOT_WEBHOOK_SECRET_LAKE": text(SECRET)}).warnings]

    assert any("this webhook needs a secret" in each and VARIABLE in each for each in found)
    assert any("MAILBOT_WEBHOOK_SECRET_LAKE" in each and "has no effect" in each for each in found)


def test_the_cache_gives_the_same_webhooks_and_keeps_no_secret(tmp_path: Path) -> None:
    written(tmp_path / "config", {"name": "data-lake", "url": URL, "teams": "[frontline]"})
    env = {VARIABLE: text(SECRET), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    first = load_to_decide(tmp_path / "config", env).settings.webhooks
    assert load_to_decide(tmp_path / "config", env).settings.webhooks == first
    kept = b"".join(each.read_bytes() for each in (tmp_path / "cache").rglob("*") if each.is_file())

    assert b"data-lake" in kept
    assert text(SECRET)[6:].encode() not in kept
    assert SECRET not in kept


def test_the_commented_lines_of_the_shipped_file_load(tmp_path: Path) -> None:
    lay(tmp_path)
    shipped = (Path(__file__).parents[2] / "config" / "mailbot.yaml").read_text()
    begin = shipped.index("# webhooks:\n")
    block = shipped[begin : shipped.index("\n\n", begin)]
    lines = "\n".join(line.removeprefix("#").removeprefix(" ") for line in block.splitlines())
    path = tmp_path / "mailbot.yaml"
    path.write_text(f"{lines.replace('payments', 'frontline')}\n{path.read_text()}")

    assert loaded(tmp_path, {}).settings.webhooks[0].name == "accounting"


@given(
    st.text(max_size=60) | st.from_regex(r"https?://[a-z0-9.:@\[\]%-]{1,40}(/[!-~]{0,10})?", fullmatch=True)
)
def test_every_address_that_is_taken_can_be_sent_to(url: str) -> None:
    try:
        taken = hook_url(url)
    except ValueError:
        return
    WebhookClient(taken)
