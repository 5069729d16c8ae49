"""Run benchmarks and write ``results.md``: each compares two ways side by side in one run, or measures a bar."""

from __future__ import annotations

import math
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

from retrain_core.machine import usable_cores
from tests.benchmarks import (
    checkpoint_cost,
    decisions,
    first_epoch,
    forecasts,
    frozen_trunk,
    gain_coverage,
    growth_plot,
    interval_coverage,
    kills,
    load,
    model_shift,
    peers_agree,
    quick_look,
    scale,
    shift_alarms,
    shift_coverage,
    shift_kinds,
    shift_page,
    shift_power,
    shift_speed,
    soak,
    throughput,
    time_alarms,
    warm_workers,
)
from tests.benchmarks.side import Side
from tests.benchmarks.three_strategies import WarmRunner

HERE = Path(__file__).parent
RESULTS = HERE / "results.md"
HEAD = """# Benchmarks

Times are medians of runs that take turns; a ratio is the quotient of medians. Made by `make bench`, or
`python -m tests.benchmarks NAME ...` for some of them; each section says when and on what.
"""
REPEATS = 5
CHECKPOINT_PAIRS = 21  # what is looked for is smaller than a run differs from the next
Times = list[tuple[float, float]]
out: list[str] = []
missed: list[str] = []  # bars of what the machine has to bear; the others tell theirs in the table


def main() -> None:
    """Run them all, or those whose names are given, and put what they say into ``results.md``."""
    for name in sys.argv[1:] or list(BENCHMARKS):
        out.clear()
        print(f"--- {name}", flush=True)
        BENCHMARKS[name]()
        title, *lines = out
        known = sections(RESULTS.read_text()) if RESULTS.exists() else {}
        known[name] = "\n".join([title.rstrip(), "", machine(), "", *lines]).strip()
        parts = [f"<!-- {name} -->\n{known[name]}\n" for name in BENCHMARKS if name in known]
        RESULTS.write_text("\n".join([HEAD, *parts]))
    if missed:
        sys.exit(f"Missed: {', '.join(missed)}.")


def sections(text: str) -> dict[str, str]:
    """Return what ``results.md`` holds of each benchmark."""
    found = re.split(r"<!-- (\w+) -->\n", text)[1:]
    return {name: section.strip() for name, section in zip(found[::2], found[1::2], strict=True)}


