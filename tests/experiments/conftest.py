"""An option that renews the committed smoke metrics."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--renew-smoke-metrics",
        action="store_true",
        help="write tests/experiments/smoke_metrics.json anew instead of comparing with it",
    )
