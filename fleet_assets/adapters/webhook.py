"""One POST to an address of the operator's, and what came of it.

Belongs here: the connection, its limits, what counts as accepted. Does not belong here: what is sent
(`core.alarm_messages`), trying again (`pipeline.alarm_delivery`).
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from fleet_assets.contracts.errors import SettingError
from fleet_assets.core.addresses import without_secrets

TIMEOUT_S = 10.0
"""s of silence after which a receiver is given up for now."""

SCHEMES = ("http://", "https://")


@dataclass(frozen=True)
class Answer:
    """`problem` is empty where the receiver accepted (status 2xx); `is_there`: it answered at all."""

    problem: str = ""
    is_there: bool = True


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET without a body, at an address that nobody set."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def post(url: str, headers: Mapping[str, str], body: bytes, timeout_s: float = TIMEOUT_S) -> Answer:
    """Send once; whatever goes wrong is told, not raised. Raises SettingError for an address that is none."""
    if not url.startswith(SCHEMES):
        raise SettingError(f"FLEET_WEBHOOK_URL={without_secrets(url)} is neither http:// nor https://")
    request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")
    try:
        with _opener.open(request, timeout=timeout_s):
            return Answer()
    except urllib.error.HTTPError as error:
        error.close()
        return Answer(f"answered {error.code} {error.reason}")
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return Answer(f"no answer: {reason or type(error).__name__}", is_there=False)