def machine() -> str:
    """Return when and on what a benchmark is run."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("tensorflow", "keras", "numpy"))
    return (
        f"{time.strftime('%Y-%m-%d')}, {usable_cores()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}, {versions}"
    )


def tell(line: str) -> None:
    """Print a line, and keep it for the file."""
    print(line, flush=True)
    out.append(line)


def medians(pairs: Times) -> tuple[float, float]:
    """Return the medians of both ways."""
    first, second = zip(*pairs, strict=True)
    return statistics.median(first), statistics.median(second)


def training() -> None:
    """An epoch of training, after the first."""
    tell("## An epoch of training: ours (one thread) against `fit`\n")
    tell("| network | ours, s | fit, s | ratio | bar | way | final loss, ours | final loss, fit |")
    tell("|---|---|---|---|---|---|---|---|")
    for kind, (_, _, bar) in throughput.KINDS.items():
        ours, fit = throughput.sides(kind)
        pairs = [(ours(), fit()) for _ in range(REPEATS + 1)][1:]
        mine, other = medians([(a[0], b[0]) for a, b in pairs])
        way = "compiled" if pairs[-1][0][2] else "plain"
        losses = " | ".join(f"{side[1]:.4f}" for side in pairs[-1])
        tell(f"| {kind} | {mine:.3f} | {other:.3f} | {other / mine:.1f} | {bar:g} | {way} | {losses} |")
        ours.close()
        fit.close()
    tell("")


def trunk() -> None:
    """Fine-tuning on a frozen trunk."""
    tell("## Fine-tuning the sample CNN for 20 epochs, all but the last layer frozen\n")
    ours, fit = frozen_trunk.sides()
    ours(), fit()
    mine, other = medians([(ours()[0], fit()[0]) for _ in range(3)])
    tell(f"Ours {mine:.2f} s, `fit` {other:.2f} s, ratio {other / mine:.1f} (bar: 8).\n")
    ours.close()
    fit.close()


def notebook() -> None:
    """The three strategies against a notebook."""
    tell("## Three strategies on the credit sample, from the start to the scored holdout\n")
    plain, warm = Side("tests.benchmarks.notebook"), WarmRunner()
    plain()
    mine, other = medians([(warm.three(), plain()[0]) for _ in range(REPEATS)])
    tell(
        f"Ours {mine:.2f} s (keep and the split included), a notebook {other:.2f} s: {mine / other:.2f} times (bar: 0.2).\n"
    )
    plain.close()
    warm.close()


def click() -> None:
    """Waiting times of somebody at the screen."""
    tell("## Waiting\n")
    warm = WarmRunner()
    seconds = statistics.median(first_epoch.click_to_epoch(warm) for _ in range(REPEATS))
    warm.close()
    ups = [first_epoch.app_up() for _ in range(REPEATS)]
    loaded = "TensorFlow is not loaded" if not any(found for _, found in ups) else "TENSORFLOW IS LOADED"
    tell(f"- From the click to the first finished epoch on the credit sample: {seconds:.2f} s (bar: 2).")
    tell(
        f"- From the command to the app's first answer: {statistics.median(s for s, _ in ups):.2f} s (bar: 3); {loaded}."
    )
    (first, warm_start), (second, cold_start) = warm_workers.ways().items()
    pairs = [(warm_start(), cold_start()) for _ in range(REPEATS)]
    mine, other = medians(pairs)
    tell(f"- From the start of a worker to its first event: {first} {mine:.3f} s, {second} {other:.2f} s.\n")


def growth() -> None:
    """Time and memory over the number of rows."""
    tell("## From 10 000 to 1 000 000 rows of 30 numbers (one epoch or pass, batch 32)\n")
    tell(
        "| strategy | rows | arrays on disk, MB | prepare, s | train, s | µs a training row | worker's own memory, MB |"
    )
    tell("|---|---|---|---|---|---|---|")
    warm = WarmRunner()
    with tempfile.TemporaryDirectory() as folder:
        throughput.network("Dense 64-32-1, batch 32", 0).save(Path(folder) / "model.keras")
        found = scale.grow(warm, Path(folder))
    for row in found:
        tell(
            f"| {row.strategy} | {row.rows:,} | {row.file_mb:,.0f} | {row.prepare_seconds:.2f} | {row.seconds:.2f} "
            f"| {row.seconds / (0.65 * row.rows) * 1e6:.1f} | {row.private_mb:,.0f} |"
        )
    warm.close()
    tell(
        "\nOwn memory counts the pages of mapped arrays that no other process has in use: "
        "with one worker, all it has read."
    )
    (HERE / "growth.svg").write_text(growth_plot.draw(found))
    tell("\n![time and memory over rows](growth.svg)\n")


def forecast() -> None:
    """Forecast against actual."""
    tell("## Forecast against actual\n")
    tell("| sample | strategy | forecast, s | actual, s | inside |")
    tell("|---|---|---|---|---|")
    warm = WarmRunner()
    found = forecasts.forecasts(warm, seeds=3)
    inside = 0
    for sample, strategy, estimate, actual in found:
        low, high = estimate.seconds
        hit = low <= actual.seconds <= high
        inside += hit
        tell(
            f"| {sample} | {strategy} | {low:.1f} to {high:.1f} | {actual.seconds:.1f} | {'yes' if hit else 'no'} |"
        )
    tell(f"\n{inside} of {len(found)} inside the range (bar: 9 of 10).\n")
    warm.close()


def kinds() -> None:
    """Kinds of made shifts told right."""
    tell("## Kinds of shift, 100 made shifts of each, 1 000 to 5 000 rows a side\n")
    found = list(shift_kinds.made_shifts(100))
    counts = shift_kinds.confusion(found)
    tell(f"| made | {' | '.join(shift_kinds.KINDS)} | cannot be told | right (bar: 90 %) |")
    tell("|---|" + "---|" * (len(shift_kinds.KINDS) + 2))
    for kind, share in shift_kinds.right(counts).items():
        taken = [str(counts[kind][other]) for other in (*shift_kinds.KINDS, None)]
        tell(f"| {kind} | {' | '.join(taken)} | {share:.0%} |")
    tell(
        "\n| what had not moved | made | p below 0.05 (bar: 5 % and three standard errors) | trials |\n|---|---|---|---|"
    )
    for (question, kind), (alarms, trials) in shift_kinds.false_alarms(found).items():
        tell(f"| {question} | {kind} | {alarms:.1%} | {trials} |")
    tell("")


def speed_of_shift() -> None:
    """Speed and memory of shift reports."""
    tell("## A whole shift report of 1 000 000 rows a side, 16 numbers and 4 texts\n")
    tell(
        "Ours takes all columns together as well; the peers only each column. Loading is not in the times.\n"
    )
    found = {item.who: item for item in shift_speed.race(1_000_000)}
    mine = found["ours"]
    tell("| who | seconds | times ours | bar |")
    tell("|---|---|---|---|")
    for who, item in found.items():
        bar = f"at least {shift_speed.BARS[who]:g}" if who in shift_speed.BARS else ""
        bar = "ours at most 3 times it" if who == "sort_and_count" else bar
        tell(f"| {who} | {item.seconds:.2f} | {item.seconds / mine.seconds:.2f} | {bar} |")
    tell(
        f"\nMemory: the data {mine.data / 1e6:,.0f} MB, a report {mine.memory / 1e6:,.0f} MB more at most: "
        f"{1 + mine.memory / mine.data:.2f} times the data (bar: 1.5). The data are both tables as pandas counts them; "
        "more is the peak of the process's resident memory during a report less what it held before.\n"
    )
    tell("| rows a side | seconds | µs a row / log2(rows) | memory beyond the data, MB |")
    tell("|---|---|---|---|")
    for item in shift_speed.growth():
        each = item.seconds / item.rows / math.log2(item.rows) * 1e6
        tell(f"| {item.rows:,} | {item.seconds:.2f} | {each:.3f} | {item.memory / 1e6:,.0f} |")
    tell("")


def alarms_of_shift() -> None:
    """False alarms of shift reports."""
    tell("## Alarms of whole shift reports without a shift, 50 columns and a label\n")
    tell("| rows | reports | alarms | share (bar: 5 %) | columns, label, concept, all together |")
    tell("|---|---|---|---|---|")
    total, alarmed = 0, 0
    for item in shift_alarms.all_sizes():
        total, alarmed = total + item.trials, alarmed + item.alarms
        rows = " against ".join(f"{rows:,}" for rows in item.rows)
        share = f"{100 * item.alarms / item.trials:.1f} %"
        tell(f"| {rows} | {item.trials:,} | {item.alarms} | {share} | {', '.join(map(str, item.parts))} |")
    tell(f"\nTogether {alarmed} of {total:,}: {100 * alarmed / total:.1f} %.\n")


def power_of_shift() -> None:
    """What shift reports find."""
    tell("## What shift reports find\n")
    share = shift_power.one_of_fifty(200)
    tell(f"- d = 0.3 in one of 50 columns, 1 000 rows a side: {100 * share:.1f} % of 200 (bar: 95 %).")
    share = shift_power.correlation(100)
    tell(
        f"- Correlation 0 to 0.5, equal marginals, 2 000 rows a side: {100 * share:.1f} % of 100 (bar: 95 %)."
    )
    column = shift_power.negligible()
    tell(f"- d = 0.01 at 1 000 000 rows a side: level {column.level}, “{column.summary}”\n")


def coverage_of_shift() -> None:
    """Coverage of intervals."""
    tell("## How often 95 % intervals of shift measures hold the true value\n")
    tell(
        "Width is in widths of an interval that knows the value's standard deviation; only cases with a shift.\n"
    )
    tell("| measure | cases | least | mean | most | mean width | cases below 93 % |")
    tell("|---|---|---|---|---|---|---|")
    found = list(shift_coverage.coverage())
    for name in dict.fromkeys(item.measure for item in found):
        cases = [item for item in found if item.measure == name]
        held = [item.coverage for item in cases]
        width = statistics.mean(item.width for item in cases if item.truth > 0)
        low = "; ".join(f"{item.case}: {item.coverage:.3f}" for item in cases if item.coverage < 0.93)
        tell(
            f"| {name} | {len(cases)} | {min(held):.3f} | {statistics.mean(held):.3f} | {max(held):.3f} "
            f"| {width:.2f} | {low or 'none'} |"
        )
    tell("")


def peers() -> None:
    """Our reckoning of other tools' verdicts against the tools."""
    tell("## What other tools would say, against what they say\n")
    peers_agree.main(tell)
    tell("")


