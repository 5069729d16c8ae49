"""Colours, dashes and words that all figures share."""

import plotly.graph_objects as go
import pytest

from retrain_core.compare.measures import SCORES
from retrain_core.compare.score_words import score_text
from retrain_core.figures.style import (
    FALLBACKS,
    LOOKS,
    NARROW,
    SCORE_TITLES,
    axis_format,
    base_layout,
    empty_figure,
    keep_first,
    look_of,
    on_dark,
    plain,
)
from retrain_core.strategies import STRATEGIES


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2.2 between two colours such as #808080."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_strategy_that_exists_has_a_look_of_its_own() -> None:
    looks = [look_of(name) for name in STRATEGIES]
    for value in ("title", "colour", "dash", "marker"):
        assert len({getattr(look, value) for look in looks}) == len(looks)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_colours_can_be_seen_on_light_and_dark_pages(look) -> None:
    assert contrast(look.colour, "#ffffff") >= 3
    assert contrast(look.on_dark or look.colour, "#14181d") >= 3


def test_an_unknown_strategy_always_looks_the_same_and_not_like_a_known_one() -> None:
    assert look_of("distil") == look_of("distil")
    assert (look_of("distil").colour, look_of("distil").dash, look_of("distil").marker) in FALLBACKS
    assert not {colour for colour, _, _ in FALLBACKS} & {look.colour for look in LOOKS.values()}


def test_keep_comes_first_and_the_others_stay_in_order() -> None:
    assert keep_first(["b", "a", "keep", "c"]) == ["keep", "b", "a", "c"]


def test_dark_pages_get_the_lighter_blue_everywhere_and_the_figure_is_left_alone() -> None:
    blue = LOOKS["fine_tune"]
    figure = go.Figure(
        go.Scatter(y=[1], marker={"color": blue.colour}, error_y={"array": [1], "color": blue.colour})
    )
    figure.add_bar(y=[1, 2], marker={"color": [blue.colour, LOOKS["keep"].colour]})

    dark = on_dark(figure)

    assert dark.data[0].marker.color == dark.data[0].error_y.color == blue.on_dark
    assert list(dark.data[1].marker.color) == [blue.on_dark, LOOKS["keep"].colour]
    assert figure.data[0].marker.color == blue.colour


def test_no_figure_sets_the_colour_of_text_or_page() -> None:
    layout = base_layout(x="rows", y="loss")
    assert "color" not in layout["font"] and layout["template"] == "none"
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"


def test_a_long_message_is_broken_for_narrow_screens() -> None:
    (note,) = empty_figure("why there is nothing to see here " * 4).layout.annotations
    assert all(len(line) <= NARROW for line in note.text.split("<br>"))
    assert note.text.replace("<br>", " ") == ("why there is nothing to see here " * 4).strip()


def test_every_score_says_which_way_is_better() -> None:
    assert {name: "higher is better" in title for name, title in SCORE_TITLES.items()} == {
        "loss": False, "accuracy": True, "mae": False, "rmse": False,
    }  # fmt: skip
    assert all("is better" in title for title in SCORE_TITLES.values())


def test_scores_read_as_people_write_them() -> None:
    assert score_text("accuracy", 1.0) == "100.0 %"
    assert score_text("loss", 1234567.0) == "1,234,567"
    assert plain('<a href="x">') == "&lt;a href=&quot;x&quot;&gt;"


def test_scores_that_labels_show_in_percent_have_percent_on_their_axis() -> None:
    told = {name: score_text(name, 0.5).endswith("%") for name in SCORES}
    assert told["balanced_accuracy"] and not told["auroc"]
    assert {name: "%" in axis_format(name) for name in SCORES} == told
