"""What ends the demo with a sentence."""

from __future__ import annotations


class DemoError(Exception):
    """Something did not happen as it must; the message is a sentence for a person."""
