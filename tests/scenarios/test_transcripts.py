"""Every transcript says what the core says today; `pytest --rewrite-transcripts` writes them anew."""

from pathlib import Path

import pytest

from acd.testing.transcripts import WrongTranscript, rewritten

TRANSCRIPTS = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_core_speaks_as_the_transcript_says(path: Path, rewrite: bool) -> None:
    text = path.read_text()
    spoken = rewritten(text)
    if rewrite:
        path.write_text(spoken)
    else:
        assert spoken.splitlines() == text.splitlines(), f"{path.name} differs; see --rewrite-transcripts"


START = "# Title\nA story.\n\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("A story.\n", "line 1: a transcript begins with its title"),
        ("# Title\n\n10:00:00.000 > time passes\n", "line 2: after the title comes the story"),
        (START + "given ana dances\n", r"line 4: 'ana dances' is not understood; allowed are\n  time passes"),
        (START + "10:00:00.000 > time passes\n9:00 time passes\n", "line 5: '9:00 time passes' is not understood"),
        (
            START + "10:00:01.000 > time passes\n10:00:00.000 > time passes\n",
            "line 5: time does not go back from 10:00:01",
        ),
        (START + "10:00:01.000 > time passes\ngiven time passes\n", "line 5: what is given comes before all else"),
        (
            START + "given queue sales is configured: ring 15 m\n",
            "line 4: .*'15 m' is no time: write `15 s` or `500 ms`",
        ),
        (START + "given queue sales is configured: rong 15 s\n", "line 4: .*'rong 15 s' is not one of: ring, wrap-up"),
        (START + "10:00:00.000 > ana's leg answers\n", "line 4: .*ana was offered nothing yet"),
        (
            START + "10:00:00.000 > server a reports: cats\n",
            "line 4: .*'cats' is nothing that a server reports: write `n",
        ),
    ],
)
def test_wrong_line_is_named_with_what_is_allowed(text: str, complaint: str) -> None:
    with pytest.raises(WrongTranscript, match=complaint):
        rewritten(text)


def test_facts_in_a_transcript_are_rewritten_and_comments_are_kept() -> None:
    text = START + "10:00:00.000 > queue sales is configured\n             < Nonsense\n-- and so on\n"
    facts = "             < QueueConfigured settings=sales\n"
    assert rewritten(text) == START + "10:00:00.000 > queue sales is configured\n" + facts + "-- and so on\n"
