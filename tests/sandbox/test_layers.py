"""Each wall alone stops what it is there for, and without it the attack gets through."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retrain_core.sandbox import LAYERS, strength
from tests.sandbox.attacks import ATTACKS
from tests.sandbox.world import World, attacked, made_world

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the layers are Linux's")
STOPPED_BY = {attack.__name__: layers for attack, layers in ATTACKS.items()}
ALL = tuple(LAYERS)
SOLE = [(attack, layers[0]) for attack, layers in STOPPED_BY.items() if len(layers) == 1]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with made_world(tmp_path) as made:
        yield made


def by_layer() -> list[str]:
    return sorted({layer for layers in STOPPED_BY.values() for layer in layers})


def test_this_machine_has_every_layer() -> None:
    """The other tests mean little where one is missing."""
    assert strength().missing == {}
    assert strength().level == "full"


def test_nothing_gets_out_of_the_whole_sandbox(world: World) -> None:
    found = attacked(world, ALL, list(STOPPED_BY))
    assert found["locked"]["level"] == "full"
    assert {name: what for name, what in found["found"].items() if not what.startswith("denied")} == {}
    assert world.untouched()
    assert {path.name for path in Path(world.around.room).iterdir()} == {
        "mine",
        "endless",
    }  # plain files of its own


def test_every_attack_succeeds_where_there_is_no_wall(world: World) -> None:
    found = attacked(world, (), list(STOPPED_BY))
    assert found["locked"] == {"level": "none", "layers": {}}
    assert {name: what for name, what in found["found"].items() if what != "done"} == {}
    assert not world.untouched() and world.seen()["outside"] == ["executed", "made", "moved", "written"]


@pytest.mark.parametrize("layer", by_layer())
def test_a_layer_stops_its_attacks_alone(world: World, layer: str) -> None:
    with_it = ("namespaces",) if layer == "capabilities" else ()  # which gives an ordinary user some to drop
    attacks = [name for name, layers in STOPPED_BY.items() if layer in layers]
    found = attacked(world, ("no_new_privs", *with_it, layer), attacks)
    assert found["locked"]["layers"][layer] == ""
    assert {name: what for name, what in found["found"].items() if not what.startswith("denied")} == {}
    assert world.untouched()


@pytest.mark.parametrize("layer", sorted({layer for _, layer in SOLE}))
def test_without_a_layer_what_it_alone_stops_gets_through_all_others(world: World, layer: str) -> None:
    attacks = [name for name, sole in SOLE if sole == layer]
    found = attacked(world, [name for name in ALL if name != layer], attacks)
    got_through = {name for name, what in found["found"].items() if what == "done"}
    assert got_through == set(attacks), found["found"]


@pytest.mark.parametrize(("layer", "attack"), [("namespaces", "udp"), ("capabilities", "new_mounts")])
def test_a_layer_is_what_is_left_if_system_calls_are_not_filtered(
    world: World, layer: str, attack: str
) -> None:
    rest = [name for name in ALL if name != "seccomp"]
    assert attacked(world, rest, [attack])["found"][attack].startswith("denied")
    assert attacked(world, [name for name in rest if name != layer], [attack])["found"][attack] == "done"


def test_without_no_new_privs_the_walls_do_not_stand(world: World) -> None:
    """Linux takes neither from a process that could win rights."""
    found = attacked(world, [name for name in ALL if name != "no_new_privs"], ["read", "fork"])
    assert found["found"] == {"read": "done", "fork": "done"}
    locked: dict[str, Any] = found["locked"]
    assert locked["level"] == "none" and locked["layers"]["landlock"] and locked["layers"]["seccomp"]
