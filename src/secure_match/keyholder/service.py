"""KEY: the station over HTTPS, for key holders that answer often: one address takes a ``.smb`` and gives a ``.sme``.

Nothing is decided here: ``evaluate_request`` does what it does for files. Invariants:

* TLS 1.3 in both directions: without a certificate that the key holder's own authority signed, no byte of a request is
  read; who asks is not known by the certificate but by the signature of the sealed request, so that only sealed
  agreements are served,
* one request at a time is evaluated, others wait; of a body no more than ``max_bytes`` is read,
* a request and its answer lie in a private folder that is gone with the response; a refusal says its code and its
  message, which hold no value.

It needs the extra ``service`` (starlette, uvicorn); nothing else in the package listens on a network.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from secure_match.encoded.files import open_to_read
from secure_match.errors import SecureMatchError, UsageError
from secure_match.exchange.private_folders import private_folder
from secure_match.keyholder.holder import KeyHolder
from secure_match.keyholder.stations import EvaluateReport, evaluate_request

EVALUATE_PATH: Final = "/v1/evaluate"
MEDIA_TYPE: Final = "application/vnd.secure-match"
MAX_REQUEST_BYTES: Final = 1 << 29
"""Half a gibibyte: sixteen million elements."""
_REFUSED: Final = 422
_TOO_LARGE: Final = 413
_REQUEST_NAME: Final = "request.smb"
_ANSWER_NAME: Final = "answer.sme"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """What both sides show each other.

    Attributes:
        certificate: PEM: the service's certificate, with those between it and its authority.
        private_key: PEM: its key.
        clients: PEM: the authorities that sign departments' certificates; no other is let in.
    """

    certificate: Path
    private_key: Path
    clients: Path


def service_app(
    holder: KeyHolder, *, max_bytes: int = MAX_REQUEST_BYTES, told: Callable[[EvaluateReport], None] | None = None
) -> Starlette:
    """The application. It has to be served with :func:`tls_context`, or behind something that does the same.

    Args:
        max_bytes: the largest request that is read.
        told: called with each answer that was given.

    Raises:
        UsageError: ``SERVICE_TRIAL`` under a trial agreement.
    """
    if holder.desk is None:
        raise UsageError(
            "only a sealed agreement is served over a network: requests of a trial show no sender",
            code="SERVICE_TRIAL",
        )
    one_at_a_time = asyncio.Lock()

    async def answer(request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            if len(body) + len(piece) > max_bytes:
                return _problem("REQUEST_SIZE", "the request is larger than this service reads", _TOO_LARGE)
            body += piece
        async with one_at_a_time:
            # In a thread of its own, so that others can connect and wait meanwhile.
            return await asyncio.to_thread(_answer, holder, bytes(body), told)

    return Starlette(routes=[Route(EVALUATE_PATH, answer, methods=["POST"])])


def tls_context(tls: Tls) -> ssl.SSLContext:
    """TLS 1.3 that asks every client for a certificate of the named authorities.

    Raises:
        UsageError: ``SERVICE_TLS``.
    """
    problem = ""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(tls.certificate, tls.private_key)
        context.load_verify_locations(tls.clients)
        context.verify_mode = ssl.CERT_REQUIRED
        return context
    except (OSError, ValueError) as error:
        problem = type(error).__name__
    raise UsageError(
        f"the certificate, its key or the clients' authority cannot be used ({problem}); each is a PEM file",
        code="SERVICE_TLS",
    )


def service_server(app: Starlette, tls: Tls, *, host: str, port: int) -> uvicorn.Server:
    """The server, ready to run; it ends with the signals that end a process.

    Raises:
        UsageError: ``SERVICE_TLS``.
    """
    context = tls_context(tls)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http="h11",
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
        log_level="warning",
        # Requests in the queue may wait as long as the largest one takes.
        timeout_keep_alive=5,
    )
    config.load()
    # Set here, and not by file names, so that it is the one that was checked: TLS 1.3 with the clients' authority.
    config.ssl = context
    return uvicorn.Server(config)


def _answer(holder: KeyHolder, body: bytes, told: Callable[[EvaluateReport], None] | None) -> Response:
    try:
        with private_folder(holder.log.parent) as folder:
            request, out = folder / _REQUEST_NAME, folder / _ANSWER_NAME
            with request.open("xb") as stream:
                stream.write(body)
            report = evaluate_request(_this_month(holder), request, out)
            with open_to_read(out) as stream:
                content = stream.read()
    except SecureMatchError as error:
        return _problem(error.code, error.message, _REFUSED)
    if told is not None:
        told(report)
    return Response(content, media_type=MEDIA_TYPE)


def _this_month(holder: KeyHolder) -> KeyHolder:
    """The holder at its desk of the present month: a service outlives the month that it was started in."""
    if holder.desk is None:
        return holder
    month = holder.clock().astimezone(UTC).strftime("%Y-%m")
    return replace(holder, desk=replace(holder.desk, period=month))


def _problem(code: str, message: str, status: int) -> Response:
    return JSONResponse({"code": code, "message": message}, status_code=status)
