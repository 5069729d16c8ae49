"""The report as one file: complete, quiet on the network, and harmless."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from plotly.offline import get_plotlyjs

from retrain_core.compare import compare
from retrain_core.compare.basis_words import FIRST_SEED, no_rival
from retrain_core.compare.cost import break_even
from retrain_core.compare.cost_words import FADES, money, payoff_words
from retrain_core.compare.flips import flips
from retrain_core.compare.measures import SCORES
from retrain_core.compare.score_words import score_text
from retrain_core.data.doubts import SEEN
from retrain_core.diagnosis import WHISKERS
from retrain_core.figures.style import look_of
from retrain_core.report import answers, costs, error_charts, render
from retrain_core.report.content import ReportContent
from retrain_core.report.error_words import flip_words
from retrain_core.shift import shift_report
from retrain_core.shift.distribution import RARE
from retrain_core.types import Disturbed, Finding, Outcome, Stakes, Wishes
from tests.make import evidence_of
from tests.report.example import comparison, content, evidence, frames

EVIL = "<img src=x onerror=alert(1)>"
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """The document as a browser reads it: its elements, its scripts, the text of each section."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.sections: dict[str, list[str]] = {}
        self._inside: list[str] = []
        self._section = "head"
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "section":
            self._section = dict(attrs)["id"] or ""
        if tag not in VOID:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._inside and self._inside.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self._inside and self._inside[-1] == "script":
            self.scripts.append(data)
        elif self._inside and self._inside[-1] != "style":
            self.sections.setdefault(self._section, []).append(data)

    def text(self, section: str) -> str:
        return " ".join(" ".join(self.sections.get(section, [])).split())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def drawings(self) -> dict:
        return json.loads(self.scripts[0])["figures"]


def page(made: ReportContent) -> Page:
    return Page(render(made))


@pytest.fixture(scope="module")
def full() -> Page:
    return page(content(comparison()))


def test_plotly_is_in_the_file_once(full: Page) -> None:
    assert full.scripts.count(get_plotlyjs()) == 1
    assert len(full.scripts) == 3


def test_nothing_is_loaded_from_anywhere(full: Page) -> None:
    loading = {"src", "href", "srcset", "action", "data", "poster", "background", "formaction", "ping"}
    assert not [element for element in full.elements if loading & element[1].keys()]
    own = render(content(comparison())).replace(get_plotlyjs(), "")
    assert not re.findall(r"https?:|url\(|@import", own)


def test_the_policy_forbids_the_network_and_knows_both_scripts(full: Page) -> None:
    (policy,) = (m["content"] for m in full.named("meta") if m.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == rules["form-action"] == rules["base-uri"] == "'none'"
    assert set(rules["img-src"].split()) == {"data:", "blob:"}
    assert "connect-src" not in rules and "font-src" not in rules
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in full.scripts[1:]]
    assert rules["script-src"] == " ".join(f"'sha256-{value}'" for value in hashes)


def test_no_figure_can_end_the_script_element_it_is_in(full: Page) -> None:
    assert "\\u003cbr\\u003e" in full.scripts[0]
    assert not set("<>&") & set(full.scripts[0])


def test_charts_cannot_be_sent_to_plotly(full: Page) -> None:
    assert "showSendToCloud: false" in full.scripts[2]


def test_the_answer_comes_first_then_scores_then_the_rest(full: Page) -> None:
    assert list(full.sections) == [
        "head", "recommendation", "scores", "weighed", "tradeoff", "training", "cost", "shift", "volume", "sensitivity",
        "method", "glossary",
    ]  # fmt: skip
    assert [key for key in full.drawings if key.startswith(("scores", "trade", "curves", "cost", "eff"))] == [
        "scores-accuracy", "scores-loss", "tradeoff", "curves-loss", "curves-accuracy", "cost", "effects",
    ]  # fmt: skip


def test_the_recommendation_is_there_with_all_reasons(full: Page) -> None:
    answer = comparison().recommendation
    text = full.text("recommendation")
    assert answer.summary in text and ("not certain" in text) != answer.clear
    assert all(reason in text for reason in answer.reasons)
    assert answer.changes and answer.doubts
    assert all(sentence in text for sentence in (*answer.changes, *answer.doubts))
    assert f"The same choice in {100 * answer.stability:.0f} % of resamples of the rows and seeds." in text


