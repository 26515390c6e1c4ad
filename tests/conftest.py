"""What every test may ask for."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Documents that are drawn from the code are compared with it; this writes them anew instead."""
    parser.addoption(
        "--rewrite-transcripts",
        action="store_true",
        help="write tests/scenarios and docs/agent-states.md as the core is today, to be reviewed as a diff",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first: workers who take the next test each end together when the last ones are short."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    """Whether what was drawn is to be written instead of compared."""
    return bool(request.config.getoption("--rewrite-transcripts"))
