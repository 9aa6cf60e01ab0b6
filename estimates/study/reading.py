"""Reading study files."""

import tomllib
from pathlib import Path

from pydantic import ValidationError

from estimates.errors import EstimatesError, StudyError, choices
from estimates.study.refusals import advice, field_named, foremost, line_of, translated
from estimates.study.whole import Study

LARGEST_FILE = 2_000_000
PACKAGED = Path(__file__).parent.parent / "studies"
FLAGSHIP = "dprk-shells-2024"


def packaged() -> dict[str, Path]:
    """The studies that come with the library, by name."""
    return {path.stem: path for path in sorted(PACKAGED.glob("*.toml"))}


def read(source: str | Path = FLAGSHIP) -> Study:
    """Read a study: a path to a TOML file, or the name of a packaged one.

    Raises
    ------
    StudyError
        With the file, line and field, what is allowed, and the remedy.

    Examples
    --------
    >>> read("dprk-shells-2024").fitted[0].says.seen
    Interval(low=6650.0, high=6750.0)
    """
    known = packaged()
    if isinstance(source, str) and source in known:
        return read_text(known[source].read_text(encoding="utf-8"), known[source].name)
    path = Path(source)
    if not (path.suffix or "/" in str(source)) and not path.exists():
        raise StudyError(
            f"unknown study {str(source)!r}",
            remedy=f"Give a path to a TOML file, or a packaged study. {choices(str(source), known)}",
        )
    return read_text(_text_of(path), str(path))


def _text_of(path: Path) -> str:
    try:
        if not path.is_file():
            missing = "is no file" if path.exists() else "does not exist"
            raise StudyError(missing, where=str(path), remedy="Give the path of a TOML study file.")
        if path.stat().st_size > LARGEST_FILE:
            raise StudyError(
                f"{path.stat().st_size:,} bytes",
                where=str(path),
                remedy=f"A study has at most {LARGEST_FILE:,}.",
            )
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise StudyError("not a text file", where=str(path), remedy="A study is TOML in UTF-8.") from None
    except OSError as error:
        raise StudyError(f"cannot be read: {error.strerror}", where=str(path)) from None


def read_text(text: str, name: str = "study") -> Study:
    """The study written in a TOML text; ``name`` stands for the file in errors."""
    if not text.strip():
        raise StudyError("the file is empty", where=name, remedy="Start one with: estimates new NAME")
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # an integer of 5,000 digits is a bare ValueError
        raise StudyError(f"not valid TOML: {error}", where=name, remedy=advice(text, str(error))) from None
    try:
        return Study.model_validate(document)
    except ValidationError as error:
        field = tuple(foremost(error)["loc"])
        refused: EstimatesError = translated(error, Study, document)
    except EstimatesError as error:
        field, refused = (), error
    line = line_of(text, field or field_named(refused.where, document))
    raise refused.at(f"{name}:{line}" if line else name)