def test_nobody_is_called_clear_who_has_no_rival() -> None:
    made = content(comparison())
    found = made.comparison.recommendation
    assert found is not None
    alone = dataclasses.replace(found, weighed={found.choice: found.weighed[found.choice]})
    said = page(
        dataclasses.replace(made, comparison=dataclasses.replace(made.comparison, recommendation=alone))
    )
    text = said.text("recommendation")
    assert no_rival(alone) in text and "✓ clear" not in text and "The same choice" not in text
    assert no_rival(found) == ""


def test_each_candidate_is_held_against_keep_and_against_the_others(full: Page) -> None:
    text = full.text("weighed")
    tables = [answers.weighed(comparison())]
    tables += [
        table for one in answers.differences(comparison(), None) for table in (one.against_keep, one.between)
    ]
    assert len(tables) == 1 + 2 * 4
    for row in (row for table in tables for row in table.rows):
        assert " ".join(row) in text


def test_every_score_of_the_task_is_in_it(full: Page) -> None:
    text, scores = full.text("scores"), comparison().strategies["incremental"].new
    for name, value in scores.items():
        assert SCORES[name].title in text and score_text(name, value) in text


def test_costs_are_there_with_the_front_and_without_stakes_nothing_pays(full: Page) -> None:
    text = full.text("cost")
    assert all(" ".join(row) in text for row in costs.costs(comparison()).rows)
    assert "energy (J)" in text and "no candidate beats another" in text and "When it pays" not in text
    assert "pareto" in full.drawings and not {"payoff", "tornado", "reliability"} & full.drawings.keys()


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_with_stakes_and_evidence_it_tells_when_it_pays_and_what_is_mixed_up(task) -> None:
    stakes = Stakes(value=0.01, a_day=1000, days=90, an_hour=40)
    made = content(comparison(seeds=1, task=task, stakes=stakes), evidence(seeds=1, task=task))
    found = page(made)
    payoff = break_even(made.evidence, made.comparison.strategies, stakes)["full_retrain"]
    text = found.text("cost")
    assert payoff_words("full_retrain", payoff) in text and money(payoff.net) in text and FADES in text
    assert {"payoff", "tornado"} <= found.drawings.keys()
    behind = {"binary": {"confusion-keep", "confusion-full_retrain", "roc-1", "precision-recall-1", "reliability"},
              "regression": {"residual-lines", "residual-histogram"}}[task]  # fmt: skip
    assert behind <= found.drawings.keys()


def test_rows_that_got_worse_and_better_are_counted_for_each_candidate() -> None:
    made = evidence()
    found = page(content(comparison(), made))
    for side in ("new", "old"):
        for name, one in flips(made, side).items():
            told = flip_words(look_of(name).title, one, numbers=False)
            assert told.endswith(" the other way round (mean of 3 seeds).") and told in found.text("errors")
        assert f"flips-{side}" in found.drawings
    numbers = page(content(comparison(task="regression"), evidence(task="regression"))).text("errors")
    assert "rows are much farther off" in numbers and error_charts.FAR in numbers


def test_what_is_forgotten_is_in_a_table() -> None:
    made = evidence()
    text = page(content(comparison(), made)).text("tradeoff")
    table = answers.forgotten(comparison(), made)
    assert table is not None and all(" ".join(row) in text for row in table.rows)


@pytest.mark.parametrize("seen", [True, False])
def test_how_it_was_measured_names_the_rows_that_are_weighed(seen: bool) -> None:
    plain = page(content(comparison(), evidence())).text("method")
    assert "on 640 new rows and 900 old rows. What was found" in plain
    runs = [
        dataclasses.replace(
            one, rows={**one.rows, **copied(one, "validation", "new"), **copied(one, "trained", "old")}
        )
        for one in evidence(seeds=1).outcomes
    ]
    made = evidence_of(*runs)
    text = page(content(compare(made, Wishes(old_seen=seen), "major"), made)).text("method")
    old = "old training rows, as the old model knows the old rows of the holdout" if seen else "old rows"
    assert f"on 1,280 new rows (the holdout and the validation rows) and 900 {old}. What was found" in text


def copied(run: Outcome, side: str, of: str) -> dict:
    return {f"{side}{name.removeprefix(of)}": rows for name, rows in run.rows.items() if name.startswith(of)}


def test_several_labels_have_their_reliability() -> None:
    made = evidence(seeds=1, task="multilabel")
    found = page(content(comparison(seeds=1, task="multilabel"), made))
    assert "reliability" in found.drawings and "confusion-keep" not in found.drawings


