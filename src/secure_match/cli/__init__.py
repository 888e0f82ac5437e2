"""EDGE: the ``secure-match`` command. Each role's commands stand in a module that is loaded only when it is called."""

from secure_match.cli._main import main

__all__ = ["main"]
