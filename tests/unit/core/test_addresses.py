"""Which addresses other machines can open, and the name of the Telegram bot."""

from __future__ import annotations

import pytest

from core.addresses import is_reachable
from core.config import Settings, load_settings
from core.errors import SettingsError


@pytest.mark.parametrize("address", ["https://label.example.org", "http://192.168.0.7:8080", "http://[2001:db8::1]:80"])
def test_addresses_of_a_network_are_reachable(address: str) -> None:
    assert is_reachable(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "[::1]", "localhost", "web.localhost"])
def test_addresses_of_this_machine_are_not(host: str) -> None:
    assert not is_reachable(f"http://{host}:8080")


def test_the_bots_name_is_taken_with_and_without_the_sign(settings: Settings) -> None:
    for given in ("@my_label_bot", "my_label_bot"):
        assert load_settings(TELEGRAM_BOT_NAME=given, _env_file=None).telegram_bot_name == "my_label_bot"
    with pytest.raises(SettingsError, match="TELEGRAM_BOT_NAME"):
        load_settings(TELEGRAM_BOT_NAME="my label bot", _env_file=None)
