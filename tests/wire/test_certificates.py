"""Whose certificates are trusted, by the variables of the environment."""

import logging
import ssl
from pathlib import Path

import pytest
import requests.utils

from chatapp.errors import ConfigError
from chatapp.wire.certificates import ADDING, REPLACING, tls_context

USUAL = len(ssl.create_default_context(cafile=requests.utils.DEFAULT_CA_BUNDLE_PATH).get_ca_certs())


@pytest.fixture
def pem(certificate: tuple[str, str]) -> str:
    return Path(certificate[0]).read_text()


def names(context: ssl.SSLContext) -> list[object]:
    return [trusted["subject"] for trusted in context.get_ca_certs()]


TEST = ((("commonName", "test"),),)


def test_the_usual_authorities_are_trusted_without_any_variable() -> None:
    assert len(names(tls_context({name: "" for name in (*REPLACING, ADDING)}))) == USUAL > 50


@pytest.mark.parametrize("variable", REPLACING)
@pytest.mark.parametrize("in_folder", [False, True])
def test_a_file_or_a_folder_replaces_them(tmp_path: Path, pem: str, variable: str, in_folder: bool) -> None:
    (tmp_path / "ca.crt").write_text(f"# ours\n{pem}")
    (tmp_path / "1234abcd.0").symlink_to("ca.crt")  # as c_rehash does
    (tmp_path / "ca.key").write_text("-----BEGIN PRIVATE KEY-----")
    (tmp_path / "old").mkdir()
    path = tmp_path if in_folder else tmp_path / "ca.crt"
    assert names(tls_context({variable: str(path)})) == [TEST]


def test_one_certificate_that_cannot_be_read_does_not_cost_the_others(tmp_path: Path, pem: str) -> None:
    broken = pem.replace(pem.splitlines()[1], "AAAA")
    (tmp_path / "ca.pem").write_text(broken + pem)
    assert names(tls_context({"SSL_CERT_FILE": str(tmp_path / "ca.pem")})) == [TEST]


def test_folders_can_be_added(tmp_path: Path, pem: str) -> None:
    (tmp_path / "ca.pem").write_text(pem)
    context = tls_context({ADDING: f"{tmp_path / 'missing'}:{tmp_path}"})
    assert len(names(context)) == USUAL + 1 and TEST in names(context)


def test_a_folder_that_is_not_there_is_named_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "chatapp.wire"):
        assert len(names(tls_context({ADDING: str(tmp_path / "missing")}))) == USUAL
    assert f"SSL_CERT_DIR: cannot read '{tmp_path / 'missing'}': No such file" in caplog.text


@pytest.mark.parametrize("variable", REPLACING)
@pytest.mark.parametrize("content", [None, "", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
def test_a_bundle_of_no_use_stops_the_start(tmp_path: Path, variable: str, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=rf"^{variable}: .*'{path}'.*; name a PEM file or a folder"):
        tls_context({variable: str(path)})
