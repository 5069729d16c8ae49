"""What a model scores once its inputs are disturbed: loss and metric on held-out new rows, disturbed in many ways."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from retrain_core.diagnosis.disturb import DISTURBANCES, Disturbance, Facts, facts_of, kind_of
from retrain_core.diagnosis.sensitivity import change_interval, robustness
from retrain_core.files import write_atomic
from retrain_core.training import memory, models
from retrain_core.training.forward import Forward
from retrain_core.training.gradient import Gradient
from retrain_core.training.graph import input_structure, leaves
from retrain_core.training.job import Job
from retrain_core.training.objective import Objective
from retrain_core.training.observe import rows_of
from retrain_core.training.rows import CHUNK_BYTES, inputs_of, row_bytes
from retrain_core.training.scoring import metric_rows, refuse_no_number
from retrain_core.types import Dataset, Disturbed, RunResult, Schema, Sensitivity, to_json

MOST_ROWS, LEAST_ROWS = 2_000, 200
ROWS_BYTES = 512 * 1024**2  # of the rows that are held in memory
LAYERS_BYTES = 8 * 1024**3  # of all layers' outputs for all rows: a measure of how long a model computes
MOST_COLUMNS = 200  # that are disturbed one by one
MOST_REPEATS = 10  # permutations of a column; of many rows fewer are needed
KNOWN_ROWS = 5_000  # from which means, spreads and ranges are told
SEED = 0  # fixed: all models of an experiment are to see the same disturbed rows
STEPPING = ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "TimeDistributed")
LARGEST = float(np.finfo(np.float32).max)

Change = Callable[[int, NDArray[Any], slice], NDArray[Any]]


class Stopped(Exception):
    """Somebody asked the run to stop."""


@dataclass(frozen=True)
class Input:
    """One input of the model, and the rows that are disturbed.

    Args:
        name: As the model calls it.
        values: Of the chosen rows, undisturbed.
        facts: What is known of its values.
        columns: One a value of a row; empty if it has no columns.
        whole: Whether the model takes whole numbers.
    """

    name: str
    values: NDArray[Any]
    facts: Facts
    columns: tuple[str, ...]
    whole: bool

    def as_taken(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values in the type in which the model is given them."""
        if self.values.dtype.kind == "U":
            return values
        if not self.whole:
            return values.astype(np.float32, copy=False)
        if values.dtype.kind == "f":  # whole numbers stay exact
            values = np.rint(values)
        return values.astype(self.values.dtype, copy=False)


def measure_sensitivity(job: Job) -> RunResult:
    """Write what the model scores on disturbed held-out new rows to ``sensitivity.json``.

    The model is the one in the run folder's inputs: the old one, or a candidate's; ``spec.strategy`` names it.

    Raises:
        RunError: If its loss on the undisturbed rows is not a number.
    """
    probe = Probe(job)
    try:
        found = probe.measure()
    except Stopped:
        return replace(job.ended(job.cost()), status="stopped")
    write_atomic(job.folder / "sensitivity.json", to_json(found))
    return job.ended(job.cost())