def test_what_stands_behind_the_scores_does_not_grow_with_the_rows() -> None:
    few, many = (
        error_charts.error_charts(content(comparison(seeds=1), evidence_of(*made)))
        for made in ([longer(run, times) for run in evidence(seeds=1).outcomes] for times in (1, 20))
    )
    sizes = [sum(len(chart.figure.to_json()) for chart in found) for found in (few, many)]
    assert abs(sizes[1] - sizes[0]) < 5_000


def longer(run: Outcome, times: int) -> Outcome:
    """Return a run with its rows so many times over."""
    return dataclasses.replace(
        run, rows={name: np.concatenate([rows] * times) for name, rows in run.rows.items()}
    )


@pytest.mark.parametrize("complete", [True, False])
def test_the_first_guess_is_a_sentence_and_its_points_and_the_measurement_stands_above(complete) -> None:
    made = dataclasses.replace(content(comparison(broken={"fine_tune": "It fell."})), complete=complete)
    guess, found = made.guess, page(made)
    text = found.text("shift")
    assert guess is not None and len(guess.points) == 3
    assert guess.lead in text and all(point in text for point in guess.points)
    if complete:
        assert "Fine-tune failed, so it was not measured." in guess.measured
        assert text.index(guess.measured) < text.index(guess.lead)
    else:
        assert not guess.measured and "Measuring decides." in text


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_the_numbers_are_those_of_the_comparison(task) -> None:
    scores = comparison(task=task)
    text = page(content(scores)).text("scores")
    for name, candidate in scores.strategies.items():
        for part in (candidate.new, candidate.old):
            assert f"{part['loss']:.4g}" in text
            assert (f"{100 * part['accuracy']:.1f} %" if task == "binary" else f"{part['mae']:.4g}") in text
        assert (f"{candidate.seconds:,.1f} s" in text) == (name != "keep")  # it has nothing to train
        assert f"{candidate.peak_memory_mb:,.0f} MB" in text
    delta = scores.strategies["full_retrain"].delta["new"][scores.metric.name]
    change = f"{100 * delta.value:+.1f} points" if task == "binary" else f"{delta.value:+.3g}"
    assert f"▲ {change.replace('-', '−')}" in text


def test_every_chart_has_words_beside_it(full: Page) -> None:
    charts = [e for e in full.named("div") if "data-chart" in e]
    assert {chart["data-chart"] for chart in charts} == set(full.drawings)
    assert all(len(chart["aria-label"]) > 30 and chart["role"] == "img" for chart in charts)


def test_how_it_was_measured_can_be_looked_up(full: Page) -> None:
    made, text = content(comparison()), full.text("method")
    for fact in (
        made.comparison.holdout.sha256, made.spec.new.sha256, made.spec.old.sha256, made.card.sha256, "0, 1, 2",
        "learning rate 0.001", "epochs 12", "keras 3.15.1", "New, holdout", *made.split.notes, "64 units, relu",
    ):  # fmt: skip
        assert fact in text


def test_what_is_doubtful_stands_beside_the_scores() -> None:
    made = content(comparison())
    doubt = Finding("warning", "640 held-out new rows tell little", "More would do.")
    found = page(dataclasses.replace(made, split=dataclasses.replace(made.split, warnings=(doubt,))))
    assert "640 held-out new rows tell little. More would do." in found.text("scores")


@pytest.mark.parametrize("case", ["told", "unseen", "no keep", "no keep, unseen"])
def test_that_the_old_model_has_seen_the_old_rows_is_told_once_at_most(case: str) -> None:
    broken = {"keep": "It fell."} if "no keep" in case else {}
    scores = compare(evidence(broken=broken), Wishes(old_seen="unseen" not in case), "major")
    made = content(scores)
    found = page(dataclasses.replace(made, split=dataclasses.replace(made.split, warnings=(SEEN,))))
    text = found.text("recommendation") + found.text("scores")
    assert text.count("has probably") == ("unseen" not in case)


def test_terms_that_occur_are_explained_and_others_are_not(full: Page) -> None:
    assert "Rows that no candidate trains on" in full.text("glossary")
    assert "in units of the label" not in full.text("glossary")


