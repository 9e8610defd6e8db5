"""Plants one bug in memory and lets storms loose on it, in an interpreter of its own."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from ops.simulation.bugs import BUGS, ROOT, Bug


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one planted bug."""

    bug: Bug
    seed: int | None
    storms: int
    how: str

    @property
    def missed(self) -> bool:
        """Neither found nor argued redundant."""
        return self.seed is None and not self.bug.redundant

    @property
    def line(self) -> str:
        """For people."""
        if self.seed is not None:
            return f"{self.bug.name}: found by seed {self.seed} ({self.how[:140]})"
        if self.bug.redundant:
            return f"{self.bug.name}: not found in {self.storms} storms, redundant: {self.bug.redundant}"
        return f"{self.bug.name}: NOT FOUND in {self.storms} storms"


def hunt(storms: int, *, only: Sequence[str] = (), processes: int | None = None) -> Iterator[Verdict]:
    """Each bug in its own interpreter, as many side by side as there are cores; redundant ones get fewer storms."""
    bugs = [bug for bug in BUGS if not only or bug.name in only]
    with ThreadPoolExecutor(processes or os.cpu_count() or 1) as pool:
        yield from pool.map(lambda bug: _hunt_one(bug, storms), bugs)


def _hunt_one(bug: Bug, storms: int) -> Verdict:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "ops.simulation.planted", bug.name, str(storms)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    if done.returncode != 0:
        message = f"{bug.name} could not be planted: {done.stderr[-800:]}"
        raise RuntimeError(message)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Verdict(bug=bug, seed=found["seed"], storms=storms, how=found["how"])


class _Planter(importlib.abc.MetaPathFinder):
    """Loads the bug's module with the bug in it."""

    def __init__(self, bug: Bug) -> None:
        self._bug = bug

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """Everything else is found as ever."""
        if name != self._bug.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(name, spec.origin, self._bug)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, origin: str, bug: Bug) -> None:
        super().__init__(name, origin)
        self._bug = bug

    def get_code(self, fullname: str) -> CodeType:
        """Compiled anew: nothing of it is ever kept."""
        del fullname
        source = Path(self.path).read_text(encoding="utf-8")
        return compile(self._bug.planted(source), self.path, "exec")


def _main(name: str, storms: int) -> None:
    bug = next(bug for bug in BUGS if bug.name == name)
    sys.meta_path.insert(0, _Planter(bug))
    from ops.simulation import running  # noqa: PLC0415 - only now may the product be imported

    running.quiet()
    seed, how = None, ""
    try:
        for number in range(storms):
            lived = running.live_through(number)
            if lived.violations:
                seed, how = number, lived.violations[0]
                break
    except RuntimeError as error:  # wrong even without a storm
        seed, how = -1, str(error)
    sys.stdout.write(json.dumps({"seed": seed, "how": how}) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
