"""`mailbot token create, list, revoke`: secrets by which programs use the API in an agent's name."""

import secrets
from datetime import datetime

import click

from mailbot.cli.shared.completion import complete_agent, complete_team
from mailbot.cli.shared.open_store import OpenStore, fail, now, open_store
from mailbot.cli.shared.options import config_option, standard_options
from mailbot.cli.shared.output import clean, echo, print_json, print_table
from mailbot.cli.shared.ticket_lookup import suggest_name
from mailbot.config.yaml import scalars
from mailbot.domain.people.token_scope import EACH, READ, unknown_verb
from mailbot.store.console import tokens
from mailbot.store.console.sessions import digest_of
from mailbot.store.console.tokens import PREFIX, NewToken, Token
from mailbot.views.formats import format_short_time
from mailbot.views.json_form import to_json

LASTS, NEVER = "90 days", "never"


@click.group("token")
@config_option
def token() -> None:
    """Tokens of programs, which use the API in the name of an agent: create, list, revoke."""


@token.command()
@click.option("--as", "address", required=True, metavar="ADDRESS", shell_complete=complete_agent)
@click.option("--name", required=True, help="What the token is for: people read it in `token list`.")
@click.option("--verb", "verbs", multiple=True, metavar="VERB", help="What it may do; `all` for every verb.")
@click.option("--read/--no-read", "reads", default=True, help="May it read? It does unless you forbid it.")
@click.option("--team", "teams", multiple=True, metavar="TEAM", shell_complete=complete_team)
@click.option("--expires", default=LASTS, show_default=True, metavar="SPAN", help="90d, 12h, or never.")
@standard_options
def create(
    address: str,
    name: str,
    verbs: tuple[str, ...],
    reads: bool,
    teams: tuple[str, ...],
    expires: str,
    in_json: bool,
) -> None:
    """Create a token that acts as the agent --as, and print it this once. The store keeps its digest.

    It sees what the agent sees, with --team only the tickets of these teams. Without --verb it only reads.
    """
    from mailbot.operations.ticket_commands import operator  # with all that composes mails: slow to load

    _check_verbs(verbs)
    ends_at = _end(expires)
    secret = PREFIX + secrets.token_urlsafe(32)
    with open_store() as opened:
        made = NewToken(
            digest_of(secret),
            clean(name),
            _check_person(opened, address),
            tuple(dict.fromkeys(((READ,) if reads else ()) + verbs)),
            _check_teams(opened, teams),
            now(),
            str(operator()),
            ends_at,
        )
        made_id = opened.store.write_now(tokens.add, made)
        zone = opened.zone()
    if in_json:
        shown = to_json(made, omit=("digest",))
        print_json({"id": made_id, "token": secret, **shown})
        return
    until = f"until {format_short_time(ends_at, zone)}" if ends_at else "until it is revoked"
    echo(secret)
    echo(f"token {made_id} acts as {made.address} {until}. It is not shown again.")


def _check_verbs(verbs: tuple[str, ...]) -> None:
    if found := unknown_verb(verbs):
        wrong, near = found
        hint = f"did you mean {near}?" if near else f"there are: {', '.join(EACH)}, all"
        raise click.BadParameter(f"{clean(wrong)!r} is no verb; {hint}", param_hint="--verb")


def _check_person(opened: OpenStore, address: str) -> str:
    known = {*opened.policy.agents, *opened.policy.admins}
    address = address.strip().lower()
    if address not in known:
        fail(f"--as {clean(address)}: neither an agent nor an admin{suggest_name(address, known)}")
    return address


def _check_teams(opened: OpenStore, teams: tuple[str, ...]) -> tuple[str, ...]:
    for team in teams:
        if team not in opened.policy.teams:
            hint = suggest_name(team, opened.policy.teams)
            raise click.BadParameter(f"no team is {clean(team)}{hint}", param_hint="--team")
    return tuple(dict.fromkeys(teams))


def _end(expires: str) -> datetime | None:
    if expires.strip().lower() == NEVER:
        return None
    try:
        return now() + scalars.duration(expires)
    except ValueError as error:
        raise click.BadParameter(
            f"{expires!r} is no span: 90d, 12h, never", param_hint="--expires"
        ) from error


@token.command("list")
@standard_options
def list_(in_json: bool) -> None:
    """List all tokens: in whose name, for what, when last used, which are over."""
    with open_store() as opened:
        found, zone = opened.store.read_now(tokens.list_tokens), opened.zone()
        states = [_state(each, opened) for each in found]
    if in_json:
        print_json([{**to_json(each), "state": state} for each, state in zip(found, states, strict=True)])
        return
    rows = [_cells(each, state, zone) for each, state in zip(found, states, strict=True)]
    heads = ("id", "name", "as", "verbs", "teams", "state", "ends", "last used")
    print_table(heads, rows, empty="There is no token. `mailbot token create` makes one.")


def _state(found: Token, opened: OpenStore) -> str:
    left = found.address not in {*opened.policy.agents, *opened.policy.admins}
    state = found.state(now())
    return "agent left" if left and state == "active" else state


def _cells(found: Token, state: str, zone: str) -> tuple[object, ...]:
    ends = format_short_time(found.ends_at, zone) or NEVER
    used = format_short_time(found.used_at, zone) or NEVER
    teams = ", ".join(found.teams) or "all of the agent's"
    return found.id, found.name, found.address, ", ".join(found.verbs), teams, state, ends, used


@token.command()
@click.argument("ids", metavar="ID...", type=click.IntRange(1), nargs=-1, required=True)
@standard_options
def revoke(ids: tuple[int, ...], in_json: bool) -> None:
    """Revoke tokens by ID. The next request with one of them is refused."""
    with open_store() as opened:
        done = {each: opened.store.write_now(tokens.revoke, (each, now())) for each in dict.fromkeys(ids)}
    if in_json:
        print_json([{"id": each, "done": revoked} for each, revoked in done.items()])
    for each, revoked in done.items():
        if revoked and not in_json:
            echo(f"token {each} is revoked")
    if missing := [str(each) for each, revoked in done.items() if not revoked]:
        fail(f"no such token, or revoked before: {', '.join(missing)}")
