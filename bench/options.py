"""What the benchmarks' command lines have in common: options that are refused in one line, and a quiet end."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path


def positive(text: str) -> int:
    """A whole number, 1 or more, for ``argparse``."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def folder(text: str) -> Path:
    """A folder that is there."""
    if not (path := Path(text)).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return path


def new_file(text: str) -> Path:
    """A file that can be written once all is measured."""
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text} cannot be a file: there is a folder, or none to put it in")
    return path


def run_main(main: Callable[[], None]) -> None:
    """Run a benchmark; Ctrl-C ends it in a word, with 130."""
    try:
        main()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
