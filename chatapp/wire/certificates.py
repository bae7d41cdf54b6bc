"""The certificate authorities that providers are checked against.

The variables are those of `requests` and OpenSSL. `REQUESTS_CA_BUNDLE` or `CURL_CA_BUNDLE` replaces
the usual authorities, and so does `SSL_CERT_FILE`; each may be a file or a folder. The folders of
`SSL_CERT_DIR` come in addition. Of a folder every file is read: nobody needs to run `c_rehash`.
"""

import logging
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

import requests.utils

from chatapp.errors import ConfigError

logger = logging.getLogger(__name__)

REPLACING = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
ADDING = "SSL_CERT_DIR"
MAX_FILE_BYTES = 4 << 20  # the authorities of all browsers are a quarter of a megabyte

_certificates = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL | re.ASCII).findall


def tls_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Raises ConfigError, which names the variable. Reads files, so make it once."""
    variable = next((name for name in REPLACING if environ.get(name)), None)
    if variable is None:
        context = ssl.create_default_context(cafile=requests.utils.DEFAULT_CA_BUNDLE_PATH)
    else:
        context = ssl.create_default_context(cadata=_read(variable, Path(environ[variable])))
    for folder in filter(None, environ.get(ADDING, "").split(os.pathsep)):
        _add(context, Path(folder))
    return context


def _read(variable: str, path: Path) -> str:
    """The certificates of a file or a folder as PEM, each once."""
    try:
        found = dict.fromkeys(pem for file in _files(path) for pem in _certificates(file))
    except OSError as error:
        raise ConfigError(
            f"{variable}: cannot read {str(path)!r}: {error.strerror}; name a PEM file or a folder"
        ) from None
    # All at once, which takes a fifth of the time, unless one of them is broken.
    valid = list(found) if _is_valid("\n".join(found)) else [pem for pem in found if _is_valid(pem)]
    if not valid:
        raise ConfigError(f"{variable}: no certificate in {str(path)!r}; name a PEM file or a folder of such files")
    return "\n".join(valid)


def _files(path: Path) -> Iterator[str]:
    if not path.is_dir():
        yield path.read_text("latin-1")
        return
    for file in sorted(path.iterdir()):
        if file.is_file() and file.stat().st_size <= MAX_FILE_BYTES and os.access(file, os.R_OK):
            yield file.read_text("latin-1")


def _is_valid(pem: str) -> bool:
    """One that cannot be read must not cost the others."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        return False
    return True


def _add(context: ssl.SSLContext, folder: Path) -> None:
    """A folder that is not there costs nothing, as with OpenSSL: some systems name such a one."""
    try:
        context.load_verify_locations(cadata=_read(ADDING, folder))
    except ConfigError as error:
        logger.warning("%s. Going on without it.", error.message)
