"""Run the bench with the Python named by BENCH_PYTHON, in an environment of its own that is kept."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.scenarios.harness import ROOT

CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "mailbot-bench"


def switch(words: Sequence[str]) -> None:
    """Go on in the wanted Python, if another one is wanted. It never returns then.

    How Python was built changes all figures: without PGO plain loops take a fifth longer.
    """
    wanted = os.environ.pop("BENCH_PYTHON", "")
    if wanted:
        python = str(_environment(wanted) / "bin" / "python")
        os.execv(python, (python, "-m", "tests.bench", *words))


def _environment(wanted: str) -> Path:
    """Return an environment with what mailbot needs; made at the first time and when that changes."""
    version = subprocess.run((wanted, "-VV"), capture_output=True, text=True, check=True).stdout
    needs = (ROOT / "pyproject.toml").read_text()
    place = CACHE / hashlib.sha256(f"{wanted}{version}{needs}{ROOT}".encode()).hexdigest()[:12]
    if not (place / "ready").exists():
        print(f"Making an environment of {wanted} in {place} (once) ...", flush=True)
        # Debian splits ensurepip off its Python: our own pip installs there.
        subprocess.run((wanted, "-m", "venv", "--clear", "--without-pip", str(place)), check=True)
        pip = (sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "-qq", "install")
        subprocess.run((*pip, "--editable", f"{ROOT}[postgres]"), check=True)
        (place / "ready").touch()
    return place
