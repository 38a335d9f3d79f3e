"""`spcbench expected`: records in, counts with the number expected of such cases out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from spcbench.case_mix import Expected
    from spcbench.plugin.host import PluginHost


@click.command(
    "expected",
    epilog=options.examples(
        "spcbench expected births.csv --outcome admitted --covariate ga_days "
        "--covariate births --unit-column trust_code --date-column birth_date "
        "--missing leave_out -o counts.csv",
        "spcbench funnel counts.csv --data-type ratio -o funnel.png",
    ),
)
@click.argument("records", type=options.FILE)
@click.option(
    "--outcome",
    required=True,
    metavar="NAME",
    help="Column that says whether it happened: 1, true or yes; 0, false or no; blank if unknown.",
)
@click.option(
    "--covariate",
    "covariates",
    multiple=True,
    required=True,
    metavar="NAME",
    help="Column that risk depends on. A column of numbers is a number, linear in the log odds; "
    "any other is a category. May be repeated.",
)
@click.option(
    "--category",
    "categories",
    multiple=True,
    metavar="NAME",
    help="Covariate whose numbers are codes, each a category of its own. May be repeated.",
)
@click.option(
    "--unit-column",
    required=True,
    metavar="NAME",
    help="Column of the records that names the hospital or trust.",
)
@options.date_column
@click.option(
    "--period",
    metavar="LENGTH",
    help="With --date-column what one point stands for: day, week, month (the default), quarter "
    "or year. Without it the first day of the one period that the records cover, such as "
    "2024-01-01.",
)
@click.option("--measure", metavar="NAME", help="What to call it; the outcome's name by default.")
@click.option(
    "--missing",
    default="refuse",
    show_default=True,
    metavar="HOW",
    help="What becomes of a record without a covariate: refuse stops; leave_out leaves it out and "
    "counts it, and so records without unit or date; unknown makes a category of it.",
)
@click.option(
    "--reference",
    type=options.FILE,
    metavar="FILE",
    help="Other records to fit the model on, such as the nation's or those of the years before. "
    "They need the outcome and the covariates.",
)
@options.date_format
@options.reader
@options.output_option("counts.csv or counts.parquet")
@click.pass_obj
def command(
    host: PluginHost,
    /,
    *,
    records: Path,
    reference: Path | None,
    reader: str | None,
    output: Path,
    **given: Any,
) -> None:
    """Count what happened, and what was to be expected.

    RECORDS has one row for each case. A logistic model of all records together
    says how likely the outcome was in each; the risks are added up by unit and
    period. Beside the counts stand the tables of the model: coefficients,
    calibration and method. Look at them before you trust what it expects.
    """
    import spcbench
    from spcbench.cli.count_command import table_bytes
    from spcbench.cli.inputs import print_advice
    from spcbench.cli.progress import stage
    from spcbench.writing import write_files

    parts = ("", "coefficients", "calibration", "method")
    files = options.beside(output, parts)
    sources = [records, *([reference] if reference else [])]
    options.check_tables(*files.values(), sources=sources)
    with stage(f"Reading {records.name}"):
        table = spcbench.read(records, reader=reader, host=host)
        other = None if reference is None else spcbench.read(reference, reader=reader, host=host)
    with stage("Fitting the model"):
        found = spcbench.expected_counts(table, reference=other, **given)
    for line in _told(found, basis=(reference or records).name):
        click.echo(line, err=True)
    print_advice(found.advice)
    tables = (found.counts, found.coefficients, found.calibration, _method(found, sources, given))
    written = zip(files.values(), tables, strict=True)
    for path in write_files({path: table_bytes(one, path) for path, one in written}):
        click.echo(path)


def _told(found: Expected, *, basis: str) -> Iterator[str]:
    """What the model rests on, how well it tells cases apart, and how well it hits their number."""
    yield (
        f"{basis}: {found.records:,} records, {found.events:,} of them with the outcome, and "
        f"{found.terms - 1} {'coefficient' if found.terms == 2 else 'coefficients'}"
    )
    yield f"Covariates: {', '.join(_covariates(found.coefficients))}"
    if found.c_statistic != found.c_statistic:  # NaN
        yield "Discrimination and calibration: none, because all cases counted have one outcome"
        return
    yield (
        f"Discrimination: c-statistic {found.c_statistic:.2f} (95 % interval "
        f"{found.c_statistic_lower_95:.2f} to {found.c_statistic_upper_95:.2f}); 0.5 is chance"
    )
    inside, groups = _inside(found.calibration)
    yield (
        f"Calibration: in {inside} of {groups} groups of rising risk the expected share lies "
        "within the 95 % interval of the observed share"
    )
    if found.calibrated_on == "other records":
        yield (
            f"  slope {_interval(found.calibration_slope, found.calibration_slope_error)}, 1 is "
            "right; intercept "
            f"{_interval(found.calibration_intercept, found.calibration_intercept_error)}, 0 is "
            "right"
        )
    else:
        yield (
            "  fitted on these same records, so on the whole expected and observed agree; in new "
            f"records expect a calibration slope of {found.shrinkage:.2f}, 1 is right"
        )


def _covariates(coefficients: pd.DataFrame) -> Iterator[str]:
    """Each covariate, and what it was taken for."""
    rows = coefficients.iloc[1:]
    for name, own in rows.groupby("term", sort=False):
        levels = own["level"].dropna()
        if levels.empty:
            yield f"{name} (number)"
        else:
            yield f"{name} (category of {len(levels)}, compared with {levels.iloc[0]!r})"


def _interval(estimate: float, error: float) -> str:
    return f"{estimate:.2f} ({estimate - 1.96 * error:.2f} to {estimate + 1.96 * error:.2f})"


def _inside(calibration: pd.DataFrame) -> tuple[int, int]:
    inside = calibration["expected_share"].between(calibration["lower_95"], calibration["upper_95"])
    return int(inside.sum()), len(calibration)


def _method(found: Expected, sources: list[Path], given: dict[str, Any]) -> pd.DataFrame:
    """How the numbers were made and from what, one row an entry."""
    import hashlib

    import pandas as pd

    from spcbench import __version__
    from spcbench.tables import SCHEMA_VERSION

    rows: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "generator": "spcbench"}
    rows["version"] = __version__
    for name, path in zip(("source", "reference"), sources, strict=False):
        with path.open("rb") as opened:
            rows[name] = path.name
            rows[f"{name}_digest"] = f"sha256:{hashlib.file_digest(opened, 'sha256').hexdigest()}"
    rows |= given
    rows |= {
        name: getattr(found, name)
        for name in type(found).__dataclass_fields__
        if isinstance(getattr(found, name), int | float | str)
    }
    told = {name: "; ".join(one) if isinstance(one, tuple) else one for name, one in rows.items()}
    words = ["" if pd.isna(one) else str(one) for one in told.values()]
    return pd.DataFrame({"name": list(rows), "value": words})
