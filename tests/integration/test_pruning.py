"""Old files go."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from core.config import Settings
from core.pruning import KEPT, prune_files
from tests.integration.finishing.job import NOON


def test_old_files_go_and_young_ones_stay(settings: Settings) -> None:
    moment = datetime.now().astimezone()
    for directory in (settings.export_directory, settings.picture_directory):
        directory.mkdir()
        for name, age in (("old", KEPT + timedelta(hours=1)), ("young", KEPT - timedelta(hours=1))):
            (directory / name).write_text(name)
            seconds = (moment - age).timestamp()
            os.utime(directory / name, (seconds, seconds))
    assert prune_files(settings, moment) == 2
    assert prune_files(settings, moment) == 0
    left = [path.name for place in (settings.export_directory, settings.picture_directory) for path in place.iterdir()]
    assert left == ["young", "young"]


def test_nothing_to_remove_in_a_new_home(settings: Settings) -> None:
    assert prune_files(settings, NOON) == 0