class Probe:
    """One model and the rows that it is disturbed on.

    Args:
        job: The run folder, with a model and the data.
    """

    def __init__(self, job: Job) -> None:
        self._job, self._schema = job, job.schema
        self._model = models.load(job.model_path)
        self._objective, self._forward = Objective(job.model_path, job.schema), Forward(self._model)
        self.notes: list[str] = []
        self._rows = self._chosen(job.parts["new_holdout"])
        known = job.parts.get("old_train") or job.parts["new_train"]
        self._inputs = list(_inputs(self._model, job.schema, self._rows, known))
        floats = 4 * sum(int(np.prod(item.values.shape[1:])) for item in self._inputs)  # bytes of a row
        self._chunk = max(1, min(self._rows.rows, CHUNK_BYTES // floats))
        self._planned, self._done = 1, 0
        self._metric_name = "mae" if job.schema.task == "regression" else "accuracy"
        self._clean: NDArray[np.float64] = np.zeros(self._rows.rows)  # metric of each undisturbed row

    def measure(self) -> Sensitivity:
        """Return what the model scores, undisturbed and disturbed.

        Raises:
            Stopped: If somebody asked for it.
        """
        clean_rows = self._scored(self._outputs(_unchanged))
        refuse_no_number("the held-out new rows", *clean_rows)
        loss, metric = (float(values.mean()) for values in clean_rows)
        self._clean = clean_rows[1]
        gradient = self._find_gradient()
        together = {
            name: d for name, d in DISTURBANCES.items() if not d.single and self._reached(d, gradient)
        }
        single = {name: d for name, d in DISTURBANCES.items() if d.single and self._reached(d, gradient)}
        columns = list(_places(self._inputs))
        if len(columns) > MOST_COLUMNS:
            self.notes.append(
                f"Only the first {MOST_COLUMNS} of {len(columns):,} columns are disturbed one by one."
            )
        columns = columns[:MOST_COLUMNS]
        severities = sum(len(disturbance.severities) for disturbance in together.values())
        self._planned = severities + len(columns) * sum(
            len(d.severities) * self._repeats(n) for n, d in single.items()
        )
        points: list[Disturbed] = []
        for name, disturbance in together.items():
            points += self._all_columns(name, disturbance, gradient)
        for number, column in enumerate(columns):
            for name, disturbance in single.items():
                points += self._one_column(name, disturbance, column, number)
        for item in self._inputs:
            if item.facts.kind == "image":
                self.notes.append(
                    f"Pixels are taken to reach from {item.facts.low:g} to {item.facts.high:g}."
                )
        if any(point.loss >= LARGEST or point.metric >= LARGEST for point in points):
            self.notes.append(
                "On some disturbed rows the loss is not a number; it counts as the largest there is."
            )
        return Sensitivity(
            model=self._job.spec.strategy,
            rows=self._rows.rows,
            loss=loss,
            metric=metric,
            metric_name=self._metric_name,
            points=tuple(points),
            robustness=robustness(self._metric_name, metric, points),
            notes=tuple(self.notes),
            commonest=self._commonest(),
        )

    # --- what is disturbed --------------------------------------------------------------------

    def _chosen(self, data: Dataset) -> Dataset:
        """Return the rows to disturb: as many as fit in memory and can be computed in reasonable time."""
        fitting = ROWS_BYTES // max(1, row_bytes(list(data.inputs.values())))
        in_time = max(LEAST_ROWS, int(LAYERS_BYTES // max(1.0, memory.row_bytes(self._model))))
        most = max(1, min(MOST_ROWS, fitting, in_time))
        if most < min(MOST_ROWS, data.rows):
            self.notes.append(f"The model or its inputs are large, so {most:,} rows are disturbed.")
        rows = np.random.default_rng(SEED).permutation(data.rows)[:most]
        return rows_of(data, np.sort(rows))

    def _reached(self, disturbance: Disturbance, gradient: Gradient) -> list[int]:
        """Return the numbers of the inputs that a disturbance applies to."""
        able = [n for n, item in enumerate(self._inputs) if item.facts.kind in disturbance.kinds]
        return [n for n in able if n in gradient.reached] if disturbance.uphill else able

    def _find_gradient(self) -> Gradient:
        """Return the gradient to the inputs, and note those that it does not reach."""
        gradient = Gradient(self._model, self._objective)
        gradient.find(self._taken(_unchanged, slice(0, 1)), self._rows.targets[:1])
        missed = [item.name for n, item in enumerate(self._inputs) if n not in gradient.reached]
        if missed:
            self.notes.append(f"FGSM leaves {', '.join(missed)} as it is: no gradient reaches it.")
        return gradient

    def _repeats(self, name: str) -> int:
        """Return how often to repeat what is drawn at random; on few rows one permutation is luck."""
        return max(1, min(MOST_REPEATS, MOST_ROWS // self._rows.rows)) if name == "permuted" else 1

    # --- what it scores -----------------------------------------------------------------------

    def _all_columns(self, name: str, disturbance: Disturbance, gradient: Gradient) -> Iterator[Disturbed]:
        """Yield a score a severity, with all inputs disturbed that can be."""
        reached = self._reached(disturbance, gradient)
        pieces: list[list[NDArray[np.float32]]] = [[] for _ in disturbance.severities]
        for rows in self._slices():
            facts = [item.facts for item in self._inputs]
            if disturbance.uphill:
                signs = gradient.signs(self._taken(_unchanged, rows), self._rows.targets[rows])
                facts = [replace(known, uphill=signs.get(n)) for n, known in enumerate(facts)]
            for number, severity in enumerate(disturbance.severities):
                change = _everywhere(name, severity, facts, reached)
                pieces[number].append(self._forwarded(change, rows))
        for severity, outputs in zip(disturbance.severities, pieces, strict=True):
            self._tell(disturbance.title)
            yield self._point(name, severity, [np.concatenate(outputs)])

    def _one_column(
        self, name: str, disturbance: Disturbance, column: Column, number: int
    ) -> Iterator[Disturbed]:
        """Yield a score a severity, with one column disturbed."""
        places = [(n, at) for n, at in column.places if self._inputs[n].facts.kind in disturbance.kinds]
        if not places:
            return
        for severity in disturbance.severities:
            outputs = []
            for repeat in range(self._repeats(name)):
                self._tell(f"{disturbance.title}: {column.name}")
                now = {}
                for n, at in places:  # an equal generator for each: a column that feeds two inputs stays one
                    item = self._inputs[n]
                    rng = np.random.default_rng([SEED, zlib.crc32(name.encode()), number, repeat])
                    own = item.values.reshape(self._rows.rows, -1)[:, at]
                    facts = replace(item.facts, spread=np.ravel(item.facts.spread)[at])
                    now[n, at] = disturbance.apply(own, severity, facts, rng)
                outputs.append(self._outputs(_in_places(now)))
            yield self._point(name, severity, outputs, column.name)

    def _point(
        self, name: str, severity: float, outputs: list[NDArray[np.float32]], column: str = ""
    ) -> Disturbed:
        scores = [np.nan_to_num(self._scored(o), nan=LARGEST, posinf=LARGEST) for o in outputs]
        losses, metrics = np.stack(scores, axis=1)  # each (repeats, rows)
        interval = change_interval(metrics - self._clean, share=self._metric_name == "accuracy")
        return Disturbed(name, severity, float(losses.mean()), float(metrics.mean()), column, interval)

    def _commonest(self) -> float | None:
        """Return the share of the commonest class in the chosen rows, if each row has one class."""
        if self._schema.task not in ("binary", "multiclass"):
            return None
        counts = np.unique(self._rows.targets, return_counts=True)[1]
        return float(counts.max() / self._rows.rows)

    def _scored(self, outputs: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return loss and metric of each row."""
        wide = self._objective.widen(outputs)
        loss = self._objective.row_losses(self._rows.targets, wide)
        return loss, metric_rows(self._schema, self._rows, wide)

    def _outputs(self, change: Change) -> NDArray[np.float32]:
        return np.concatenate([self._forwarded(change, rows) for rows in self._slices()])

    def _forwarded(self, change: Change, rows: slice) -> NDArray[np.float32]:
        if self._job.should_stop():
            raise Stopped
        outputs = self._forward(self._taken(change, rows))[0]
        return outputs.astype(np.float32).reshape(len(outputs), -1)

    def _taken(self, change: Change, rows: slice) -> list[NDArray[Any]]:
        """Return some rows of every input, changed, as the model is given them."""
        return [
            item.as_taken(change(n, item.as_taken(item.values[rows]), rows))
            for n, item in enumerate(self._inputs)
        ]

    def _slices(self) -> Iterator[slice]:
        for start in range(0, self._rows.rows, self._chunk):
            yield slice(start, min(start + self._chunk, self._rows.rows))

    def _tell(self, label: str) -> None:
        self._job.report("progress", {"progress": min(1.0, self._done / self._planned), "label": label})
        self._done += 1


# --- changes: number of the input, its values in some rows, which rows -> its values then ------------


def _unchanged(number: int, values: NDArray[Any], rows: slice) -> NDArray[Any]:
    return values


def _everywhere(name: str, severity: float, facts: list[Facts], reached: list[int]) -> Change:
    """Return a disturbance of all values of the inputs that it reaches."""

    def change(number: int, values: NDArray[Any], rows: slice) -> NDArray[Any]:
        if number not in reached:
            return values
        rng = np.random.default_rng([SEED, zlib.crc32(name.encode()), number, rows.start])
        return DISTURBANCES[name].apply(values, severity, facts[number], rng)

    return change


def _in_places(now: Mapping[tuple[int, int], NDArray[Any]]) -> Change:
    """Return a change of single columns: by input and place, the values of all rows."""

    def change(number: int, values: NDArray[Any], rows: slice) -> NDArray[Any]:
        changed = {at: column for (n, at), column in now.items() if n == number}
        if not changed:
            return values
        flat = values.reshape(len(values), -1).copy()
        for at, column in changed.items():
            flat[:, at] = column[rows]
        return flat.reshape(values.shape)

    return change


# --- inputs ---------------------------------------------------------------------------------------


def _inputs(model: keras.Model, schema: Schema, rows: Dataset, known: Dataset) -> Iterator[Input]:
    """Yield the model's inputs in its order, with the chosen rows."""
    most = min(KNOWN_ROWS, max(1, ROWS_BYTES // max(1, row_bytes(list(known.inputs.values())))))
    sample = np.sort(np.random.default_rng(SEED).permutation(known.rows)[:most])
    bindings = {binding.input: binding for binding in schema.bindings}
    steps = any(_goes_by_steps(layer) for layer in leaves(model))
    tensors = keras.tree.flatten(input_structure(model))
    names = list(rows.inputs) if len(tensors) == 1 else [tensor.name for tensor in tensors]
    for name, tensor, values, others in zip(
        names, tensors, inputs_of(model, rows), inputs_of(model, known), strict=True
    ):
        columns = bindings[name].columns if name in bindings else ()
        named = len(columns) == int(np.prod(values.shape[1:]))
        kind = kind_of(tuple(tensor.shape[1:]), tensor.dtype, steps=steps, named=named)
        whole = tensor.dtype != "string" and not tensor.dtype.startswith(("float", "bfloat"))
        yield Input(
            name, values, facts_of(others[sample], kind), columns if named and kind != "image" else (), whole
        )


def _goes_by_steps(layer: Any) -> bool:
    name = type(layer).__name__
    return name in STEPPING or "1D" in name or "Attention" in name


@dataclass(frozen=True)
class Column:
    """A column, and where it stands: number of the input, and place among its values; one may feed several inputs."""

    name: str
    places: tuple[tuple[int, int], ...]


def _places(inputs: list[Input]) -> Iterator[Column]:
    found: dict[str, list[tuple[int, int]]] = {}
    for number, item in enumerate(inputs):
        for at, name in enumerate(item.columns):
            found.setdefault(name, []).append((number, at))
    for name, places in found.items():
        yield Column(name, tuple(places))
