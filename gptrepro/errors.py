"""The one exception that a user is meant to read."""


class GptreproError(Exception):
    """A mistake or an outage that one sentence explains, with what to do about it.

    The command line prints the message without a traceback and exits with ``exit_status``; any other
    exception is a defect of ours and keeps its traceback.
    """

    exit_status = 1
    """What the command line exits with."""


TIME_IS_UP = 75
"""Exit status of a command that stopped because its time was up: sysexits.h's "try again later"."""


class StorageError(GptreproError):
    """The disk refused to write: nothing that is tried in place of what failed would do better."""
