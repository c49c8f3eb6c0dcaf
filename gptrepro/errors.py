"""The one exception that a user is meant to read."""


class GptreproError(Exception):
    """A mistake or an outage that one sentence explains, with what to do about it.

    The command line prints the message without a traceback and exits with status 1; any other
    exception is a defect of ours and keeps its traceback.
    """


class StorageError(GptreproError):
    """The disk refused to write: nothing that is tried in place of what failed would do better."""
