"""One class for each kind of error that the user can fix: what is wrong, where, and what to do next.

The command line prints these without a traceback. Anything else that is raised is a bug of ours.
"""


class UserError(Exception):
    """An error that the user can fix.

    Args:
        problem: what is wrong, naming the file, the key or the value.
        remedy: the next command or edit; printed on a line of its own.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(f"{problem}\n  -> {remedy}" if remedy else problem)
        self.problem, self.remedy = problem, remedy


class SettingsError(UserError):
    """params.yaml, or an option on the command line, holds a key or a value that does not fit."""


class MissingDataError(UserError):
    """Data that a stage needs is missing, or cannot be obtained without the user's help."""


class BadDataError(UserError):
    """A file is not what its format says: unreadable, mislabelled, cut off."""


class DownloadError(UserError):
    """An archive could not be fetched, or differs from what the table of sources states."""


class StorageError(UserError):
    """A file cannot be written or read: the disk is full or read-only, or permission is missing."""


class CheckpointError(UserError):
    """A checkpoint or weights file is damaged, or belongs to other settings or another model."""


class TrainingError(UserError):
    """A training stopped for a reason that the user can act on."""


class RunBusyError(UserError):
    """Another process is writing to the same run."""
