"""What several commands share: how the files are named and read, and the folder that is written into."""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from retrain_core.errors import DataError, FileError
from retrain_core.types import (
    ExperimentSpec,
    Finding,
    ModelCard,
    Schema,
    SplitSettings,
    Stakes,
    Table,
    Task,
    Wishes,
)

if TYPE_CHECKING:
    from retrain_core.runs.store import Store

SHARE = "as a share: 0.005 is half a point of accuracy (for numbers: 0.5 %% of keep's error); log-loss counts double"
NUMBERS = (
    (
        "most-forgetting",
        "LOSS",
        "how much worse candidates may get on the old rows at most, as a share like that of --margin",
    ),
    ("most-seconds", "S", "how many seconds a training may take at most"),
    (
        "value",
        "MONEY",
        "worth of a prediction that is right instead of wrong; for numbers, of an absolute error smaller by 1",
    ),
    ("predictions-a-day", "N", "how many predictions are made a day"),
    ("days", "N", "how many days the next model is used"),
    ("hour-price", "MONEY", "price of an hour of the machine (0), in the same currency"),
)  # wishes that are one number, nothing by default
STAKES = ("value", "predictions_a_day", "days")  # options that are given together


def data_arguments(parser: argparse.ArgumentParser, *, old_required: bool) -> None:
    """Add the options that name the files and say how they are read."""
    parser.add_argument("--new", type=Path, required=True, help="the new data (CSV, Parquet or NPZ)")
    parser.add_argument(
        "--old", type=Path, required=old_required, help="the data the old model was trained on"
    )
    parser.add_argument(
        "--label", help="the label column, or several separated by commas; may be left out for NPZ"
    )
    parser.add_argument(
        "--columns",
        metavar="COL,COL",
        help="the columns that the model takes, in its order, if a file holds others too",
    )
    parser.add_argument(
        "--classes",
        metavar="NAME,NAME",
        help="the labels in the order of the model's outputs; behind them, labels that are new to it",
    )
    parser.add_argument(
        "--outputs",
        choices=("probabilities", "logits"),
        help="what the model's outputs are; scores with the border at 0 count as logits",
    )
    parser.add_argument("--task", choices=get_args(Task), help="what the model predicts")
    parser.add_argument(
        "--gaps",
        choices=("leave-out", "fill"),
        help="what becomes of rows with a missing or infinite input: left out, or filled in with the column's median",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write into")


def schema_of(
    options: argparse.Namespace, card: ModelCard, new: Table, old: Table | None, apart: Sequence[str]
) -> Schema:
    """Return how the files become arrays; the columns ``apart`` are no inputs unless the model needs them."""
    from retrain_core.data.typed import read_as

    said = {
        name: getattr(options, name) for name in ("label", "columns", "classes", "outputs", "task", "gaps")
    }
    return read_as(card, new, old, **said, apart=apart)


def experiment_of(
    store: Store, options: argparse.Namespace, id: str, split: SplitSettings, apart: Sequence[str]
) -> ExperimentSpec:
    """Return a new experiment of the store with the files that the options name.

    Args:
        store: Where it is kept.
        options: Name the files and say how they are read.
        id: Its id.
        split: How rows are held out.
        apart: Columns that are no inputs unless the model needs them.

    Raises:
        DataError: If the files do not fit the model; what is only doubtful is told on standard error.
    """
    from retrain_core.data import check, read_table
    from retrain_core.models import checked_card

    card = checked_card(options.model)
    paths = {"new": options.new, "old": options.old, "holdout": getattr(options, "holdout", None)}
    tables = {role: read_table(path) for role, path in paths.items() if path is not None}
    schema = schema_of(options, card, tables["new"], tables.get("old"), apart)
    tell_notes(*tables.values())
    for finding in check(card, schema, tables, split):
        if finding.status == "error":
            raise DataError(finding.title, finding.detail)
        if finding.status == "warning":
            tell(finding)
    refs = {role: store.add_file(path) for role, path in paths.items() if path is not None}
    spec = ExperimentSpec(
        id=id,
        name=options.new.stem,
        created=time.time(),
        model=store.add_file(options.model),
        new=refs["new"],
        old=refs.get("old"),
        holdout=refs.get("holdout"),
        schema=schema,
        split=split,
    )
    store.save_experiment(spec)
    return spec


def tell(finding: Finding) -> None:
    """Say on standard error what is doubtful."""
    print(f"note: {finding.title}. {finding.detail}", file=sys.stderr)


def tell_notes(*tables: Table) -> None:
    """Say on standard error what the readers noticed."""
    for table in tables:
        for note in table.notes:
            print(f"note: {note}", file=sys.stderr)


def make_folder(out: Path) -> None:
    """Make the folder that ``--out`` names, and see that it can be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()
    except OSError as error:
        why = "There is a file of that name" if isinstance(error, FileExistsError) else error.strerror
        raise FileError(f"--out {out} cannot be used as a folder.", f"{why}.", "Choose another.") from error


@contextlib.contextmanager
def writing(out: Path) -> Iterator[None]:
    """Tell what keeps a file from being written that ``--out`` names, or one in such a folder.

    Raises:
        FileError: In the place of an ``OSError``.
    """
    try:
        yield
    except OSError as error:
        why = f"{error.strerror or type(error).__name__}."
        raise FileError(
            f"--out {out} cannot be written.", why, "Free some room, or choose another."
        ) from error


def wish_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the user wants of the next model."""
    parser.add_argument(
        "--old-weight",
        type=float,
        default=0.5,
        help="weight of the old rows when candidates are weighed, 0 to 1 (%(default)s)",
    )
    parser.add_argument(
        "--score",
        metavar="NAME",
        help="what candidates are weighed by, such as auroc; else accuracy and log-loss, or the absolute error",
    )
    parser.add_argument(
        "--margin",
        type=float,
        default=Wishes.margin,
        help=f"the smallest difference that matters (%(default)s), {SHARE}",
    )
    for name, metavar, text in NUMBERS:
        parser.add_argument(f"--{name}", type=float, metavar=metavar, help=text)
    parser.add_argument(
        "--old-unseen", action="store_true", help="the old model was not trained on the rows of OLD"
    )


def wishes_of(options: argparse.Namespace, task: Task | None = None) -> Wishes:
    """Return what the user wants of the next model.

    Args:
        options: As typed.
        task: Kind of problem, once it is known: then a score that does not fit it is refused.

    Raises:
        DataError: If a wish is out of bounds.
    """
    from retrain_core.compare.measures import SCORES, deciding

    if not 0 <= options.old_weight <= 1:
        raise DataError(
            f"--old-weight is {options.old_weight}.", "It is a share.", "Give a number from 0 to 1."
        )
    for name in ("margin", "most_forgetting", "most_seconds", *STAKES, "hour_price"):
        value = getattr(options, name)
        if value is not None and not (
            value >= 0 and math.isfinite(value) and (value > 0 or name != "margin")
        ):
            raise DataError(
                f"--{name.replace('_', '-')} is {value}.",
                "It is a size.",
                "Give a number above 0." if name == "margin" else "Give 0 or more.",
            )
    for name in ("margin", "most_forgetting"):
        value = getattr(options, name)
        if value is not None and value > 1:
            raise DataError(
                f"--{name.replace('_', '-')} is {value}.", "It is a share.", "For half a point give 0.005."
            )
    known = deciding(task) if task else [name for name, score in SCORES.items() if score.decides]
    if options.score is not None and options.score not in known:
        raise DataError(
            f"--score is {options.score}.",
            f"For this task it can be {', '.join(known)}." if task else f"It can be {', '.join(known)}.",
            "Choose one of these.",
        )
    return Wishes(
        options.score,
        options.old_weight,
        options.margin,
        options.most_forgetting,
        options.most_seconds,
        not options.old_unseen,
        _stakes_of(options),
    )


def _stakes_of(options: argparse.Namespace) -> Stakes | None:
    """Return what a better model is worth, if that is said."""
    given = [getattr(options, name) for name in STAKES]
    missing = [
        f"--{name.replace('_', '-')}" for name, value in zip(STAKES, given, strict=True) if value is None
    ]
    if not missing:
        value, a_day, days = given
        return Stakes(value, a_day, days, options.hour_price or 0.0)
    if len(missing) < len(STAKES) or options.hour_price is not None:
        raise DataError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing.",
            "When training pays takes the value of a prediction, how many there are a day, and for how many days.",
            "Give all of them, or none.",
        )
    return None