def time_bands() -> None:
    """Bands of drift in time that are left without a shift."""
    tell("## Drift in time without a shift: tables in which any chunk leaves its band (aim: 5 %)\n")
    time_alarms.main(tell=tell)
    tell("")


def gains() -> None:
    """Coverage of what further rows bring."""
    tell("## Learning curves whose interval of the gain holds the true one (bar: 90 to 99 %)\n")
    gain_coverage.main(tell=tell)
    tell("")


def right_choices() -> None:
    """Recommendations against fresh rows."""
    tell(
        "## Is the recommendation right? Within 0.005 of accuracy or 0.01 of log-loss of the best on fresh rows\n"
    )
    tell(
        "Keep, fine-tune, incremental and full retrain, one seed; for regression 0.5 % of keep's absolute error or 0.01 of "
        "R2. Made worlds have 20,000 fresh rows a part, real rows 2,000 to 9,000.\n"
    )
    decisions.main(tell=tell)
    tell("")


def coverage_of_scores() -> None:
    """Coverage of the intervals of scores and of differences between candidates."""
    tell(
        "## Scores and differences whose 95 % interval holds that on 2,000,000 fresh rows (bar: 93 to 97 %)\n"
    )
    interval_coverage.main(tell=tell)
    tell("")


def model_view() -> None:
    """The shift as the old model sees it."""
    tell("## Steps of the loss (harder inputs, changed labels, unseen inputs) and worst regions\n")
    model_shift.main(tell=tell)
    tell("")


