"""What the server answers."""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect

import skelact
from skelact.errors import InputError, NobodySeenError, SkelactError
from skelact.predictor import Predictor
from skelact.serve.guard import REPORT_POLICY, Guard
from skelact.serve.jobs import UNEXPECTED, Job, Jobs, sentence
from skelact.serve.limits import BusyError, Limits, TooLargeError, UnsupportedError
from skelact.serve.receiving import receive_upload
from skelact.serve.work import worker

RETRY_SECONDS = 10
SWEEP_SECONDS = 15.0
POLL_SECONDS = 0.05  # between two looks whether a job has ended
STATUSES = (
    (TooLargeError, 413),
    (UnsupportedError, 415),
    (BusyError, 503),
    ((InputError, NobodySeenError), 422),
)


def create_app(
    predictor: Predictor, limits: Limits, hosts: Collection[str], write_report: Callable[..., Any]
) -> FastAPI:
    """The server as an ASGI application; its jobs are `app.state.jobs` while it runs.

    Args:
        predictor: used for one video after another.
        limits: see there.
        hosts: names by which it may be asked, beside addresses.
        write_report: `skelact.report.write_report`, or what stands in for it.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with TemporaryDirectory(prefix="skelact-serve-", ignore_cleanup_errors=True) as folder:
            app.state.folder = Path(folder)
            app.state.jobs = jobs = Jobs(worker(predictor, limits, write_report), limits)
            sweeping = asyncio.create_task(_sweep(jobs))
            yield
            sweeping.cancel()
            await asyncio.to_thread(jobs.close)

    app = FastAPI(title="skelact", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard, hosts=hosts)
    app.add_exception_handler(Exception, _on_error)
    for kind in (SkelactError, StarletteHTTPException, ClientDisconnect):
        app.add_exception_handler(kind, _on_error)
    _add_pages(app, predictor, limits)
    _add_jobs(app, limits)
    _add_health(app, predictor)
    return app


async def _sweep(jobs: Jobs) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        await asyncio.to_thread(jobs.sweep)


def _add_pages(app: FastAPI, predictor: Predictor, limits: Limits) -> None:
    files = resources.files("skelact.serve")
    shown = {
        "model": predictor.recognizer.name,
        "actions": str(len(predictor.recognizer.class_names)),
        "megabytes": f"{limits.upload_mb:g}",
        "bytes": str(limits.upload_bytes),
        "length": f"{limits.seconds:g} seconds" if limits.seconds < 120 else f"{limits.seconds / 60:g} minutes",
        "minutes": f"{limits.keep_minutes:g}",
    }
    page = Template(files.joinpath("index.html").read_text("utf-8"))
    index = page.substitute({name: html.escape(value) for name, value in shown.items()})
    style = files.joinpath("page.css").read_text("utf-8")
    script = files.joinpath("page.js").read_text("utf-8")

    @app.get("/")
    async def show_index() -> Response:
        return HTMLResponse(index)

    @app.get("/page.css")
    async def show_style() -> Response:
        return Response(style, media_type="text/css")

    @app.get("/page.js")
    async def show_script() -> Response:
        return Response(script, media_type="text/javascript")


def _add_jobs(app: FastAPI, limits: Limits) -> None:
    async def arrive(request: Request, wants_report: bool) -> Job:
        jobs: Jobs = app.state.jobs
        with jobs.place():
            upload = await receive_upload(request, app.state.folder, limits)
            return jobs.submit(upload, wants_report)

    def find(job_id: str) -> Job:
        job = app.state.jobs.get(job_id)
        if job is None:
            raise HTTPException(404, "there is no such job: it may have been deleted after its time")
        return job

    def tell(job: Job, status: int = 200) -> Response:
        return JSONResponse(job.to_dict(app.state.jobs.position(job)), status)

    @app.post("/jobs")
    async def add_job(request: Request) -> Response:
        return tell(await arrive(request, wants_report=True), 202)

    @app.get("/jobs/{job_id}")
    async def show_job(job_id: str) -> Response:
        return tell(find(job_id))

    @app.get("/jobs/{job_id}/report")
    async def show_report(job_id: str) -> Response:
        job = find(job_id)
        if job.report is None:
            raise HTTPException(404, job.report_error or "there is no report of this job, or not yet")
        return FileResponse(job.report, media_type="text/html", headers={"Content-Security-Policy": REPORT_POLICY})

    @app.delete("/jobs/{job_id}")
    async def end_job(job_id: str) -> Response:
        job = find(job_id)
        if job.ended is not None:
            await run_in_threadpool(app.state.jobs.forget, job)
            return Response(status_code=204)
        job.cancel()
        return tell(job, 202)

    @app.post("/predict")
    async def predict(request: Request) -> Response:
        job = await arrive(request, wants_report=False)
        try:
            while not job.future.done():
                await asyncio.sleep(POLL_SECONDS)
                if await request.is_disconnected():
                    raise ClientDisconnect
            if job.state == "cancelled":
                raise BusyError("the server is being stopped")
            if job.error:
                return _error_response(job.error, sentence(job.error, job.upload))
            return JSONResponse(job.result)
        finally:
            app.state.jobs.forget(job)


def _add_health(app: FastAPI, predictor: Predictor) -> None:
    @app.get("/health")
    async def show_health() -> Response:
        waiting = app.state.jobs.count_waiting()
        return JSONResponse(
            {"status": "ok", "version": skelact.__version__, "model": predictor.recognizer.name, "waiting": waiting}
        )


async def _on_error(_: Request, error: Exception) -> Response:
    if isinstance(error, StarletteHTTPException):
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)
    if isinstance(error, ClientDisconnect):
        return Response(status_code=400)  # nobody reads it
    return _error_response(error, str(error) if isinstance(error, SkelactError) else UNEXPECTED)


def _error_response(error: BaseException, message: str) -> Response:
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 500)
    return JSONResponse({"error": message}, status, {"Retry-After": str(RETRY_SECONDS)} if status == 503 else None)
