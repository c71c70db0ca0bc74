"""The command line: verbs, one module per group. What is heavy is imported inside the verb, so that help is quick."""

import click

from service import __version__
from service.cli.archive import show
from service.cli.context import Verbs
from service.cli.crawl import crawl, run
from service.cli.doctor import doctor
from service.cli.feeds import feeds
from service.cli.rescope import dedup, export
from service.cli.seal import seal
from service.cli.start import demo, init
from service.cli.stats import stats
from service.cli.status import status
from service.cli.verify import verify


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit: 0 ok, 1 bug, 2 usage, 3 some feeds failed, 4 all failed, 10 no archive, 12 damage found, "
    "74 storage error, 75 locked by another process, 78 bad settings, 130/143 interrupted.",
)
@click.version_option(__version__, prog_name="veille")
def veille() -> None:
    """Keep watch over news feeds and keep every article, once, for good."""


for verb in (init, crawl, run, feeds, status, show, stats, verify, seal, dedup, export, doctor, demo):
    veille.add_command(verb)
