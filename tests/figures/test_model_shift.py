"""The model's view of a shift in charts: units on axes, few points, small pictures, harmless whatever the names."""

import base64
import json
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest

from retrain_core.figures.model_shift import drivers_chart, image_grid, loss_waterfall, regions_chart
from retrain_core.figures.style import on_dark
from retrain_core.types import Driver, LossChange, LossStep, Region
from tests.figures.test_style import contrast

CHANGE = LossChange(
    0.4,
    0.6,
    (0.15, 0.25),
    (
        LossStep("harder inputs", 0.05, (0.01, 0.09)),
        LossStep("changed labels", 0.2, (0.1, 0.3)),
        LossStep("unseen inputs", -0.05, (-0.1, 0.01)),
    ),
    "The old model's loss rose.",
)
HOSTILE = "<a href='javascript:alert(1)'>x</a> == <b>" + " long" * 20
REGIONS = (
    Region("LIMIT_BAL <= 30,000 and PAY_0 >= 2", 0.12, 0.31, (0.1, 0.28), 0.08, "…"),
    Region("AGE >= 60", 0.2, 0.3, (0.05, 0.15), 0.1, "…"),
)


def picture(figure) -> np.ndarray:
    """Return the pixels of the one picture in a figure, read from the PNG file by its own rules."""
    head, data = figure.data[0].source.split(",")
    assert head == "data:image/png;base64"
    file, place, lines = base64.b64decode(data), 8, b""
    assert file[:8] == b"\x89PNG\r\n\x1a\n"
    while place < len(file):
        size, kind = struct.unpack(">I4s", file[place : place + 8])
        body = file[place + 8 : place + 8 + size]
        (checksum,) = struct.unpack(">I", file[place + 8 + size : place + 12 + size])
        assert checksum == zlib.crc32(kind + body)
        if kind == b"IHDR":
            width, height, *how = struct.unpack(">2I5B", body)
            assert how == [8, 6, 0, 0, 0]
        elif kind == b"IDAT":
            lines += zlib.decompress(body)
        place += 12 + size
    rows = np.frombuffer(lines, dtype=np.uint8).reshape(height, 1 + 4 * width)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 4)


def test_the_waterfall_leads_from_old_to_new():
    bars, whiskers = loss_waterfall(CHANGE).data
    assert list(bars.base) == pytest.approx([0, 0.4, 0.45, 0.65, 0])
    assert list(bars.x) == pytest.approx([0.4, 0.05, 0.2, -0.05, 0.6])
    assert bars.base[3] + bars.x[3] == pytest.approx(CHANGE.new)
    assert list(whiskers.x) == pytest.approx([0.45, 0.65, 0.6])
    assert list(whiskers.error_x.array) == pytest.approx([0.04, 0.1, 0.06])
    assert list(whiskers.error_x.arrayminus) == pytest.approx([0.04, 0.1, 0.05])


def test_the_waterfall_tells_rise_and_fall_without_colour():
    bars = loss_waterfall(CHANGE).data[0]
    assert "+0.2" in bars.y[2] and "−0.05" in bars.y[3]
    assert bars.marker.pattern.shape[2] != bars.marker.pattern.shape[3]
    assert loss_waterfall(CHANGE).layout.xaxis.title.text.startswith("loss (mean over rows)")


def test_causes_that_cannot_be_told_apart_are_one_bar():
    bars, whiskers = loss_waterfall(replace(CHANGE, overlap=0.01)).data
    assert list(bars.x) == pytest.approx([0.4, 0.2, 0.6]) and list(bars.base) == pytest.approx([0, 0.4, 0])
    assert bars.y[1].startswith("difference<br>+0.2")
    assert list(whiskers.x) == pytest.approx([CHANGE.new])
    ends = CHANGE.interval[0] - 0.2, CHANGE.interval[1] - 0.2
    assert list(whiskers.error_x.arrayminus) == pytest.approx([-ends[0]])
    assert list(whiskers.error_x.array) == pytest.approx([ends[1]])


def test_regions_show_both_sides_with_the_interval_of_the_rise():
    old, new = regions_chart(REGIONS).data
    assert list(old.x) == [12, 20] and list(new.x) == [31, 30]
    assert old.marker.symbol != new.marker.symbol
    assert list(new.error_x.array) == pytest.approx([9, 5]) and list(new.error_x.arrayminus) == pytest.approx(
        [9, 5]
    )
    layout = regions_chart(REGIONS).layout
    assert layout.xaxis.title.text.startswith("error (% of answers)")
    assert layout.yaxis.categoryarray[-1] == "LIMIT_BAL &lt;= 30,000<br>and PAY_0 &gt;= 2"


