"""`chatapp completion`: the script that teaches a shell the commands and their options."""

import click
from click.shell_completion import get_completion_class

from chatapp.ops.cli.common import examples

VARIABLE = "_CHATAPP_COMPLETE"
"""What the script sets when it asks the command for completions; click's own name for it."""


@click.command(
    epilog=examples(
        "chatapp completion bash > ~/.local/share/bash-completion/completions/chatapp",
        'chatapp completion zsh > "${fpath[1]}/_chatapp"',
        "chatapp completion fish > ~/.config/fish/completions/chatapp.fish",
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for SHELL."""
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(context.find_root().command, {}, "chatapp", VARIABLE).source())
