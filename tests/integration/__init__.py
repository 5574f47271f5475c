"""Tests that need a server: Valkey, a database, or a fake of a chat platform."""
