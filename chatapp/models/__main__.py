"""`python -m chatapp.models PROVIDER PROMPT`: an answer in the terminal."""

from chatapp.models.terminal import main

main(prog_name="python -m chatapp.models")
