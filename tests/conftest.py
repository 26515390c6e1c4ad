"""What every test may ask for."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Documents that are drawn from the code are compared with it; this writes them anew instead."""
    parser.addoption(
        "--rewrite-transcripts",
        action="store_true",
        help="write tests/scenarios and docs/agent-states.md as the core is today, to be reviewed as a diff",
    )


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    """Whether what was drawn is to be written instead of compared."""
    return bool(request.config.getoption("--rewrite-transcripts"))
