"""Run `make fuzz`: atheris searches inputs that break the invariants of parsing and of SMTP sessions.

Each target runs in its own process, one after the other. Inputs that reach new code are kept
in .fuzz/<target>/ for the next run. tests/fuzz/corpus/<target>/ holds the permanent inputs and
is never written.
"""

import argparse
import logging
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
FOUND_INPUTS = HERE.parents[1] / ".fuzz"
TARGETS = {"parse": "reading", "dialogue": "dialogue"}
LONGEST = {
    "parse": 16_384,
    "dialogue": 4_096,
}  # bytes of an input: coverage is slow, and large inputs are in the tests
TIME_LIMIT = 1.0  # seconds of CPU for one input, without tracing
TRACING_FACTOR = 4  # tracing makes it at most so many times slower
MISSING = """mailbot fuzz: there is no atheris for this Python ({version}) or this kind of machine.
It is a wheel for Python 3.11 to 3.14 on x86-64 Linux: make fuzz PYTHON=/path/to/one of those.
Nothing else needs it: `make test` replays the kept corpus anyway."""


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    arguments.add_argument("--seconds", type=int, default=120, help="for all targets together")
    arguments.add_argument("--target", choices=TARGETS, action="append", help="only this one")
    arguments.add_argument("--replay", type=Path, nargs="+", metavar="FILE", help="run the target on files")
    arguments.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    targets = options.target or list(TARGETS)
    logging.disable(logging.CRITICAL)  # the store of the sessions fails on purpose
    if options.child:
        return fuzz(targets[0], options.seconds)
    if options.replay:
        return replay(targets, options.replay)
    try:
        import atheris  # noqa: F401
    except ImportError:
        print(MISSING.format(version=sys.version.split()[0]), file=sys.stderr)
        return 1
    results = [_run(target, max(1, options.seconds // len(targets))) for target in targets]
    return max(results)


def _run(target: str, seconds: int) -> int:
    """Run a target in its own process, since libFuzzer ends the one that it runs in."""
    print(f"--- {target}: {seconds} s, from {len(list((HERE / 'corpus' / target).iterdir()))} kept inputs")
    command = ["-m", "tests.fuzz", "--child", "--target", target, "--seconds", str(seconds)]
    code = subprocess.run([sys.executable, *command], cwd=HERE.parents[1], check=False).returncode
    crashes = sorted(FOUND_INPUTS.glob(f"{target}-*"))
    for file in crashes:
        print(f"{target}: broken by {file.relative_to(FOUND_INPUTS.parent)}", file=sys.stderr)
    if crashes:
        print(
            f"Look with `make fuzz ARGS='--target {target} --replay FILE'`; once fixed, move the file to "
            f"tests/fuzz/corpus/{target}/ under a name that describes it.",
            file=sys.stderr,
        )
    return 1 if code or crashes else 0


def fuzz(target: str, seconds: int) -> int:
    """Run a target in the fuzzer. It does not return: libFuzzer exits."""
    import atheris

    with atheris.instrument_imports(include=["mailbot", "aiosmtpd", "flufl.bounce"]):
        run = function(target)
    inputs = FOUND_INPUTS / target
    inputs.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={int(TIME_LIMIT * TRACING_FACTOR * 5)}",  # wall clock, which other processes use too
        f"-max_len={LONGEST[target]}",
        f"-artifact_prefix={FOUND_INPUTS}/{target}-",
        f"-dict={HERE / target}.dict",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    atheris.Setup(
        [sys.argv[0], *options, str(inputs), str(HERE / "corpus" / target)],
        lambda data: timed(run, data, TIME_LIMIT * TRACING_FACTOR),
    )
    atheris.Fuzz()
    return 0


def replay(targets: list[str], files: list[Path]) -> int:
    for target in targets:
        run = function(target)
        for file in files:
            timed(run, file.read_bytes(), TIME_LIMIT)
            print(f"{target}: {file} breaks nothing")
    return 0


def function(target: str):  # type: ignore[no-untyped-def]
    name = TARGETS[target]
    return getattr(import_module(f"tests.fuzz.{name}"), name)


def timed(run, data: bytes, limit: float) -> None:  # type: ignore[no-untyped-def]
    """Run the target. Raises AssertionError when it takes longer than `limit` seconds of CPU."""
    started = time.process_time()
    run(data)
    spent = time.process_time() - started
    assert spent < limit, f"took {spent:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
