"""Every explanation says what it says today; `pytest --rewrite-transcripts` writes them anew."""

from pathlib import Path

import pytest

from acd.explain.words import SAY
from acd.router import objections as o
from acd.testing.explanations import rewritten
from acd.testing.transcripts import WrongTranscript

EXPLANATIONS = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.mark.parametrize("path", EXPLANATIONS, ids=lambda path: path.stem)
def test_explanation_is_as_the_text_says(path: Path, rewrite: bool) -> None:
    text = path.read_text()
    told = rewritten(text)
    if rewrite:
        path.write_text(told)
    else:
        assert told.splitlines() == text.splitlines(), f"{path.name} differs; see --rewrite-transcripts"


TELLING = {
    o.Connected: "the caller speaks with ana",
    o.PickedUp: "cleo picked up at",
    o.RingsEnough: "it rings at ana",
    o.QueueRetired: "its queue takes no calls any more",
    o.QueueInDisorder: None,
    o.QueueLetsGo: None,
    o.ServerUnheard: "cannot be heard",
    o.Leaving: "is gone from the configuration",
    o.NotAssigned: "is not assigned to the queue",
    o.LoggedOut: "logged out of the queue since",
    o.Paused: "paused (lunch) since",
    o.Busy: "wrap-up (",
    o.NoPhone: "has no phone",
    o.OnDirectCall: "on a direct call since",
    o.Resting: "the phone could not be reached at",
    o.ChatsFull: "chats of at most",
    o.OfferedAlready: "is offered it already",
    o.RefusedIt: "declined this call",
    o.RefusedMany: "refused 8 calls of late",
    o.AnotherIsNamed: "the call asks for",
    o.TierNotOpen: "the call is open up to tier 1, to tier 2 from",
    o.SkillMissing: "german 3 < 5",
}
"""What shows that each objection is told in some text. `QueueInDisorder` and `QueueLetsGo` last for one
instant (tests/explain/test_moments.py)."""


@pytest.mark.parametrize("objection", list(SAY), ids=lambda objection: objection.__name__)
def test_every_objection_is_told_in_some_explanation(objection: type[o.Objection]) -> None:
    telling = TELLING[objection]
    answers = [line for path in EXPLANATIONS for line in path.read_text().splitlines() if line.lstrip().startswith("|")]
    assert telling is None or any(telling in line for line in answers), f"no explanation says {telling!r}"


START = "# Title\nA story.\n\ngiven queue sales is configured\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("A story.\n", "line 1: a title"),
        (START + "given ana dances\n", "line 5: 'ana dances' is not understood"),
        (START + "10:00:00.000 ? why ana/C1\n", "line 5: ana was never offered C1"),
        (START + "10:00:00.000 ? whence\n", "line 5: .* is neither given nor said nor asked"),
        (START + "10:00:00.000 ? why agent ana\n", "line 5: there is no agent ana at that time"),
    ],
)
def test_wrong_line_is_named(text: str, complaint: str) -> None:
    with pytest.raises(WrongTranscript, match=complaint):
        rewritten(text)
