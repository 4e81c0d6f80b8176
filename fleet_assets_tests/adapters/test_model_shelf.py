"""Only what this installation wrote, by these libraries and this code, is ever unpickled."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from fleet_assets.adapters import model_shelf
from fleet_assets.adapters.model_shelf import ModelShelf
from fleet_assets.contracts.errors import ModelRefused, UsageError

RULES = {"rules_version": "r1"}


class Unpickled(Exception):
    """Raised by an artefact that is unpickled."""


class Trap:
    """An artefact that says when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return _spring, ()


def _spring() -> None:
    raise Unpickled


@pytest.fixture
def shelf(tmp_path: Path) -> ModelShelf:
    return ModelShelf(tmp_path / "theft")


def test_a_model_comes_back_with_what_is_known_of_it(shelf: ModelShelf) -> None:
    shelf.put("m1", {"a": [1.0, 2.0]}, RULES | {"thefts": 3})
    assert shelf.load("m1", RULES) == {"a": [1.0, 2.0]}
    facts = shelf.facts("m1")
    assert (facts["version"], facts["thefts"], facts["rules_version"]) == ("m1", 3, "r1")
    assert facts["libraries"].keys() == {"scikit-learn", "joblib", "numpy"}


def test_equal_artefacts_have_equal_bytes(shelf: ModelShelf) -> None:
    for name in ("m1", "m2"):
        shelf.put(name, {"a": [1.0]}, RULES)
    assert shelf.facts("m1")["sha256"] == shelf.facts("m2")["sha256"]


def test_the_key_is_its_users_alone_and_made_once(shelf: ModelShelf) -> None:
    shelf.put("m1", 1, RULES)
    key = shelf.folder / "key"
    before = key.read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    shelf.put("m2", 2, RULES)
    assert key.read_bytes() == before
    assert len(before) == 64


def test_a_changed_artefact_is_refused_before_it_is_unpickled(shelf: ModelShelf) -> None:
    shelf.put("m1", 1, RULES)
    (shelf.folder / "m1" / "model.joblib").write_bytes(model_shelf.packed(Trap()))
    with pytest.raises(ModelRefused, match=r"model\.joblib is not what was written here; `fleet model train`"):
        shelf.load("m1", RULES)
    (shelf.folder / "m1" / "model.joblib").unlink()
    with pytest.raises(ModelRefused, match="is not what was written here"):
        shelf.load("m1", RULES)


def test_changed_facts_are_refused_before_anything_is_unpickled(shelf: ModelShelf) -> None:
    shelf.put("m1", Trap(), RULES)
    file = shelf.folder / "m1" / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"rules_version": "r2"}))
    with pytest.raises(ModelRefused, match=r"is not as this installation wrote it.*`fleet model train`"):
        shelf.load("m1", {"rules_version": "r2"})
    file.write_text("{")
    with pytest.raises(ModelRefused, match="is not as this installation wrote it"):
        shelf.load("m1", RULES)


def test_a_model_of_another_installation_is_refused(shelf: ModelShelf, tmp_path: Path) -> None:
    other = ModelShelf(tmp_path / "other")
    other.put("m1", Trap(), RULES)
    shelf.put("m2", 2, RULES)
    (other.folder / "m1").rename(shelf.folder / "m1")
    with pytest.raises(ModelRefused, match="or its key is another"):
        shelf.load("m1", RULES)


def test_without_its_key_no_model_is_trusted_and_none_is_made_while_reading(shelf: ModelShelf) -> None:
    shelf.put("m1", Trap(), RULES)
    (shelf.folder / "key").unlink()
    with pytest.raises(ModelRefused, match=r"the key that signs models is missing .*`fleet model train`"):
        shelf.load("m1", RULES)
    assert not (shelf.folder / "key").exists()


def test_a_key_of_a_setting_stands_for_the_file(tmp_path: Path) -> None:
    ModelShelf(tmp_path, "secret").put("m1", 1, RULES)
    assert not (tmp_path / "key").exists()
    assert ModelShelf(tmp_path, "secret").load("m1", RULES) == 1
    with pytest.raises(ModelRefused):
        ModelShelf(tmp_path, "another").load("m1", RULES)


def test_a_model_of_another_scikit_learn_is_refused_with_both_versions(
    shelf: ModelShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = model_shelf.libraries()
    monkeypatch.setattr(model_shelf, "libraries", lambda: present | {"scikit-learn": "0.99"})
    shelf.put("m1", Trap(), RULES)
    monkeypatch.undo()
    said = rf"was made with scikit-learn 0\.99, and {present['scikit-learn']} is installed; `fleet model train`"
    with pytest.raises(ModelRefused, match=said):
        shelf.load("m1", RULES)


def test_a_model_of_other_rules_is_refused(shelf: ModelShelf) -> None:
    shelf.put("m1", Trap(), RULES)
    with pytest.raises(ModelRefused, match="is of other rules version than this program's; `fleet model train`"):
        shelf.load("m1", {"rules_version": "r2"})


def test_what_is_sound_is_unpickled(shelf: ModelShelf) -> None:
    shelf.put("m1", Trap(), RULES)
    with pytest.raises(Unpickled):
        shelf.load("m1", RULES)


def test_promotions_are_kept_and_can_be_gone_back_on(shelf: ModelShelf) -> None:
    assert shelf.promoted == ""
    for name in ("m1", "m2"):
        shelf.put(name, 1, RULES)
        shelf.promote(name, "better")
    assert (shelf.promoted, shelf.before()) == ("m2", "m1")
    shelf.promote("m1", "back")
    assert [(one.version, one.why) for one in shelf.history()] == [("m1", "better"), ("m2", "better"), ("m1", "back")]
    assert shelf.before() == "m2"


def test_a_model_that_is_not_there_is_refused_with_those_that_are(shelf: ModelShelf) -> None:
    with pytest.raises(UsageError, match="`fleet model train` makes one"):
        shelf.promote("m1", "why not")
    shelf.put("m123456", 1, RULES)
    with pytest.raises(UsageError, match="did you mean m123456"):
        shelf.load("m123457", RULES)
    with pytest.raises(UsageError, match="none was promoted"):
        shelf.before()