def test_several_labels_a_row_are_reported() -> None:
    made = content(comparison(task="multilabel"))
    old, new = (
        frame.assign(**{name: (frame["age"] > at).astype(int) for name, at in AGES.items()})
        for frame in frames("bought")
    )
    schema = dataclasses.replace(made.spec.schema, labels=tuple(AGES), classes=tuple(AGES), units=4)
    shift = shift_report(old, new, label=schema.labels, task="multilabel")
    made = dataclasses.replace(made, spec=dataclasses.replace(made.spec, schema=schema), shift=shift)
    found = page(made)
    assert {"label", "label-1", "label-2"} <= found.drawings.keys() and "label-3" not in found.drawings
    assert shift.label.summary in found.text("shift")
    assert "over 20, over 30, over 40, over 50" in found.text("method")
    assert "or share of right labels if a row has several" in found.text("glossary")


AGES = {f"over {age}": age for age in (20, 30, 40, 50)}


def test_classes_that_are_new_to_the_model_are_reported_apart() -> None:
    made = content(comparison())
    schema = dataclasses.replace(
        made.spec.schema, task="multiclass", units=2, classes=("no", "yes", "perhaps")
    )
    text = page(dataclasses.replace(made, spec=dataclasses.replace(made.spec, schema=schema))).text("method")
    assert "Classes no, yes" in text and "New to the model perhaps" in text


def test_hostile_names_stay_text() -> None:
    made = content(comparison(broken={"fine_tune": EVIL}), label=EVIL, name=f"</script>{EVIL}")
    made = dataclasses.replace(
        made,
        spec=dataclasses.replace(
            made.spec, note=EVIL, schema=dataclasses.replace(made.spec.schema, classes=(EVIL, "yes"))
        ),
        split=dataclasses.replace(made.split, notes=(EVIL,), warnings=(Finding("warning", EVIL, EVIL),)),
        comparison=dataclasses.replace(
            made.comparison, holdout=dataclasses.replace(made.comparison.holdout, labels={"new": {EVIL: 3}})
        ),
    )
    columns = [dataclasses.replace(c, name=EVIL) if c.name == "income" else c for c in made.shift.columns]
    made = dataclasses.replace(made, shift=dataclasses.replace(made.shift, columns=tuple(columns)))

    found = page(made)

    assert not found.named("img") and len(found.scripts) == 3
    assert not [a for _, a in found.elements if any(name.startswith("on") for name in a)]
    for section in ("head", "scores", "shift", "method"):
        assert EVIL in found.text(section)
    assert "<img" not in json.dumps(found.drawings)


def test_how_many_rows_of_each_part_have_each_label_stands_by_the_scores() -> None:
    made = content(comparison())
    labels = {"new": {"no": 210, "yes": 1430}, "old": {f"class {number}": 5 for number in range(15)}}
    holdout = dataclasses.replace(made.comparison.holdout, labels=labels)
    made = dataclasses.replace(made, comparison=dataclasses.replace(made.comparison, holdout=holdout))
    text = page(made).text("scores")
    assert "New part by label: no: 210; yes: 1,430." in text
    assert "Old part by label: class 0: 5;" in text and "class 11: 5 and 3 more." in text


def test_a_failed_strategy_says_why_and_the_rest_stands() -> None:
    text = page(content(comparison(broken={"fine_tune": "The model has no layer to train."}))).text("scores")
    assert "Fine-tune did not finish. The model has no layer to train." in text
    assert "Full retrain recommended" in text


def test_without_keep_there_is_no_recommendation_and_the_report_says_so() -> None:
    found = page(content(comparison(broken={"keep": "It fell."})))
    assert "There is no recommendation." in found.text("recommendation")
    assert '"Run again with other settings" on the Train page' in found.text("recommendation")
    assert "Keep did not finish. It fell." in found.text("scores")
    assert "▲" not in found.text("scores").split("Each score, ")[0]
    assert "The dotted line joins" in found.text("tradeoff")


def test_without_old_data_nothing_is_said_about_forgetting_or_shift() -> None:
    found = page(content(comparison(old=False)))
    assert "tradeoff" not in found.sections and not {"effects", "label"} & found.drawings.keys()
    assert "cannot be measured" in found.text("shift") and "old part" not in found.text("scores")


def test_rows_of_data_do_not_leave_the_house() -> None:
    made = content(comparison(seeds=1))
    old, new = frames("bought")
    secret = [f"person-{i}@example.com" if i % 3 else "south" for i in range(len(new))]
    shift = shift_report(old.assign(region="north"), new.assign(region=secret), label="bought")
    assert shift.columns[0].name == "region" and shift.columns[0].level == "major"
    html = render(dataclasses.replace(made, shift=shift))
    assert "@example.com" not in html and RARE in html


