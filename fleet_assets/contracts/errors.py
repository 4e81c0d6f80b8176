"""The one exception tree of the project.

    FleetError                       anything this project refuses, as one sentence for the person who must act
    +-- UsageError                   wrong use: an option, a setting, an unknown table (exit code 2)
    |   +-- SettingError             an environment setting that cannot be understood
    +-- DataError                    input that cannot be accepted (exit code 1)
    |   +-- FileRejected             a whole file: unreadable, of an unknown kind, without the needed columns
    |   +-- ContractViolation        a frame that does not have the columns, types or values its table declares
    |   +-- ReferenceInvalid         reference rows that do not hold together, each with its line number
    |   +-- ModelRefused             a stored model that was changed, is of other code, or was not written here
    +-- ServiceError                 Redis, a database or an object store that does not answer (exit code 1)
    +-- BuildFailed                  a materialisation that ended in failure (exit code 1)
    +-- BuildStopped                 a materialisation that somebody stopped (exit code 130)

What does not belong here: programming mistakes (they keep Python's own exceptions) and text formatting.
"""


class FleetError(Exception):
    """A refusal in one plain sentence; `exit_code` is what the command line returns for it."""

    exit_code = 1


class UsageError(FleetError):
    """The command, option or argument makes no sense as given."""

    exit_code = 2


class SettingError(UsageError):
    """An environment setting has a value that cannot be understood."""


class DataError(FleetError):
    """Input that cannot be accepted as it is."""


class FileRejected(DataError):
    """A whole file was refused; the files beside it are not affected."""

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = str(path)
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.path, self.reason)


SHOWN = 20
"""Problems in one sentence; the exception has all of them."""


def joined(problems: list[str]) -> str:
    """The first problems of many, with the count of the others."""
    more = f"; and {len(problems) - SHOWN:,} more" if len(problems) > SHOWN else ""
    return "; ".join(problems[:SHOWN]) + more


class ContractViolation(DataError):
    """A frame breaks the declared contract of its table."""

    def __init__(self, table: str, problems: list[str]) -> None:
        super().__init__(f"table {table}: {joined(problems)}")
        self.table = table
        self.problems = problems


class ReferenceInvalid(DataError):
    """Reference rows are wrong; `problems` holds one sentence per row."""

    def __init__(self, path: object, problems: list[str]) -> None:
        super().__init__(f"{path}: {joined(problems)}")
        self.path = str(path)
        self.problems = problems


class ModelRefused(DataError):
    """A stored model is not used; the sentence says why, and how to have one that is."""


class ServiceError(FleetError):
    """A service this project needs does not answer."""


class BuildFailed(FleetError):
    """A materialisation ended in failure."""


class BuildStopped(FleetError):
    """Somebody stopped a materialisation (Ctrl+C)."""

    exit_code = 130
