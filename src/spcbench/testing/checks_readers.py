"""What every reader promises: `sniff(head, path) -> bool` and `read(path) -> Table`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spcbench.errors import InputError

if TYPE_CHECKING:
    from spcbench.plugin import Reader

MISSING = "no-such-file-for-spcbench"


def sniffs_without_opening_the_file(reader: Reader) -> None:
    """`sniff` answers True or False from the first bytes and the name, whatever they are."""
    for head in (b"", b"\x00\xff\xfe", b"a,b\n1,2\n"):
        for suffix in (*reader.suffixes, ""):
            answer = reader.sniff(head, Path(MISSING + suffix))
            if not isinstance(answer, bool):
                raise AssertionError(
                    f"sniff() returned a {type(answer).__name__}, wanted True or False"
                )


def names_the_missing_file(reader: Reader) -> None:
    """`read` of a file that is not there raises `InputError` with the file's name."""
    for suffix in reader.suffixes or ("",):
        path = Path(MISSING + suffix)
        try:
            reader.read(path)
        except InputError as error:
            if path.name not in str(error):
                raise AssertionError(
                    f"its InputError does not name the missing file {path.name}: {error}"
                ) from error
        except Exception as error:
            raise AssertionError(
                f"a missing file must raise InputError, not {type(error).__name__}"
            ) from error
        else:
            raise AssertionError("it read a file that does not exist")


READER_PROMISES = (sniffs_without_opening_the_file, names_the_missing_file)
