"""docs/routing.md: its rules, and under each of them the tests that cite it."""

import re
import textwrap
from pathlib import Path

WIDTH = 120
ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "routing.md"
RULE = re.compile(r"^\*\*(R\d+)\. .+?(?=\n\n)", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"^Shown by .+?(?=\n\n)\n\n", re.MULTILINE | re.DOTALL)


def _tests() -> dict[str, str]:
    """The transcripts by their names, the modules of tests by their paths."""
    told = [path for room in ("scenarios", "explain") for path in sorted((ROOT / "tests" / room).glob("*.txt"))]
    transcripts = {path.stem: path.read_text() for path in told}
    here = [
        path for room in ("router", "explain", "guard") for path in sorted((ROOT / "tests" / room).glob("test_*.py"))
    ]
    modules = {str(path.relative_to(ROOT)): path.read_text() for path in here if path != Path(__file__)}
    return transcripts | modules


def _redrawn(document: str) -> str:
    """The document with the tests of today under each rule."""
    tests = _tests()

    def with_tests(match: re.Match[str]) -> str:
        citing = [f"`{name}`" for name, text in tests.items() if re.search(rf"\b{match[1]}\b", text)]
        shown = textwrap.fill(f"Shown by {', '.join(citing)}.", WIDTH, break_on_hyphens=False, break_long_words=False)
        return f"{match[0]}\n\n{shown}"

    return RULE.sub(with_tests, SHOWN.sub("", document))


def test_document_lists_the_tests_that_cite_its_rules(rewrite: bool) -> None:
    document = DOCUMENT.read_text()
    if rewrite:
        DOCUMENT.write_text(_redrawn(document))
    else:
        assert _redrawn(document) == document, f"{DOCUMENT.name} is out of date; see --rewrite-transcripts"


def test_rules_are_numbered_in_order_and_none_twice() -> None:
    numbers = [match[1] for match in RULE.finditer(DOCUMENT.read_text())]
    assert numbers == sorted(set(numbers), key=lambda number: int(number[1:]))


def test_every_rule_is_cited_by_a_test() -> None:
    assert "Shown by ." not in DOCUMENT.read_text()


def test_transcripts_cite_rules_and_only_ones_that_exist() -> None:
    rules = {match[1] for match in RULE.finditer(DOCUMENT.read_text())}
    for name, text in _tests().items():
        cited = set(re.findall(r"\bR\d+\b", text))
        assert cited <= rules, f"{name} cites {cited - rules}"
        assert cited or name.endswith(".py"), f"{name} cites no rule"
