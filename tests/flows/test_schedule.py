"""What `prefect.yaml` schedules, in the nights in which clocks are put forward and back."""

import asyncio
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from prefect.server.schemas.schedules import CronSchedule

ROOT = Path(__file__).parents[2]
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
SCHEDULES = [
    pytest.param(schedule, id=each["name"])
    for each in DEPLOYMENTS
    for schedule in each.get("schedules") or ()
]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("month", [3, 10])
def test_no_night_is_left_out_and_none_comes_twice(schedule: dict[str, str], month: int) -> None:
    cron = CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
    dates = asyncio.run(cron.get_dates(5, start=datetime(2026, month, 20, tzinfo=UTC)))
    hours = {(after - before).total_seconds() / 3600 for before, after in pairwise(dates)}
    assert hours == {7 * 24 if schedule["cron"].endswith("6") else 24}
