"""Bring Kafka's jars ahead of time, or say whether this machine can run it.

`fetch` fills the cache; `check` says yes or no with a reason; `pin` prints the checksums of what Maven brings now, for
whoever changes the version (the output is `jars.sha256`).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from ops.servers.kafka import jars
from ops.servers.processes import ServerFailed


def main(arguments: list[str]) -> int:
    """Do what the one word says; 0 when it was done."""
    word = arguments[0] if len(arguments) == 1 else ""
    try:
        if word == "fetch":
            print(jars.fetch())
        elif word == "check":
            verdict = jars.available(timeout=0)
            print(verdict.reason)
            return 0 if verdict.yes else 1
        elif word == "pin":
            with tempfile.TemporaryDirectory() as temporary:
                jars.download(Path(temporary), timeout=600)
                for name, checksum in jars.checksums(Path(temporary)).items():
                    print(f"{checksum}  {name}")
        else:
            print("usage: python -m ops.servers.kafka fetch | check | pin", file=sys.stderr)
            return 2
    except ServerFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
