"""A form with a file, as it comes in."""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.types import Message, Receive

from skelact.errors import InputError
from skelact.serve.limits import Limits, TooLargeError, UnsupportedError
from skelact.serve.uploads import Upload, store, too_large

FIELD = "file"
FORM_BYTES = 1 << 16  # of a form beside its file
MAX_FIELDS = 8
RECEIVE_SECONDS = 900.0  # that an upload may take, so that none holds a place for ever


async def receive_upload(request: Request, root: Path, limits: Limits) -> Upload:
    """Read the form of a request, and keep its file.

    The form goes to disk as it comes, into a file without a name, and no more of it than is taken.

    Raises:
        SkelactError: there is no file in it, it is too large, or see `skelact.serve.uploads.store`.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise UnsupportedError(f"send the video as a form: curl -F {FIELD}=@clip.mp4 ADDRESS")
    most = limits.upload_bytes + FORM_BYTES
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > most:
        raise too_large(limits)
    limited = Request(request.scope, _limited(request.receive, most, limits))
    try:
        form = await asyncio.wait_for(limited.form(max_files=1, max_fields=MAX_FIELDS), RECEIVE_SECONDS)
    except asyncio.TimeoutError:
        raise TooLargeError(f"the upload took longer than {RECEIVE_SECONDS:g} s: send a smaller file") from None
    try:
        file = form.get(FIELD)
        if not isinstance(file, UploadFile):
            raise InputError(f"there is no file {FIELD!r} in the form: curl -F {FIELD}=@clip.mp4 ADDRESS")
        return await run_in_threadpool(store, file.file, file.filename or "upload", root, limits)
    finally:
        await form.close()


def _limited(receive: Receive, most: int, limits: Limits) -> Receive:
    """Receives no more than so many bytes."""
    received = 0

    async def receive_some() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise too_large(limits)
        return message

    return receive_some
