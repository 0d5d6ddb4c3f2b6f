"""A group of commands that imports a command only when it is called. `--help` imports none of them."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem


class LazyGroup(click.Group):
    """A group with its commands in the order of --help.

    `modules`: command -> (module below mailbot.cli, help line). `aliases`: former name -> command.
    """

    def __init__(
        self,
        *args: Any,
        modules: Mapping[str, tuple[str, str]],
        aliases: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._modules, self._aliases = modules, aliases or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._modules)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        name = self._aliases.get(name, name)
        if name not in self._modules:
            return None
        names = vars(import_module(f"mailbot.cli.{self._modules[name][0]}"))
        values = (*names.values(), *names.get("GENERATED", {}).values())
        return next(value for value in values if isinstance(value, click.Command) and value.name == name)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the names of the commands, importing none of them."""
        found = [
            CompletionItem(name, help=text)
            for name, (_, text) in self._modules.items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = {*self._modules, *self._aliases}
        if args and args[0] not in known and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], self._modules, 1)
            suggestion = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"there is no command {args[0]!r}.{suggestion}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._modules.items()])
