"""Can this machine run a real Kafka, and are its jars the ones we tried? Java, Maven, a cache and checksums.

The cache is `RELANCE_CACHE` (default `~/.cache/relance`), the folder in it `kafka-VERSION`. A jar whose checksum is
not the one of `jars.sha256` is never run.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.servers.processes import ServerFailed

VERSION: Final = "4.3.1"
_COORDINATES: Final = (
    ("org.apache.kafka", "kafka_2.13", VERSION),
    ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.3"),
)
_PLUGIN: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_MANIFEST: Final = Path(__file__).with_name("jars.sha256")
_OLDEST_JAVA: Final = 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Whether Apache Kafka can be started here, and the sentence that says why or why not."""

    yes: bool
    reason: str


def available(timeout: float = 20.0) -> Availability:
    """Look for Java and the jars; bring the jars with Maven when that takes less than `timeout` seconds (0: never)."""
    try:
        _, release = java()
    except ServerFailed as failure:
        return Availability(yes=False, reason=str(failure))
    named = f"Apache Kafka {VERSION} on Java {release}"
    if jars_are_cached():
        return Availability(yes=True, reason=f"{named}, its jars are in the cache")
    if timeout <= 0:
        return Availability(yes=False, reason=f"the jars of Apache Kafka {VERSION} are not in the cache")
    try:
        fetch(timeout=timeout)
    except ServerFailed as failure:
        return Availability(yes=False, reason=str(failure))
    return Availability(yes=True, reason=f"{named}, its jars came through Maven")


def java() -> tuple[Path, int]:
    """The Java program (of JAVA_HOME, else of the PATH) and its release.

    Raises:
        ServerFailed: there is none, or it is older than 17.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home) / "bin")) if home else None
    found = found or shutil.which("java")
    if found is None:
        msg = f"we could not run Apache Kafka because no java is on the PATH; install Java {_OLDEST_JAVA} or newer"
        raise ServerFailed(msg)
    try:
        told = subprocess.run([found, "-version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        msg = f"we could not run Apache Kafka because {found} does not run: {error}"
        raise ServerFailed(msg) from error
    release = java_release(told.stderr + told.stdout)
    if release < _OLDEST_JAVA:
        msg = f"we could not run Apache Kafka because {found} is Java {release}; install Java {_OLDEST_JAVA} or newer"
        raise ServerFailed(msg)
    return Path(found), release


def java_release(told: str) -> int:
    """The release in what `java -version` tells: 17 of `"17.0.15"`, 8 of `"1.8.0_402"`, 0 when it is unreadable."""
    match = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(match.group(1)) if match else 0


def cache_folder() -> Path:
    """Where the jars of this version are kept between runs."""
    base = os.environ.get("RELANCE_CACHE")
    root = Path(base).expanduser() if base else Path.home() / ".cache" / "relance"
    return root / f"kafka-{VERSION}"


def manifest() -> Mapping[str, str]:
    """File name to SHA-256 of every jar that belongs to the server."""
    lines = (line.split() for line in _MANIFEST.read_text(encoding="ascii").splitlines() if line)
    return {name: checksum for checksum, name in lines}


def jars_are_cached() -> bool:
    """Whether the cache holds every jar and each is what it should be."""
    return not _wrong(cache_folder())


def jars() -> list[Path]:
    """The verified jars, for a class path.

    Raises:
        ServerFailed: one is missing or is not what it should be.
    """
    folder = cache_folder()
    wrong = _wrong(folder)
    if wrong:
        msg = f"we could not start Apache Kafka because {wrong}; run `python -m ops.servers.kafka fetch`"
        raise ServerFailed(msg)
    return [folder / name for name in manifest()]


def fetch(*, timeout: float = 300.0) -> Path:
    """Bring the jars into the cache, verified, all or none; the folder. Nothing is done when they are there.

    Raises:
        ServerFailed: no Maven, no answer in time, or a jar with another checksum.
    """
    folder = cache_folder()
    if not _wrong(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}.", dir=folder.parent) as temporary:
        fresh = Path(temporary) / "jars"
        download(fresh, timeout=timeout)
        wrong = _wrong(fresh)
        if wrong:
            msg = f"we could not use what Maven brought because {wrong}"
            raise ServerFailed(msg)
        if folder.exists():
            folder.rename(Path(temporary) / "spoiled")
        fresh.rename(folder)
    return folder


def download(into: Path, *, timeout: float) -> None:
    """Let Maven copy the server's jars into a folder, whatever their checksums are.

    Raises:
        ServerFailed: no Maven, an answer that is no, or none in time.
    """
    maven = shutil.which("mvn")
    if maven is None:
        msg = (
            "we could not bring the jars of Apache Kafka because Maven (mvn) is not on the PATH; install it, or use "
            "--kafka embedded"
        )
        raise ServerFailed(msg)
    with tempfile.TemporaryDirectory(prefix="relance-maven-") as temporary:
        pom = Path(temporary) / "pom.xml"
        pom.write_text(_pom(), encoding="utf-8")
        command = [maven, "--batch-mode", "--quiet", "--file", str(pom), _PLUGIN]
        command += [f"-DoutputDirectory={into}", "-DincludeScope=runtime"]
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=temporary,
            start_new_session=True,
        ) as running:
            try:
                told, _ = running.communicate(timeout=timeout)
            except subprocess.TimeoutExpired as late:
                os.killpg(
                    running.pid, signal.SIGKILL
                )  # mvn is a script: its java is in the same session, ours alone
                msg = (
                    f"we could not have the jars of Apache Kafka within {timeout:g} s; run "
                    "`python -m ops.servers.kafka fetch` once to fill the cache"
                )
                raise ServerFailed(msg) from late
        if running.returncode != 0:
            words = "\n".join(told.decode(errors="replace").strip().splitlines()[:6])
            msg = f"we could not bring the jars of Apache Kafka because Maven failed:\n{words}"
            raise ServerFailed(msg)


def checksums(folder: Path) -> dict[str, str]:
    """File name to SHA-256 of every jar in a folder."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.jar"))}


def _wrong(folder: Path) -> str:
    """What is wrong with a folder of jars, to stand after `because`; empty when nothing is."""
    if not folder.is_dir():
        return f"the jars of Apache Kafka {VERSION} are not in the cache"
    there, due = checksums(folder), manifest()
    for name, checksum in due.items():
        if name not in there:
            return f"{name} is missing in {folder}"
        if there[name] != checksum:
            return f"{name} in {folder} is not the jar that was tried (SHA-256 {there[name]} instead of {checksum})"
    return ""


def _pom() -> str:
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
        f"<version>{version}</version></dependency>"
        for group, artifact, version in _COORDINATES
    )
    return (
        "<project><modelVersion>4.0.0</modelVersion><groupId>relance</groupId><artifactId>kafka</artifactId>"
        f"<version>1</version><packaging>pom</packaging><dependencies>{dependencies}</dependencies></project>"
    )
