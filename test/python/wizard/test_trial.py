"""The page tells whether this host can run machines at all. Nobody waits for the answer, and what is not known is not a no."""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any

import pytest
from conftest import POSTED, Host

PATIENCE_SECONDS = 30


@pytest.fixture
def new_trial(wizard: ModuleType, host: Host, monkeypatch: pytest.MonkeyPatch) -> Any:
    from blockhost.provisioner_libvirt.trial import Trial

    monkeypatch.setattr(wizard, "trial", Trial())
    return wizard.trial


def answer_of(client: Any) -> dict[str, str]:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        told = client.get("/wizard/libvirt/trial").get_json()
        if told["state"] != "trying":
            return told
        time.sleep(0.02)
    raise AssertionError("the trial did not come to an end")


@pytest.mark.parametrize(
    ("answer", "down", "state", "words"),
    [
        ("0", False, "good", "This host can run machines"),
        ("1", False, "bad", "as it is, this host runs no machines"),
        ("1", True, "warn", "is not known: libvirt does not answer"),
        ("127", False, "warn", "is not known: blockhost-provisioner-detect ended with 127"),
    ],
)
def test_the_answer_is_told_in_a_sentence(client: Any, host: Host, new_trial: Any, answer: str, down: bool, state: str, words: str) -> None:
    (host.fake / "detect").write_text(answer)
    host.change(down=down)
    assert client.get("/wizard/libvirt").status_code == 200
    told = answer_of(client)
    assert told["state"] == state and words in told["text"]
    page = client.get("/wizard/libvirt").get_data(as_text=True)
    assert f'data-state="{state}"' in page and words in page


def test_a_detection_that_hangs_keeps_nobody_and_is_not_known_in_the_end(client: Any, host: Host, new_trial: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from blockhost.provisioner_libvirt import trial

    monkeypatch.setattr(trial, "TRIAL_SECONDS", 3)
    (host.fake / "detect").write_text("hangs")
    page = client.get("/wizard/libvirt").get_data(as_text=True)
    assert "Being tried just now." in page and 'data-state="trying"' in page
    assert client.post("/wizard/libvirt", data=POSTED).status_code == 302
    told = answer_of(client)
    assert told["state"] == "warn" and "is not known: blockhost-provisioner-detect did not answer within 3 seconds" in told["text"]


def test_a_detection_that_is_not_there_is_not_a_no(client: Any, host: Host, new_trial: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(host.root))
    told = answer_of(client)
    assert told["state"] == "warn" and "is not known" in told["text"] and "cannot be started" in told["text"]


def test_many_who_ask_have_it_tried_once(client: Any, host: Host, new_trial: Any) -> None:
    for _ in range(5):
        client.get("/wizard/libvirt")
    answer_of(client)
    client.get("/wizard/libvirt")
    assert (host.fake / "detections").read_text() == "asked\n"
