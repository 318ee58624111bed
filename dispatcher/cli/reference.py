"""The reference of all commands, made from the commands themselves: ``python -m dispatcher.cli.reference``."""

from __future__ import annotations

from collections.abc import Iterator

import click

from dispatcher.cli.main import root

WIDTH = 100


def reference() -> str:
    """The whole reference as Markdown."""
    head = "# Commands\n\nMade by `python -m ops.docs cli --write`. Each command prints the same with `--help`.\n"
    context = click.Context(root, info_name="dispatcher", terminal_width=WIDTH, **root.context_settings)
    return head + "".join(_sections(root, context))


def _sections(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"\n## {context.command_path}\n\n```\n{command.get_help(context)}\n```\n"
    group = command if isinstance(command, click.Group) else click.Group()
    for name in group.list_commands(context):
        if found := group.get_command(context, name):
            yield from _sections(found, click.Context(found, parent=context, info_name=name, terminal_width=WIDTH))


if __name__ == "__main__":
    click.echo(reference(), nl=False)
