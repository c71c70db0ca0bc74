"""What every verb is given: the global options, and what they lead to."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from service.settings import Settings
    from storage.model import Feed


@dataclass
class Context:
    """The global options, wherever on the command line they stood; settings and feeds are read when first asked for."""

    env_file: Path | None = None
    data: Path | None = None
    feeds_file: Path | None = None
    quiet: bool = False
    verbose: int = 0
    json: bool = False
    color: str = "auto"
    has_reader: bool = True
    """Whether somebody still reads standard output."""

    @cached_property
    def settings(self) -> "Settings":
        """The settings. Raises SettingsError, all problems in one."""
        from service.settings import load

        return load(
            self.env_file,
            data_dir=self.data,
            feeds_file=self.feeds_file,
            log_level="debug" if self.verbose > 1 else None,
        )

    @property
    def given(self) -> dict[str, str]:
        """The settings that options set, by name, and which option each."""
        said = {"data_dir": ("--data", self.data), "feeds_file": ("--feeds", self.feeds_file)}
        options = {name: option for name, (option, value) in said.items() if value is not None}
        return options | ({"log_level": "-vv"} if self.verbose > 1 else {})

    @cached_property
    def catalogue_path(self) -> Path | None:
        """The feeds file in use: named, or ./feeds.toml; None where the shipped catalogue serves."""
        from service.settings import catalogue_path

        return catalogue_path(self.settings)

    @cached_property
    def feeds(self) -> "tuple[Feed, ...]":
        """The feeds of the catalogue in use, disabled ones included. Raises SettingsError."""
        from service.catalogues import load

        return load(self.catalogue_path)

    @cached_property
    def out(self) -> "Console":
        """Standard output, for data."""
        return self._console(stderr=False)

    @cached_property
    def err(self) -> "Console":
        """Standard error, for messages."""
        return self._console(stderr=True)

    def say(self, message: str | None) -> None:
        """A message for a person, on standard error, unless ``--quiet``; None says nothing."""
        if message is not None and not self.quiet:
            self.err.print(message, markup=False, highlight=False, soft_wrap=True)

    def emit(self, value: object) -> None:
        """One line of data on standard output: text as it is, anything else as a JSON line."""
        if sys.stdout is None:  # closed by whoever started us: nobody wants to read it
            return
        line = value if isinstance(value, str) else _as_json(value, sys.stdout.encoding)
        try:
            # written past rich, which would wrap and colour; flushed, so that a reader sees each line when it happens
            try:
                sys.stdout.write(f"{line}\n")
            except UnicodeEncodeError:  # a terminal of few characters
                encoding = sys.stdout.encoding
                sys.stdout.write(f"{line.encode(encoding, 'backslashreplace').decode(encoding)}\n")
            sys.stdout.flush()
        except BrokenPipeError:
            # whoever read has seen enough (`… | head`): the work goes on, without a word
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self.has_reader = False

    def time(self, moment: "datetime | None", form: str = "%Y-%m-%d %H:%M") -> str:
        """A moment as a person is shown it: in the time zone of the settings, which is named; nothing for None."""
        return f"{moment.astimezone(ZoneInfo(self.settings.timezone)):{form} %Z}" if moment else ""

    def _console(self, *, stderr: bool) -> "Console":
        from rich.console import Console

        console = Console(
            stderr=stderr,
            force_terminal={"auto": None, "always": True, "never": False}[self.color],
            no_color=True if self.color == "never" else None,
        )
        if not console.is_terminal:
            console.width = 1_000  # who reads a pipe wants lines whole, not folded at column 80
        return console


def _as_json(value: object, encoding: str) -> str:
    """A value on a line of JSON, in characters that ``encoding`` has: any other is written as its escape."""
    import orjson

    line = orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS).decode()
    try:
        line.encode(encoding)
    except UnicodeEncodeError:
        import json

        return json.dumps(json.loads(line), separators=(",", ":"))
    return line


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value:
        setattr(ctx.ensure_object(Context), str(param.name), value)


class _NamedPath(click.Path):
    """A path that says something: an empty one would be the current directory, and come of a variable not set."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("it is empty", param, ctx)
        return super().convert(value, param, ctx)


def _global_options() -> list[click.Option]:
    path = _NamedPath(path_type=Path, readable=False)  # who may not read is told by what tries to

    def option(*names: str, **rest: Any) -> click.Option:
        return click.Option(names, expose_value=False, callback=_remember, **rest)

    return [
        option("--env-file", type=path, metavar="FILE", help="Read settings from FILE instead of ./.env."),
        option("--data", type=path, metavar="DIR", help="The data directory (VEILLE_DATA_DIR)."),
        option("--feeds", "feeds_file", type=path, metavar="FILE", help="The feeds to watch (VEILLE_FEEDS_FILE)."),
        option("-q", "--quiet", is_flag=True, default=None, help="Only errors."),
        option("-v", "--verbose", count=True, help="More messages; twice for all."),
        option("--json", is_flag=True, default=None, help="Print JSON Lines."),
        option(
            "--color", type=click.Choice(["auto", "always", "never"]), help="When to colour; NO_COLOR is respected."
        ),
    ]


class Verb(click.Command):
    """A command that takes the global options too, so that they may stand before or after the verb."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for option in _global_options():
            option.hidden = True
            self.params.append(option)

    def invoke(self, ctx: click.Context) -> Any:
        """Run it. Raises ServiceError in place of an error that click would end the process for without a word."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            from service.errors import ServiceError
            from service.logs import where

            raise ServiceError(f"a pipe to another process was closed, in {where(error)}") from None


class Verbs(click.Group):
    """A group of verbs, with the global options."""

    command_class = Verb

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_global_options())


Verbs.group_class = Verbs
pass_context: Callable[..., Any] = click.make_pass_decorator(Context, ensure=True)
