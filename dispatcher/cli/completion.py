"""``dispatcher completion``: what makes a shell complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dispatcher.cli.commands import Verb
from dispatcher.cli.completing import VARIABLE
from dispatcher.cli.output import say

if TYPE_CHECKING:
    from dispatcher.cli.session import Session

HOW = {
    "bash": "dispatcher completion bash > ~/.local/share/bash-completion/completions/dispatcher",
    "zsh": 'dispatcher completion zsh > "${fpath[1]}/_dispatcher"',
    "fish": "dispatcher completion fish > ~/.config/fish/completions/dispatcher.fish",
}


@click.command(cls=Verb)
@click.argument("shell", type=click.Choice(list(HOW)))
def completion(session: Session, shell: str) -> None:  # noqa: ARG001 - every command is given the session
    """Print the script that makes SHELL complete commands, options, and names of incidents, messages and plans.

    Bash from 4.4 on. Names are read from the deployment's database; nothing is written.
    """
    from click.shell_completion import get_completion_class

    from dispatcher.cli.main import root

    if found := get_completion_class(shell):
        click.echo(found(root, {}, "dispatcher", VARIABLE).source())
    say(f"To keep it: {HOW[shell]}")
