"""Tests that need nothing."""
