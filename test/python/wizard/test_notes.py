"""What the page tells of valid values: before they are posted, and on the review page after. None of it refuses anything."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from conftest import POSTED, Host

POOL = {"path": "/srv/other", "active": True}
DROP_INS = [f"/etc/systemd/system/{service}.service.d/blockhost-storage-path.conf" for service in ("blockhost-provisioner", "blockhost-gc")]


def told(client: Any, host: Host, values: dict[str, str]) -> tuple[str, str]:
    """The page before the values are posted, shown as kept, and the review page after."""
    assert client.post("/wizard/libvirt", data={**POSTED, **values}).status_code == 302
    return client.get("/wizard/libvirt").get_data(as_text=True), client.get("/summary").get_data(as_text=True)


def test_a_directory_elsewhere_is_told_with_the_files_that_let_the_daemon_write_there(client: Any, host: Host) -> None:
    for page in told(client, host, {"storage_path": "/srv/tank/vms"}):
        assert "The daemon may not write outside /var/lib/blockhost" in page
        assert all(file in page for file in DROP_INS)


@pytest.mark.parametrize("path", ["/var/lib/blockhost", "/var/lib/blockhost/", "/var/lib/blockhost/vms", "/var/lib/blockhost/a/b/"])
def test_a_directory_of_the_hosts_own_wants_no_words(client: Any, host: Host, path: str) -> None:
    assert all("may not write outside" not in part for part in _visible(told(client, host, {"storage_path": path})))


def test_a_neighbour_of_the_hosts_own_directory_is_outside(client: Any, host: Host) -> None:
    assert all("may not write outside" in part for part in _visible(told(client, host, {"storage_path": "/var/lib/blockhost-2/vms"})))


def test_a_pool_of_that_name_that_lies_elsewhere_is_told(client: Any, host: Host) -> None:
    host.change(pools={"blockhost": POOL})
    for page in _visible(told(client, host, {})):
        assert "libvirt’s pool blockhost lies at /srv/other." in page
    for page in _visible(told(client, host, {"storage_path": "/srv/other/"})):
        assert "lies at" not in page


def test_a_pool_of_another_kind_is_told(client: Any, host: Host) -> None:
    host.change(pools={"blockhost": {**POOL, "type": "logical"}})
    assert all("is of another kind than a directory" in page for page in _visible(told(client, host, {})))


@pytest.mark.parametrize(
    ("addresses", "values", "words"),
    [
        ([("192.168.122.50", 24)], {}, None),
        ([("192.168.122.50", 16)], {}, None),
        ([("10.0.0.1", 8), ("192.168.122.50", 24)], {}, None),
        ([], {}, None),
        ([("10.0.0.1", 8)], {}, "(10.0.0.1/8)"),
        ([("192.168.122.50", 25)], {}, "(192.168.122.50/25)"),
        ([("192.168.122.50", 25)], {"ip_end": "126"}, None),
        ([("192.168.122.50", 25), ("192.168.122.150", 25)], {}, "(192.168.122.50/25, 192.168.122.150/25)"),
    ],
)
def test_a_range_beside_the_bridges_network_is_told(client: Any, host: Host, addresses: list[tuple[str, int]], values: dict[str, str], words: str | None) -> None:
    host.addresses("br0", addresses)
    for page in _visible(told(client, host, values)):
        assert ("Not all of the range lies in the network of br0" in page) == (words is not None)
        assert words is None or words in page


@pytest.mark.parametrize(
    ("values", "own", "sentence"),
    [
        ({}, [], "253 machines can have an address: 192.168.122.2 to 192.168.122.254."),
        ({"ip_start": "1"}, ["192.168.122.50"], "252 machines can have an address: 192.168.122.1 to 192.168.122.254, without 192.168.122.1 (the gateway), 192.168.122.50 (this host’s own)."),
        ({"ip_start": "192.168.122.9", "ip_end": "10"}, ["192.168.122.9", "10.0.0.9"], "1 machine can have an address: 192.168.122.9 to 192.168.122.10, without 192.168.122.9 (this host’s own)."),
        ({"ip_start": "1", "ip_end": "1"}, [], ""),
        ({"ip_start": "9", "ip_end": "8"}, [], ""),
        ({"ip_network": "nonsense"}, [], ""),
        ({"gateway": "{}"}, [], "253 machines can have an address: 192.168.122.2 to 192.168.122.254."),
    ],
)
def test_which_addresses_machines_get_and_which_not_and_why(wizard: ModuleType, values: dict[str, str], own: list[str], sentence: str) -> None:
    from blockhost.provisioner_libvirt.notes import range_sentence

    assert range_sentence({**POSTED, **values}, own) == sentence


def test_the_page_tells_the_range_before_and_the_review_after(client: Any, host: Host) -> None:
    for page in told(client, host, {}):
        assert "252 machines can have an address: 192.168.122.2 to 192.168.122.254, without 192.168.122.50 (this host’s own)." in page


def _visible(pages: tuple[str, str]) -> list[str]:
    """Without what only the script reads."""
    return [page.split('<script type="application/json"')[0] for page in pages]
