"""What each sentence of a script does: the list of all of them, in the order of the guide (`acd lab words`).

Who acts does it at a phone; what is expected is waited for, five seconds where nothing else is said.
"""

import asyncio
from typing import Final

from acd.lab.scenario.acts import agents, calling, faults, hearing, phones, queues
from acd.lab.scenario.acts.said import Said
from acd.lab.scenario.script import Step
from acd.lab.scenario.stage import Failed, Stage
from acd.telephony.sip import NothingHappened

CHAPTERS: Final = (calling.CHAPTER, phones.CHAPTER, hearing.CHAPTER, agents.CHAPTER, queues.CHAPTER, faults.CHAPTER)
ACTS: Final = [act for chapter in CHAPTERS for act in chapter.acts]
SHAPES: Final = [act.shape for act in ACTS]
DO: Final = {act.shape: act.do for act in ACTS}
IN_THE_LAB_ALONE: Final = (
    hearing.hears_fallback,
    faults.restart_asterisk,
    faults.pause_asterisk,
    faults.continue_asterisk,
)


async def play(stage: Stage, step: Step) -> None:
    """Do what the step says. Raises `Failed`."""
    if step.after_s:
        await asyncio.sleep(step.after_s)  # a person takes that time
    try:
        await DO[step.shape](stage, Said(stage, step.words))
    except NothingHappened as error:
        raise Failed(step.text, str(error)) from None


def only_in_the_lab(step: Step) -> bool:
    """Whether an operator's own Asterisk must be spared this, or cannot do it."""
    do = DO[step.shape]
    says_more = step.words.keys() & {"number", "wishes"}
    return do in IN_THE_LAB_ALONE or (do is calling.call_queue and bool(says_more))
