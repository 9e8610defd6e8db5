"""What docker-compose.yml says exists in the code, and its commands run as plain processes where no Docker is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import click
import httpx
import pytest
import yaml

from ops.cli import main
from ops.servers.processes import free_port
from ops.stack.children import app_of
from ops.stack.plan import SERVICES, TOPICS
from shared.settings import Settings
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ops.servers.broker import Broker

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
OURS: dict[str, Any] = {
    name: one for name, one in COMPOSE["services"].items() if one.get("image") == "relance"
}
ONE_SHOTS = {"topics", "migrate"}
OPERATOR = "operator"
"""Reads what all services wrote; it has no worker and no schema."""
KINDS = ("api", "worker")


def parts() -> dict[str, tuple[str, str]]:
    """Every long-running container: its kind and its service."""
    return {name: tuple(one["command"]) for name, one in OURS.items() if name not in ONE_SHOTS | {OPERATOR}}


def test_every_service_has_an_api_and_a_worker() -> None:
    assert sorted(parts().values()) == sorted((kind, name) for name in SERVICES for kind in KINDS)


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name: str) -> None:
    """Parsed to its last argument by the command line itself, and not run."""
    context = click.Context(main, info_name="relance")
    left = list(OURS[name]["command"])
    command: click.Command = main
    while isinstance(command, click.Group):
        found = command.get_command(context, left[0])
        assert found is not None, f"relance {' '.join(OURS[name]['command'])}: no such command"
        command, left = found, left[1:]
    with command.make_context(command.name, left) as made:
        assert made.command is command


def known_to(service: str | None) -> set[str]:
    settings: Any = app_of(service).SETTINGS if service else Settings
    return {f"RELANCE_{name.upper()}" for name in settings.model_fields}


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_read_by_whom_it_is_given(name: str) -> None:
    service = parts()[name][1] if name in parts() else None
    given = {variable for variable in OURS[name]["environment"] if variable.startswith("RELANCE_")}

    assert given - known_to(service) == set()


def test_every_health_check_asks_a_path_that_answers() -> None:
    for name, (kind, service) in parts().items():
        asked = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", " ".join(OURS[name]["healthcheck"]["test"]))
        assert asked is not None
        settings = app_of(service).SETTINGS
        api = app_of(service).build_api(settings(**required(service)))
        paths = {getattr(route, "path", "") for route in getattr(api, "routes", api.router.routes)}
        port = "RELANCE_PORT" if kind == "api" else "RELANCE_WORKER_PORT"
        assert asked[1] == OURS[name]["environment"][port]
        assert asked[2] in paths  # a worker's side door has the paths of every API


def required(service: str) -> dict[str, Any]:
    """What a service does not start without."""
    secrets = {name for name in app_of(service).SETTINGS.model_fields if name.endswith("_master")}
    return dict.fromkeys(secrets, "0123456789abcdef0123456789abcdef")


def test_the_file_starts_as_nobody_and_within_limits() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")

    assert re.search(r"^USER (?!root)", dockerfile, re.MULTILINE)
    assert all("mem_limit" in one for name, one in COMPOSE["services"].items() if name not in ONE_SHOTS)


# --- as plain processes -----------------------------------------------------------------------------


class Containers:
    """The containers of the file, as processes of this machine."""

    def __init__(self, folder: Path, postgres: str, kafka: str) -> None:
        self.folder = folder
        self.ports = {service: free_port() for service in SERVICES}
        self.worker_ports = {service: free_port() for service in SERVICES}
        self._outside = {
            "RELANCE_DATABASE": postgres,
            "RELANCE_KAFKA": kafka,
            "RELANCE_KAFKA_SESSION_TIMEOUT": "6",
            "RELANCE_HOST": "127.0.0.1",
            "RELANCE_API_KEYS": "k" * 32,
            "RELANCE_LOG_LEVEL": "INFO",
            "RELANCE_METRICS_TOKEN": "m" * 32,
        }
        self.running: list[subprocess.Popen[bytes]] = []

    def environment(self, name: str) -> dict[str, str]:
        """The container's own variables, with what lies outside of it found on this machine."""
        given = {
            variable: filled(str(value))
            for variable, value in OURS[name]["environment"].items()
            if variable.startswith("RELANCE_")
        }
        addresses = {
            f"RELANCE_{service.upper()}_URL": f"http://127.0.0.1:{port}"
            for service, port in self.ports.items()
            if f"RELANCE_{service.upper()}_URL" in given
        }
        port = worker_port = "0"
        if name in parts():
            service = parts()[name][1]
            port, worker_port = str(self.ports[service]), str(self.worker_ports[service])
        plain = {key: value for key, value in os.environ.items() if not key.startswith("RELANCE_")}
        return {
            **plain, **given, **addresses, **self._outside,
            "RELANCE_PORT": port, "RELANCE_WORKER_PORT": worker_port,
        }  # fmt: skip

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Run a container's command."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "ops.cli", *OURS[name]["command"]],
                env=self.environment(name),
                cwd=ROOT,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.running.append(process)
        return process

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def stop(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait(60)
        self.running.clear()


def filled(value: str) -> str:
    """``${NAME:-default}`` as its default, a variable that must be set as a secret."""
    value = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
    return re.sub(r"\$\{\w+:\?[^}]*\}", "0123456789abcdef0123456789abcdef", value)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, postgres: str, broker: Broker) -> Iterator[Containers]:
    """Every service of the file, over the topics and schemas that its one-shots leave behind."""
    broker.create_topics(dict(TOPICS))
    found = Containers(tmp_path_factory.mktemp("containers"), postgres, broker.bootstrap)
    assert found.start("migrate").wait(240) == 0, found.log("migrate")
    for name in parts():
        found.start(name)
    yield found
    found.stop()


@pytest.mark.postgres
@pytest.mark.timeout(400)
@pytest.mark.parametrize("service", SERVICES)
def test_the_same_commands_run_as_plain_processes(started: Containers, service: str) -> None:
    api, worker = (next(name for name, one in parts().items() if one == (kind, service)) for kind in KINDS)
    for port, name in ((started.ports[service], api), (started.worker_ports[service], worker)):
        answers(f"http://127.0.0.1:{port}/ready", started, name)
        shown = httpx.get(f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {'m' * 32}"})
        assert f'relance_ready{{service="{service}"}} 1.0' in shown.text
        assert httpx.get(f"http://127.0.0.1:{port}/metrics").status_code == 401
    says("worker_started", started, worker)


def answers(url: str, containers: Containers, name: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"{name} does not answer at {url}:\n{containers.log(name)[-2000:]}")


def says(word: str, containers: Containers, name: str) -> None:
    deadline = time.monotonic() + 120
    while word not in containers.log(name):
        if time.monotonic() > deadline:
            pytest.fail(f"{name} never said {word}:\n{containers.log(name)[-2000:]}")
        time.sleep(0.1)


@pytest.mark.apache_kafka
@pytest.mark.timeout(400)
def test_the_topics_are_made_on_a_cluster(tmp_path: Path, apache_kafka: Any) -> None:
    containers = Containers(tmp_path, "postgresql://nobody@127.0.0.1/none", apache_kafka.bootstrap)

    assert containers.start("topics").wait(120) == 0, containers.log("topics")
    assert f"{len(TOPICS)} topics are there" in containers.log("topics")
