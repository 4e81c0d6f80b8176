"""The shelf of models: a folder for each version with its artefact and what is known of it, signed; and which one is
promoted.

Belongs here: writing, signing, checking before anything is unpickled, promoting and going back. Does not belong here:
training, what a model is (`core.theft.model`).

    models/theft/key               signs models; made once, for its user alone
    models/theft/<version>/        model.joblib and model.json, which names the bytes of the former and is signed
    models/theft/promoted.json     versions as they were promoted, the newest last
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

from fleet_assets.adapters.durable_file import make_folder, replace_file
from fleet_assets.adapters.file_lock import exclusive_lock
from fleet_assets.contracts.errors import ModelRefused, UsageError
from fleet_assets.wording import or_meant

RETRAIN = "`fleet model train` makes one that is"
"""What to do about a model that is refused."""

LIBRARIES = ("scikit-learn", "joblib", "numpy")
"""Libraries whose objects an artefact holds: another version may read them as something else."""

_ARTEFACT, _FACTS, _SIGNATURE = "model.joblib", "model.json", "signature"


@dataclass(frozen=True)
class Promotion:
    """One promotion: which version, when (ISO), why."""

    version: str
    at: str
    why: str


@dataclass(frozen=True)
class ModelShelf:
    """The models below a folder. `key`: that of a setting, where there is one."""

    folder: Path
    key: str = ""

    def versions(self) -> list[str]:
        """Every version that is there, in the order in which they were made."""
        found = [path.parent.name for path in self.folder.glob(f"*/{_FACTS}")]
        return sorted(found, key=lambda name: (self._raw_facts(name).get("made_at", ""), name))

    def put(self, name: str, artefact: Any, facts: Mapping[str, Any]) -> None:
        """Write a model; its facts get what names its bytes, the libraries and a signature."""
        content = packed(artefact)
        told = {
            **facts, "version": name, "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "libraries": libraries(), "sha256": hashlib.sha256(content).hexdigest(),
        }  # fmt: skip
        replace_file(self._file(name, _ARTEFACT), content)
        signed = {**told, _SIGNATURE: _signature(self._key(may_make=True), told)}
        replace_file(self._file(name, _FACTS), json.dumps(signed, indent=2).encode())

    def facts(self, name: str) -> dict[str, Any]:
        """What is known of a model, after its signature was checked; raises UsageError where there is none of this
        version, ModelRefused where it is not as it was written here."""
        self._known(name)
        told = self._raw_facts(name)
        said = told.pop(_SIGNATURE, "")
        if not hmac.compare_digest(str(said), _signature(self._key(may_make=False), told)):
            raise ModelRefused(f"model {name} is not as this installation wrote it, or its key is another; {RETRAIN}")
        return told

    def load(self, name: str, expected: Mapping[str, Any]) -> Any:
        """The artefact of a model whose facts are the expected ones, and whose libraries are those that are installed.

        Nothing is unpickled before the signature and the bytes were checked. Raises as `facts` does.
        """
        told = self.facts(name)
        for fact, value in {**expected, "libraries": libraries()}.items():
            if told.get(fact) != value:
                raise ModelRefused(f"model {name} {_differs(fact, told.get(fact), value)}; {RETRAIN}")
        content = self._file(name, _ARTEFACT).read_bytes() if self._file(name, _ARTEFACT).exists() else b""
        if hashlib.sha256(content).hexdigest() != told["sha256"]:
            raise ModelRefused(f"model {name}: {_ARTEFACT} is not what was written here; {RETRAIN}")
        import joblib

        return joblib.load(BytesIO(content))

    def history(self) -> list[Promotion]:
        """Every promotion, the newest last."""
        file = self.folder / "promoted.json"
        return [Promotion(**one) for one in json.loads(file.read_text())] if file.exists() else []

    @property
    def promoted(self) -> str:
        """The promoted version; empty before the first."""
        return next((one.version for one in reversed(self.history())), "")

    def promote(self, name: str, why: str) -> None:
        """Have a version score from now on; raises UsageError where there is none of this name."""
        self._known(name)
        with exclusive_lock(self.folder / "promoted.lock"):
            at = datetime.now(UTC).isoformat(timespec="seconds")
            found = [*self.history(), Promotion(name, at, why)]
            replace_file(self.folder / "promoted.json", json.dumps([vars(one) for one in found], indent=2).encode())

    def before(self) -> str:
        """The version that was promoted before the present one; raises UsageError where there is none."""
        present = self.promoted
        earlier = [one.version for one in self.history() if one.version != present]
        if not earlier:
            raise UsageError("there is no model to go back to: none was promoted before the present one")
        return earlier[-1]

    def _known(self, name: str) -> None:
        if not name or not self._file(name, _FACTS).exists():
            known = self.versions()
            there = f"; there are: {', '.join(known)}" if known else "; `fleet model train` makes one"
            raise UsageError(f"there is no model {name}{or_meant(name, known) or there}")

    def _raw_facts(self, name: str) -> dict[str, Any]:
        try:
            told = json.loads(self._file(name, _FACTS).read_bytes())
        except ValueError:
            return {}
        return told if isinstance(told, dict) else {}

    def _key(self, *, may_make: bool) -> bytes:
        if self.key:
            return self.key.encode()
        file = self.folder / "key"
        if may_make:
            _make_key(file)
        if not file.exists():
            raise ModelRefused(f"the key that signs models is missing ({file}): no model can be trusted; {RETRAIN}")
        return file.read_bytes()

    def _file(self, name: str, part: str) -> Path:
        return self.folder / name / part


def _make_key(file: Path) -> None:
    """A new key that nobody else may read, whatever the settings share; the one that is there where there is one."""
    make_folder(file.parent)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "wb") as opened:
        opened.write(secrets.token_hex(32).encode())
        opened.flush()
        os.fsync(opened.fileno())


def packed(artefact: Any) -> bytes:
    """The bytes of an artefact; equal ones of equal artefacts."""
    import joblib

    written = BytesIO()
    joblib.dump(artefact, written)
    return written.getvalue()


def libraries() -> dict[str, str]:
    """The versions of LIBRARIES that are installed."""
    return {name: version(name) for name in LIBRARIES}


def _signature(key: bytes, told: Mapping[str, Any]) -> str:
    return hmac.new(key, json.dumps(told, sort_keys=True).encode(), hashlib.sha256).hexdigest()


def _differs(fact: str, said: Any, value: Any) -> str:
    if fact == "libraries" and isinstance(said, dict):
        changed = [f"{name} {said.get(name, 'unknown')}, and {value[name]} is installed" for name in LIBRARIES
                   if said.get(name) != value[name]]  # fmt: skip
        return f"was made with {'; '.join(changed)}"
    return f"is of other {fact.replace('_', ' ')} than this program's"