def test_the_size_does_not_grow_with_the_rows() -> None:
    made = content(comparison(seeds=1))
    old, new = (pd.concat([frame] * 20, ignore_index=True) for frame in frames("bought"))
    more = dataclasses.replace(made, shift=shift_report(old, new, label="bought", task="binary"))
    assert abs(len(render(more)) - len(render(made))) < 5_000


def test_the_same_content_makes_the_same_file() -> None:
    assert render(content(comparison(seeds=1))) == render(content(comparison(seeds=1)))


def test_what_each_model_bears_is_in_a_table(full: Page) -> None:
    text = full.text("sensitivity")
    for title in ("Keep", "Fine-tune", "Incremental", "Full retrain"):
        assert f"{title} 80.0 % 87" in text
    assert "not measured" not in text and {"sensitivity", "importance"} <= full.drawings.keys()


def test_disturbed_scores_have_intervals_and_what_stands_out_is_said() -> None:
    made = content(comparison())
    keep = made.sensitivities[0]
    points = (*keep.points, Disturbed("permuted", 1.0, 0.4, 0.85, "age", (0.03, 0.07)))
    odd = dataclasses.replace(keep, points=points, commonest=0.801)
    found = page(dataclasses.replace(made, sensitivities=(odd,)))
    text = found.text("sensitivity")
    assert "80.1 % of these rows are of the commonest class. Not clearly above that: keep (80.0 %)." in text
    assert "Without age, keep would do better on the new rows." in text and WHISKERS in text
    assert WHISKERS not in page(made).text("sensitivity")  # none is drawn of results without intervals


def test_what_more_rows_would_bring_and_the_machine_are_in_it(full: Page) -> None:
    curve = content(comparison()).learning_curves[0]
    volume = content(comparison()).volume
    assert volume and volume.summary in full.text("volume") and volume.summary not in full.text("shift")
    assert curve.summary in full.text("volume") and "volume-full_retrain" in full.drawings
    assert "Machine: 4 CPU cores, 16.0 GB of memory, Tesla T4." in full.text("method")


def test_what_was_not_measured_is_said_and_how_to_get_it() -> None:
    made = dataclasses.replace(
        content(comparison(broken={"incremental": "It fell."})),
        learning_curves=(),
        sensitivities=content(comparison()).sensitivities[:1],
        errors={("sensitivity", "full_retrain"): "Its outputs are no numbers."},
    )
    found = page(made)
    assert (
        "What more new rows would bring was not measured: the Diagnosis page of the app does it."
        in found.text("volume")
    )
    text = found.text("sensitivity")
    assert (
        "What disturbed rows cost Fine-tune was not measured: the Diagnosis page of the app does it." in text
    )
    assert "What disturbed rows cost Full retrain could not be measured. Its outputs are no numbers." in text
    assert "Incremental" not in text  # it has no model
    assert (
        "What the old model makes of the shift was not measured: the Shift page of the app does it."
        in found.text("shift")
    )
    text = page(dataclasses.replace(made, shift=None)).text("shift")
    assert "How the data has moved was not measured: the Shift page of the app does it." in text


def test_commands_stand_as_they_are_typed() -> None:
    made = content(comparison())
    lines = ("python -m retrain_core compare --columns 'a, <b>' --out result",)
    found = page(dataclasses.replace(made, commands=dataclasses.replace(made.commands, lines=lines)))
    assert lines[0] in found.text("method") and "It has no time limit." in found.text("method")


def test_it_stays_small() -> None:
    assert len(render(content(comparison(seeds=5)))) < 6_000_000


# --- several seeds --------------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", [1, 3])
def test_what_is_of_the_first_seed_and_what_is_a_mean_is_said_where_there_are_several(seeds: int) -> None:
    found = page(content(comparison(seeds=seeds), evidence(seeds=seeds)))
    several = seeds > 1
    assert found.text("sensitivity").count(FIRST_SEED) == 3 * several  # the table and both charts
    assert found.text("errors").count(FIRST_SEED) == several
    scores = found.text("scores")
    assert ("Each score, the mean over seeds, with its 95 % interval" in scores) == several
    for score in ("Accuracy", "Loss"):
        assert (f"{score} on the old part, mean over seeds, best first:" in scores) == several
    assert ("These are means over seeds." in found.text("tradeoff")) == several
    assert ("(means over seeds)" in found.text("cost")) == several