def other_visitors() -> None:
    """Another visitor's page meanwhile, and what is sent."""
    tell("## While a report is computed, another visitor's page; and what a page sends\n")
    tell(
        "| rows a side | report on the screen, s | another's page before, s | and meanwhile: median, most (bar: 1) | most sent, KB (bar: 500) |"
    )
    tell("|---|---|---|---|---|")
    for rows in (10_000, 1_000_000):
        found = shift_page.busy(rows)
        idle = statistics.median(found.idle)
        loads = (
            f"{statistics.median(found.loads):.2f}, {max(found.loads):.2f}" if found.loads else "too quick"
        )
        page = max(found.sent, key=lambda name: found.sent[name])
        tell(
            f"| {rows:,} | {found.measuring:.1f} | {idle:.2f} | {loads} | {found.sent[page] / 1000:.0f} ({page}) |"
        )
    tell("")


def quick_looks() -> None:
    """What a quick look finds, and what it takes."""
    tell(
        "## Quick look: the best it finds against all runs in full, on fresh rows (samples: on the holdout)\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        quick_look.main(Path(folder), tell=tell)
    tell("")


def killed() -> None:
    """What is left of runs after many kills."""
    tell("## Killed at random moments (bar: 500 kills, nothing lost, every run as if nothing had happened)\n")
    kills.main(tell=tell)
    tell("")


def under_load() -> None:
    """Fifty visitors and ten experiments at once."""
    tell("## Fifty visitors browse while ten experiments are started at once, on one server\n")
    missed.extend(load.main(tell=tell))
    tell("")


def hour_of_use() -> None:
    """An hour of simulated use."""
    tell("## An hour of use: memory, files, threads and processes\n")
    missed.extend(soak.main(tell=tell))
    tell("")


def checkpoints() -> None:
    """What checkpoints cost."""
    tell("## A run with checkpoints against the same without\n")
    tell(
        "| network | with, s | without, s | ratio (bar: 1.02) | checkpoints | writing them, s | share of the run |"
    )
    tell("|---|---|---|---|---|---|---|")
    for kind in checkpoint_cost.EPOCHS:
        keeps, none = checkpoint_cost.sides(kind)
        pairs = [(keeps(), none()) for _ in range(CHECKPOINT_PAIRS + 1)][1:]
        mine, other = medians([(a[0], b[0]) for a, b in pairs])
        writing, number = (statistics.median(a[place] for a, _ in pairs) for place in (1, 2))
        tell(
            f"| {kind} | {mine:.2f} | {other:.2f} | {mine / other:.3f} | {number:.0f} | {writing:.3f} | {writing / mine:.2%} |"
        )
        keeps.close()
        none.close()
    tell("")


BENCHMARKS: dict[str, Callable[[], None]] = {
    "training": training,
    "trunk": trunk,
    "notebook": notebook,
    "click": click,
    "growth": growth,
    "forecast": forecast,
    "kinds": kinds,
    "shift_speed": speed_of_shift,
    "shift_alarms": alarms_of_shift,
    "shift_power": power_of_shift,
    "shift_coverage": coverage_of_shift,
    "shift_page": other_visitors,
    "model_shift": model_view,
    "decisions": right_choices,
    "peers_agree": peers,
    "time_alarms": time_bands,
    "gain_coverage": gains,
    "interval_coverage": coverage_of_scores,
    "quick_look": quick_looks,
    "kills": killed,
    "load": under_load,
    "soak": hour_of_use,
    "checkpoints": checkpoints,
}

if __name__ == "__main__":
    sys.exit(main())
