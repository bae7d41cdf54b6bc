import ssl
import subprocess

import pytest
from wire.calls import ScriptedServer

from chatapp.wire.upstream import Upstream


@pytest.fixture
def server():
    server = ScriptedServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """The files of a certificate for 127.0.0.1 and of its key."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
    extra = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *extra], check=True, capture_output=True)
    return str(certificate), str(key)


@pytest.fixture
def tls_server(certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    server = ScriptedServer(ssl_context=context)
    yield server
    server.close()


@pytest.fixture(params=["http", "tls"])
def either(request):
    """A server over HTTP, then one over TLS."""
    return request.getfixturevalue("server" if request.param == "http" else "tls_server")


@pytest.fixture
def limited(certificate):
    """Makes an Upstream with limits of its own."""
    made = []

    def limited(**limits):
        made.append(Upstream(ca_file=certificate[0], **limits))
        return made[-1]

    yield limited
    for upstream in made:
        upstream.close()


@pytest.fixture
def upstream(limited):
    return limited()
