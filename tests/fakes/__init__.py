"""Strict local servers that stand in for the chat platforms in tests."""
