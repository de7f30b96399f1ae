"""The store: a folder of this machine, and a real S3-compatible server (moto's, on the loopback)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

import boto3
import pytest
from moto.server import ThreadedMotoServer

from app.files.store import Damaged, Missing, Store, Unreachable, open_store, path_of
from config import Config, ConfigError

KEYS = {"key_id": "test", "secret": "test-secret", "region": "eu-west-2"}


@pytest.fixture
def settings(tmp_path: Path) -> Config:
    """Settings that only the store is read from."""
    return Config(home=tmp_path, database_url="sqlite:///", secrets={})


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, settings: Config) -> Iterator[Store]:
    """An empty store of each kind."""
    if request.param == "folder":
        yield open_store(settings)
        return
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-west-2"
    )
    bucket = f"evidence-{token_hex(6)}"  # the server keeps its buckets in this process
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    yield open_store(
        replace(settings, evidence_url=f"s3://{bucket}/candour", evidence_store=KEYS | {"endpoint": endpoint})
    )
    client.close()
    server.stop()


def put(store: Store, content: bytes) -> str:
    """Put content; its SHA-256."""
    key = sha256(content).hexdigest()
    store.put(io.BytesIO(content), key)
    return key


def test_content_goes_in_and_comes_out(store: Store) -> None:
    large = bytes(range(256)) * 40_000  # more than one part of an upload
    keys = [put(store, b"small"), put(store, large), put(store, b"")]
    assert [store.size(key) for key in keys] == [5, len(large), 0]
    with store.open(keys[1]) as file:
        assert file.read() == large
    assert {key for key, _since in store.every()} == set(keys)
    assert put(store, b"small") == keys[0]  # again is the same
    store.delete(keys[0])
    store.delete(keys[0])
    assert store.size(keys[0]) is None
    with pytest.raises(Missing):
        store.open(keys[0])


def test_content_that_is_not_what_it_says_is_not_stored(store: Store) -> None:
    key = sha256(b"one").hexdigest()
    with pytest.raises(Damaged):
        store.put(io.BytesIO(b"another"), key)
    assert store.size(key) is None


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "/x", "g" * 64])
def test_nothing_but_a_hash_names_content(settings: Config, key: str) -> None:
    with pytest.raises(ValueError):
        open_store(settings).size(key)


def test_a_folder_has_two_levels_and_notices_damage(settings: Config) -> None:
    store = open_store(settings)
    key = put(store, b"Minutes.\n")
    file = settings.home / "evidence" / path_of(key)
    assert file.read_bytes() == b"Minutes.\n" and path_of(key) == f"{key[:2]}/{key[2:4]}/{key}"
    assert not list((settings.home / "evidence").glob("incoming/*"))
    assert (settings.home / "evidence").stat().st_mode & 0o077 == 0
    file.write_bytes(b"Minuten.\n")
    with pytest.raises(Damaged):
        store.open(key)
    file.write_bytes(b"cut")
    put(store, b"Minutes.\n")  # a file that a crash left short is written anew
    assert file.read_bytes() == b"Minutes.\n"


def test_a_store_that_does_not_answer_says_so(settings: Config) -> None:
    nowhere = KEYS | {"endpoint": "http://127.0.0.1:1"}
    store = open_store(replace(settings, evidence_url="s3://evidence", evidence_store=nowhere))
    with pytest.raises(Unreachable):
        store.size("a" * 64)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CANDOUR_EVIDENCE_URL", "https://example.org"),
        ("CANDOUR_EVIDENCE_URL", "s3://"),
        ("CANDOUR_CLAMD", "localhost"),
        ("CANDOUR_EVIDENCE_MAX_MB", "0"),
        ("CANDOUR_EVIDENCE_MAX_MB", "lots"),
        ("CANDOUR_EVIDENCE_QUOTA_MB", "-5"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(
    tmp_home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=name):
        Config.load()
