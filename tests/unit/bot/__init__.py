"""Unit tests of bot."""
