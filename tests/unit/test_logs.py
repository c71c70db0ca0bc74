import json
from datetime import UTC, datetime

import pytest
import structlog

from service import logs
from service.settings import Settings


def test_a_log_line_is_one_line_of_json_whatever_a_feed_says(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(log_format="json"))
    structlog.get_logger().info(
        "archived", title="a\nb\x1b[2J\u202e", next_due=datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    )
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert told["title"] == "a\\nb\\x1b[2J\\u202e"
    assert told["next_due"] == "2026-11-23T08:00:00+00:00"
    assert told["level"] == "info"
