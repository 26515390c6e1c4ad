"""`acd explain`: the command. Exit code 2 where the question cannot be answered; one line says why."""

import sys
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
from rich.console import Console

from acd.explain import refold, tables, times, words
from acd.explain.source import CannotExplain, FactsFileSource, Source
from acd.model import AgentId, OfferId
from acd.router import facts as f
from acd.router.explanation import AgentExplanation, Explanation

MISTAKE = 2
WIDTH = 140
"""Where nobody watches, lines are this long at most."""
LISTED = 20


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for on the command line."""

    call: str | None
    at: str | None
    offer: str | None
    agent: str | None
    as_json: bool


@click.command("explain")
@click.argument("call", metavar="[CALL]", required=False)
@click.option(
    "--facts", "facts_path", type=click.Path(path_type=Path), required=True, envvar="ACD_FACTS", show_envvar=True,
    help="The file that acd run --facts writes.",
)  # fmt: skip
@click.option("--at", metavar="TIME", help="Why it waits at that time: 10:02:11, or with its day, or milliseconds.")
@click.option("--offer", metavar="ID", help="Why this offer was made, instead of the call's last one.")
@click.option("--agent", metavar="AGENT", help="Why not this agent. Without CALL: why this agent has nothing to do.")
@click.option("--json", "as_json", is_flag=True, help="For machines; times in milliseconds since 1970, UTC.")
def command(facts_path: Path, **asked: str | bool | None) -> None:
    """Say why a call went to whom it went, or why it waits.

    CALL is the id of a call, or the number or the channel of a caller. Every agent is told with a reason, and the work
    before and after it; and it is said where this release would choose otherwise.
    """
    source = FactsFileSource(facts_path)
    try:
        _answer(source, msgspec.convert(asked, Asked))
    except CannotExplain as why:
        click.echo(f"acd: {why}", err=True)
        sys.exit(MISTAKE)


def _answer(source: Source, asked: Asked) -> None:
    if asked.call is None and asked.offer is None:
        if asked.agent is None:
            raise CannotExplain("name a call, --offer or --agent")
        _print_agent(source, asked, AgentId(asked.agent))
        return
    if asked.offer is not None and asked.at is not None:
        raise CannotExplain("an offer has its own moment: name --offer or --at")
    known = None if asked.call is None else _known(source, asked.call)
    story = None if known is None else known.story
    if asked.offer is not None:
        found = refold.explain_offer(source, OfferId(asked.offer))
        if story is not None and found.work.call != story.call:
            raise CannotExplain(f"offer {asked.offer} is one of call {found.work.call}, not of {story.call}")
    else:
        assert known is not None, "a call or an offer was named"
        at_ms = None if asked.at is None else refold.moment_of_call(*known, asked.at)
        found = refold.explain_call(source, known.story, at_ms)
    _print_call(source, asked, found, story)


class Known(NamedTuple):
    """A call, and how far its journal reaches."""

    story: refold.Story
    extent: refold.Extent


def _known(source: Source, name: str) -> Known:
    """The one call of that name."""
    stories, refusals, extents = refold.find(source, name)
    if len(stories) == 1:
        return Known(stories[0], extents[stories[0].journal])
    if stories:
        listed = "\n".join(f"  {_line(story)}" for story in stories[-LISTED:])
        left_out = f", the last {LISTED}" if len(stories) > LISTED else ""
        raise CannotExplain(f"there are {len(stories)} calls of {name}{left_out}; name one by its id:\n{listed}")
    if refusals:
        raise CannotExplain(_refused(name, refusals[-1]))
    raise CannotExplain(f"there is no call with the id, the number or the channel {name}{refold.missing(source)}")


def _refused(name: str, refusal: f.CallRefused) -> str:
    *passed_on, last = refusal.via or (f.Hop(refusal.queue, refusal.reason),)
    way = f" (passed on by {', '.join(f'{hop.queue}: {hop.reason}' for hop in passed_on)})" if passed_on else ""
    when = times.day_and_clock(refusal.at_ms)
    return f"the call on {name} was refused at {when}, in queue {last.queue}: {refusal.reason}{way}"


def _line(story: refold.Story) -> str:
    agents = ", ".join(tried.agent for tried in story.offers) or "nobody"
    when = times.day_and_clock(story.queued_at_ms)
    queues = " → ".join(story.queues)
    return f"{story.call}  {when}  {queues}  {words.caller(story.caller)}  offered to {agents}"


def _print_call(source: Source, asked: Asked, found: Explanation, story: refold.Story | None) -> None:
    about = None if asked.agent is None else AgentId(asked.agent)
    if about is not None:
        found = refold.only(found, about)
    if asked.as_json:
        _print_json(found)
    else:
        tables.show(_console(), tables.of_call(found, story, times.clock_of(found.work.since_ms), about))
    _warn(source)


def _print_agent(source: Source, asked: Asked, agent: AgentId) -> None:
    found = refold.explain_agent(source, agent, asked.at)
    if asked.as_json:
        _print_json(found)
    else:
        tables.show(_console(), tables.of_agent(found, times.clock_of(found.at_ms), times.day_and_clock(found.at_ms)))
    _warn(source)


def _print_json(found: Explanation | AgentExplanation) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=WIDTH)


def _warn(source: Source) -> None:
    if source.gaps:
        click.echo(f"acd: not everything could be read{refold.missing(source)}", err=True)
