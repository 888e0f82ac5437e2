"""The service on localhost, with real TLS: same checks, quota and log as files; nobody without a certificate."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyholder.certificates import Authority
from keyholder.holder_desk import QUOTA, desk_of, holder_of, lay_out, write_request
from secure_match.agreement import Agreement
from secure_match.audit.files import read_log
from secure_match.errors import UsageError
from secure_match.exchange.oprf.files import read_evaluated
from secure_match.keyholder.service import EVALUATE_PATH, Tls, service_app, service_server, tls_context
from secure_match.keyholder.stations import EvaluateReport, evaluate_request

ROWS = 30
MAX_BYTES = 100_000


class Served:
    """A service that runs, and who may ask it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.agreement: Agreement = lay_out(root, sealed=True)
        self.reports: list[EvaluateReport] = []
        self._authority = Authority(root, "authority")
        certificate, key = self._authority.issue("service")
        self.client_files = self._authority.issue("client")
        holder = holder_of(self.agreement, root)
        app = service_app(holder, max_bytes=MAX_BYTES, told=self.reports.append)
        tls = Tls(certificate=certificate, private_key=key, clients=self._authority.file)
        # Who connects before the service accepts waits in the queue of this socket.
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.server = service_server(app, tls, host="127.0.0.1", port=self.port)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self._socket]})
        self.thread.start()

    def post(
        self, body: bytes, *, client: tuple[Path, Path] | None, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ) -> tuple[int, bytes]:
        context = ssl.create_default_context(cafile=self._authority.file)
        context.maximum_version = version
        if client is not None:
            context.load_cert_chain(*client)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=20)
        try:
            connection.request("POST", EVALUATE_PATH, body=body)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    service = Served(tmp_path_factory.mktemp("service"))
    yield service
    service.server.should_exit = True
    service.thread.join(timeout=20)
    assert not service.thread.is_alive()


def request_bytes(served: Served, rows: int, turn: int) -> bytes:
    path = served.root / f"{turn}.smb"
    write_request(served.agreement, path, rows, turn=turn, root=served.root)
    return path.read_bytes()


def test_an_answer_is_the_one_that_files_give(served: Served, tmp_path: Path) -> None:
    body = request_bytes(served, ROWS, 1)
    status, content = served.post(body, client=served.client_files)
    assert status == 200, content
    (tmp_path / "answer.sme").write_bytes(content)
    by_file = evaluate_request(
        holder_of(served.agreement, served.root), served.root / "1.smb", tmp_path / "by_file.sme"
    )
    assert by_file.quota.used == 0
    desk = desk_of(served.agreement, "police", served.root)
    elements = []
    for name in ("answer.sme", "by_file.sme"):
        with desk.received(tmp_path / name, "evaluated") as plain:
            elements.append(read_evaluated(plain).elements.tobytes())
    assert elements[0] == elements[1]
    assert [report.elements for report in served.reports] == [ROWS]
    assert not (served.root / ".opened").exists()


def test_the_quota_is_the_same_as_of_files(served: Served) -> None:
    status, content = served.post(request_bytes(served, QUOTA + 1, 2), client=served.client_files)
    assert (status, json.loads(content)["code"]) == (422, "QUOTA_EXCEEDED")
    last = [entry for entry in read_log(served.root / "holder.log") if entry.action != "checkpoint"][-1]
    assert (last.action, last.details["code"]) == ("refused", "QUOTA_EXCEEDED")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [(b"", 422, "PACKAGE_EMPTY"), (b"PK no package", 422, "PACKAGE_FOREIGN"), (bytes(200_000), 413, "REQUEST_SIZE")],
    ids=["empty", "foreign", "large"],
)
def test_what_is_no_request_is_refused(served: Served, body: bytes, status: int, code: str) -> None:
    answered, content = served.post(body, client=served.client_files)
    assert (answered, json.loads(content)["code"]) == (status, code)


def test_nobody_gets_in_without_a_certificate_of_the_authority(served: Served, tmp_path: Path) -> None:
    body = request_bytes(served, 3, 4)
    stranger = Authority(tmp_path, "stranger").issue("client")
    before = len(read_log(served.root / "holder.log")) if (served.root / "holder.log").exists() else 0
    for client in (None, stranger):
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            served.post(body, client=client)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        served.post(body, client=served.client_files, version=ssl.TLSVersion.TLSv1_2)
    after = len(read_log(served.root / "holder.log")) if (served.root / "holder.log").exists() else 0
    assert after == before


def test_a_trial_and_bad_certificates_are_not_served(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="SERVICE_TRIAL"):
        service_app(holder_of(lay_out(tmp_path, sealed=False), tmp_path))
    nothing = tmp_path / "agreement.toml"
    with pytest.raises(UsageError, match="SERVICE_TLS"):
        tls_context(Tls(certificate=nothing, private_key=nothing, clients=nothing))
