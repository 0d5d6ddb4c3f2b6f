"""`make fuzz`: atheris looks for inputs that break what must hold of reading and of the dialogue.

Each target runs in a process of its own, one after the other. What they learn is kept in .fuzz/<target>/ and
taken up again by the next run; tests/fuzz/corpus/<target>/ holds what is kept for good, and is never written.
"""

import argparse
import logging
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
LEARNT = HERE.parents[1] / ".fuzz"
TARGETS = {"parse": "reading", "dialogue": "dialogue"}
LONGEST = {
    "parse": 16_384,
    "dialogue": 4_096,
}  # bytes of an input: coverage is slow, and bombs stand in tests
SLOW = 1.0  # seconds of our own CPU that one input may take (promised of any mail), without the tracing
TRACING = 4  # times slower, at most, than without
MISSING = """mailbot fuzz: there is no atheris for this Python ({version}) or this kind of machine.
It is a wheel for Python 3.11 to 3.14 on x86-64 Linux: make fuzz PYTHON=/path/to/one of those.
Nothing else needs it: `make test` replays the kept corpus anyway."""


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    arguments.add_argument("--seconds", type=int, default=120, help="for all targets together")
    arguments.add_argument("--target", choices=TARGETS, action="append", help="only this one")
    arguments.add_argument("--replay", type=Path, nargs="+", metavar="FILE", help="run the target on files")
    arguments.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    wanted = arguments.parse_args()
    targets = wanted.target or list(TARGETS)
    logging.disable(logging.CRITICAL)  # what the journal tells of a store that shall fail
    if wanted.child:
        return fuzz(targets[0], wanted.seconds)
    if wanted.replay:
        return replay(targets, wanted.replay)
    try:
        import atheris  # noqa: F401
    except ImportError:
        print(MISSING.format(version=sys.version.split()[0]), file=sys.stderr)
        return 1
    results = [_run(target, max(1, wanted.seconds // len(targets))) for target in targets]
    return max(results)


def _run(target: str, seconds: int) -> int:
    """In a process of its own, since libFuzzer ends the one that it runs in."""
    print(f"--- {target}: {seconds} s, from {len(list((HERE / 'corpus' / target).iterdir()))} kept inputs")
    command = ["-m", "tests.fuzz", "--child", "--target", target, "--seconds", str(seconds)]
    code = subprocess.run([sys.executable, *command], cwd=HERE.parents[1], check=False).returncode
    found = sorted(LEARNT.glob(f"{target}-*"))
    for each in found:
        print(f"{target}: broken by {each.relative_to(LEARNT.parent)}", file=sys.stderr)
    if found:
        print(
            f"Look with `make fuzz ARGS='--target {target} --replay FILE'`; once mended, move the file to "
            f"tests/fuzz/corpus/{target}/ under a name that says what it was.",
            file=sys.stderr,
        )
    return 1 if code or found else 0


def fuzz(target: str, seconds: int) -> int:
    """Never returns but by way of libFuzzer's own exit."""
    import atheris

    with atheris.instrument_imports(include=["mailbot", "aiosmtpd", "flufl.bounce"]):
        run = function(target)
    learnt = LEARNT / target
    learnt.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={int(SLOW * TRACING * 5)}",  # of the wall clock, which others use too
        f"-max_len={LONGEST[target]}",
        f"-artifact_prefix={LEARNT}/{target}-",
        f"-dict={HERE / target}.dict",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    atheris.Setup(
        [sys.argv[0], *options, str(learnt), str(HERE / "corpus" / target)],
        lambda data: timed(run, data, SLOW * TRACING),
    )
    atheris.Fuzz()
    return 0


def replay(targets: list[str], files: list[Path]) -> int:
    for target in targets:
        run = function(target)
        for file in files:
            timed(run, file.read_bytes(), SLOW)
            print(f"{target}: {file} breaks nothing")
    return 0


def function(target: str):  # type: ignore[no-untyped-def]
    name = TARGETS[target]
    return getattr(import_module(f"tests.fuzz.{name}"), name)


def timed(run, data: bytes, limit: float) -> None:  # type: ignore[no-untyped-def]
    """Runs the target; AssertionError when it took longer than `limit` seconds of CPU."""
    begun = time.process_time()
    run(data)
    spent = time.process_time() - begun
    assert spent < limit, f"took {spent:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
