"""Records of what was measured: running, writing, publishing, finding, and telling when one is stale."""

from gptrepro.results.record import DataUsed, Hardware, Record, Run, read_record
from gptrepro.results.runner import fetch_data, obtain, progress_of, run_experiment, run_experiments
from gptrepro.results.store import (
    local_record,
    publish,
    published_record,
    published_records,
    renewal,
    stale_reason,
)

__all__ = [
    "DataUsed",
    "Hardware",
    "Record",
    "Run",
    "fetch_data",
    "local_record",
    "obtain",
    "progress_of",
    "publish",
    "published_record",
    "published_records",
    "read_record",
    "renewal",
    "run_experiment",
    "run_experiments",
    "stale_reason",
]
