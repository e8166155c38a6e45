"""One class per kind of user mistake; each message says what is wrong, where, and what to do next.

The command line prints these without a traceback. Anything else that is raised is a defect of ours.
"""


class UserError(Exception):
    """Something that the user can mend.

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
    """Data that a stage needs is not there, or cannot be had without the user's help."""


class BadDataError(UserError):
    """A file of a data set is not what its official format says: unreadable, mislabelled, cut off."""


class DownloadError(UserError):
    """An archive could not be fetched, or what came is not what the table of sources promises."""


class StorageError(UserError):
    """A file cannot be written or read: the disk is full or read-only, or permission is missing."""


class CheckpointError(UserError):
    """A checkpoint or weights file is damaged, or belongs to other settings or another model."""


class TrainingError(UserError):
    """A training stopped for a reason that the user can act on."""
