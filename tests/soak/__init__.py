"""Steady work for long: memory stays flat, and no table grows for ever without a rule."""
