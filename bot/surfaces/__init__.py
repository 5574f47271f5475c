"""Surfaces: one thin file per chat platform, each translating in, translating out, and handling."""