def test_distances_keep_the_label_s_units():
    figure = regions_chart(REGIONS, shares=False)
    assert list(figure.data[0].x) == [0.12, 0.2]
    assert figure.layout.xaxis.title.text.startswith("mean abs. error (label's units)")


def test_drivers_are_in_order_and_in_percent():
    figure = drivers_chart([Driver("LIMIT_BAL × PAY_0", 0.6), Driver("AGE", 0.3), *[Driver("x", 0.01)] * 20])
    assert list(figure.data[0].x)[:2] == [60, 30] and len(figure.data[0].x) == 10
    assert len(set(figure.data[0].y)) == 10
    assert figure.layout.yaxis.categoryarray[-1] == "LIMIT_BAL × PAY_0"
    assert "%" in figure.layout.xaxis.title.text


def test_nothing_to_draw_is_said():
    assert "No region" in regions_chart([]).layout.annotations[0].text
    assert "No column" in drivers_chart([]).layout.annotations[0].text
    assert "no image" in image_grid(np.zeros((0, 8, 8)), []).layout.annotations[0].text


def test_names_that_hold_markup_are_shown_as_they_are():
    figures = [
        regions_chart([Region(HOSTILE, 0.1, 0.2, (0.05, 0.15), 0.1, HOSTILE)]),
        drivers_chart([Driver(HOSTILE, 0.5)]),
        image_grid(np.zeros((1, 8, 8)), [HOSTILE]),
    ]
    for figure in figures:
        shown = json.dumps([figure.to_dict()["data"], figure.layout.to_plotly_json()], default=str)
        assert "&lt;" in shown and "<a" not in shown and "<b>" not in shown


@pytest.mark.parametrize(
    "shape", [(12, 28, 28), (12, 28, 28, 1), (3, 60, 90, 3), (5, 16, 8, 4), (40, 300, 200, 3)]
)
def test_images_become_one_small_picture(shape):
    images = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    figure = image_grid(images, [f"row {i}" for i in range(len(images))])
    assert len(figure.data) == 1 and len(figure.to_json()) < 100_000
    assert len(figure.layout.annotations) == min(24, len(images))
    assert picture(figure)[..., 3].max() > 0


def test_small_images_are_shown_pixel_by_pixel():
    images = np.arange(4 * 20 * 30, dtype=np.uint16).reshape(4, 20, 30).astype(np.uint8)
    pixels = picture(image_grid(images, list("abcd")))
    top = pixels.shape[0] - 20
    assert np.array_equal(pixels[top:, :30, 0], images[0]) and np.array_equal(
        pixels[top:, -30:, 1], images[3]
    )
    assert not pixels[:top, :, 3].any()  # room for the titles, clear on any page


def test_large_images_are_averaged():
    images = np.zeros((1, 96, 96, 3), dtype=np.uint8)
    images[0, ::2] = 200
    pixels = picture(image_grid(images, ["a"]))
    assert pixels.shape[1] == 48 and (pixels[-48:, :, :3] == 100).all()


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 255), (-1, 1), (0, 4_000)])
def test_shades_fit_whatever_the_range(low, high):
    images = np.linspace(low, high, 64).reshape(1, 8, 8)
    pixels = picture(image_grid(images, ["a"]))[-8:, :, 0]
    assert pixels.min() == 0 and pixels.max() == 255


def test_missing_pixels_are_black():
    images = np.full((1, 8, 8), np.nan)
    assert picture(image_grid(images, ["a"]))[-8:, :, :3].max() == 0


def test_what_is_no_image_is_refused():
    with pytest.raises(ValueError, match="Expected images"):
        image_grid(np.zeros((3, 5)), ["a"] * 3)
    with pytest.raises(ValueError, match="2 images and 1 titles"):
        image_grid(np.zeros((2, 5, 5)), ["a"])


def test_colours_can_be_seen_on_both_pages():
    for figure, page in ((loss_waterfall(CHANGE), "#ffffff"), (on_dark(loss_waterfall(CHANGE)), "#14181d")):
        assert all(contrast(colour, page) >= 3 for colour in figure.data[0].marker.color)
