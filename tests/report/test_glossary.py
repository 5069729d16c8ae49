"""Every term that a reader meets is explained under the name it is met by."""

import pytest

from retrain_core.compare.measures import SCORES
from retrain_core.compare.score_words import name_of
from retrain_core.glossary import GLOSSARY, terms_used


@pytest.mark.parametrize("score", SCORES)
def test_every_score_has_an_entry_under_its_name(score: str) -> None:
    assert name_of(score) in GLOSSARY
    assert name_of(score) in terms_used(f"{SCORES[score].title} of each candidate.")
