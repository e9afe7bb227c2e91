"""What the server does not take, and whom it does not answer."""

from __future__ import annotations

import io
import time
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from skelact.serve import uploads
from tests.serve.asking import SAMPLE, SOON, files_in, send, sequence_bytes, until
from tests.sides import places
from tests.videos import with_avi_rate, write_video

anyio = pytest.importorskip("anyio", reason="comes with the extra serve")

PLAYLIST = "#EXTM3U\n{}#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{}\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize("address", ["/jobs", "/predict"])
@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 422, "is empty"),
        (b"a poem\n" * 100, 415, "no video of a kind that is taken here"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(500), 422, "no picture in it can be opened"),
        (b"PK\x03\x04" + bytes(500), 422, "damaged or cut short"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), 415, "no video of a kind that is taken here"),
    ],
    ids=["nothing", "a text", "a cut video", "a cut sequence", "a picture"],
)
def test_what_is_no_video_is_refused_in_a_sentence(start, address, content, status, words):
    client = start()
    answer = send(client, content, "my <film>.mp4", address)
    if answer.status_code == 202:  # sequences are opened when it is their turn
        job = until(client, answer.json())
        assert job["state"] == "failed"
        error = job["error"]
    else:
        assert answer.status_code == status
        error = answer.json()["error"]
    assert words in error
    assert "'my <film>.mp4'" in error
    assert str(client.app.state.folder) not in error


@pytest.mark.parametrize("beginning", ["", "AVI \n", "ftyp\n", "#" * 180 + "G\n"], ids=repr)
def test_a_list_of_other_files_is_not_opened(start, tmp_path, beginning):
    """FFmpeg would: who sends such a text would see videos of the machine that the server runs on."""
    answer = send(start(), PLAYLIST.format(beginning, SAMPLE).encode())
    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "mp4v"), ("a.mov", "mp4v"), ("a.avi", "MJPG"), ("a.mkv", "mp4v"), ("a.ts", "mp4v"), ("a.wmv", "WMV2"),
     ("a.mpg", "PIM1"), ("a.flv", "FLV1"), ("a.webm", "VP80")],
)  # fmt: skip
def test_videos_of_the_usual_kinds_are_taken(start, predictor, tmp_path, name, codec):
    client = start()
    answer = send(client, write_video(tmp_path / name, codec).read_bytes(), "anything")
    assert until(client, answer.json())["state"] == "done"


def test_a_name_from_outside_is_no_path(start, predictor, clip, tmp_path):
    outside = tmp_path / "outside.mp4"
    client = start()
    for name in (str(outside), "../../outside.mp4", "a\x00b\n.mp4", "n" * 500):
        job = until(client, send(client, clip, name).json())
        assert job["state"] == "done"
        assert job["name"].isprintable()
    assert not outside.exists()
    assert all(client.app.state.folder in path.parents for path in predictor.began)


@pytest.mark.parametrize("address", ["/jobs", "/predict"])
def test_a_larger_file_is_refused(start, clip, address):
    client = start(upload_mb=0.001)
    answer = send(client, clip + bytes(2000), address=address)
    assert (answer.status_code, "larger than the 0.001 MB" in answer.json()["error"]) == (413, True)
    assert files_in(client) == []


HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'


def ask(app, path: str, receive) -> list[int]:
    """POST a form as a server passes it on, message by message; the status of the answer, if there is one."""
    statuses = []

    async def take(message):
        if "status" in message:
            statuses.append(message["status"])

    headers = [(b"host", b"localhost"), (b"content-type", b"multipart/form-data; boundary=x")]
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
             "headers": headers, "http_version": "1.1", "scheme": "http", "root_path": ""}  # fmt: skip
    anyio.run(app, scope, receive, take)
    return statuses


def part(body: bytes, more: bool = True):
    return {"type": "http.request", "body": body, "more_body": more}


def test_an_upload_that_does_not_end_is_stopped_while_it_comes(start):
    client = start(upload_mb=0.5)
    sent = []

    async def receive():
        sent.append(bytes(1 << 16) if sent else HEAD)
        return part(sent[-1])

    assert ask(client.app, "/jobs", receive) == [413]
    assert sum(map(len, sent)) < 1 << 20
    assert files_in(client) == []


def test_an_upload_that_stands_still_gives_up_its_place(start, clip, monkeypatch):
    monkeypatch.setattr("skelact.serve.receiving.RECEIVE_SECONDS", 0.1)
    client = start(waiting=1)
    began = []

    async def receive():
        if began:
            await anyio.sleep(SOON)
        began.append(1)
        return part(HEAD)

    assert ask(client.app, "/jobs", receive) == [413]
    assert send(client, clip).status_code == 202


@pytest.mark.parametrize("when", ["it sends", "it waits"])
def test_who_hangs_up_leaves_nothing(start, predictor, clip, when):
    predictor.go.clear()
    client = start()
    messages = [part(HEAD)] if when == "it sends" else [part(HEAD + clip + b"\r\n--x--\r\n", more=False)]

    async def receive():
        return messages.pop() if messages else {"type": "http.disconnect"}

    ask(client.app, "/predict", receive)
    latest = time.monotonic() + SOON
    while list(client.app.state.folder.iterdir()) and time.monotonic() < latest:
        time.sleep(0.01)
    assert list(client.app.state.folder.iterdir()) == []
    predictor.go.set()
    assert until(client, send(client, clip).json())["state"] == "done"


def test_a_video_that_states_more_seconds_is_refused_before_its_turn(start, predictor, clip):
    answer = send(start(seconds=0.5), clip)
    assert (answer.status_code, "1 s long, more than the 0.5 s" in answer.json()["error"]) == (413, True)
    assert predictor.began == []


def test_a_video_that_states_too_few_seconds_is_stopped_at_the_limit(start, predictor, tmp_path):
    content = with_avi_rate(tmp_path / "a.avi", 1, 25).read_bytes()
    frames = content.index(b"strh") + 8 + 32  # dwLength of the stream
    client = start(seconds=0.5)
    job = until(client, send(client, content[:frames] + (5).to_bytes(4, "little") + content[frames + 4 :]).json())
    assert (job["state"], job["error"]) == ("failed", "the video is longer than the 0.5 s that are taken: cut it")


def test_work_that_takes_too_long_is_stopped_between_frames(start, predictor, clip):
    predictor.go.clear()
    client = start(work_seconds=0.2)
    answer = send(client, clip, address="/predict")
    assert (answer.status_code, "longer than the 0.2 s that it may" in answer.json()["error"]) == (413, True)


def test_a_sequence_is_taken_and_what_it_names_is_not_opened(start, tmp_path):
    sources = []

    def note_source(prediction, path, **_):
        sources.append(prediction.source)
        path.write_text("")

    client = start(note_source)
    named = replace(places(["left"] * 3 + ["right"] * 3), source=str(SAMPLE))
    job = until(client, send(client, sequence_bytes(named, tmp_path), "mine.npz").json())
    assert [segment["action"] for segment in job["result"]["segments"]] == ["left", "right"]
    assert job["result"]["source"] == "mine.npz"
    assert [source.endswith("upload.npz") for source in sources] == [True]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fps": 1e-9}, "more than the 600 s"),
        ({"timestamps": np.arange(60) * 100.0}, "more than the 600 s"),
        ({"width": 1_000_000, "height": 1_000_000}, "1000000 x 1000000 pixels"),
    ],
    ids=["a frame for years", "hours", "frames of a size that nobody has"],
)
def test_a_sequence_beyond_the_limits_is_refused(start, tmp_path, change, words):
    content = sequence_bytes(replace(places(["left"] * 3 + ["right"] * 3), **change), tmp_path)
    answer = send(start(), content, "mine.npz", "/predict")
    assert (answer.status_code, words in answer.json()["error"]) == (413, True)


def test_a_sequence_that_unpacks_to_too_much_is_refused(start, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_UNPACKED", 1 << 20)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("keypoints.npy", bytes(2 << 20))
    answer = send(start(), packed.getvalue(), "bomb.npz", "/predict")
    assert (answer.status_code, "once it is unpacked" in answer.json()["error"]) == (413, True)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"content": b"x", "headers": {"content-type": "video/mp4"}}, 415),
        ({"files": {"film": ("a.mp4", b"x")}}, 422),
        ({"data": {"file": "text"}, "files": {"other": ("a", b"x")}}, 422),
        ({"files": [("file", ("a", b"x")), ("file", ("b", b"x"))]}, 400),
        ({"content": b"nothing", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 400),
    ],
    ids=["no form", "another field", "a text for a file", "two files", "a broken form"],
)
def test_a_form_without_one_file_is_refused(start, sent, status):
    answer = start().post("/jobs", **sent)
    assert answer.status_code == status
    assert answer.json()["error"]


@pytest.mark.parametrize("path", ["/jobs/none", "/jobs/none/report", "/jobs/..%2F..%2Fetc", "/docs", "/openapi.json"])
def test_what_is_not_there_is_not_there(start, path):
    answer = start().get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9000"},
        {"origin": "http://localhost:8000.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_pages_of_other_sites_may_send_and_delete_nothing(start, predictor, clip, headers):
    client = start()
    job = until(client, send(client, clip).json())
    for method, path in (("POST", "/jobs"), ("POST", "/predict"), ("DELETE", f"/jobs/{job['id']}")):
        answer = client.request(method, path, files={"file": ("a.mp4", clip)}, headers=headers)
        assert answer.status_code == 403, path
        assert "another site" in answer.json()["error"]
    assert client.get(f"/jobs/{job['id']}").status_code == 200
    assert len(predictor.began) == 1


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200), ("127.0.0.1:8000", 200), ("[::1]:8000", 200), ("192.168.1.5", 200),
        ("BOX.example:8000", 200), ("evil.example", 403), ("localhost.evil.example:8000", 403), ("", 403), ("[", 403),
        
    ],
)  # fmt: skip
def test_the_server_answers_to_its_own_names_and_to_addresses(start, host, status):
    """Another site can make a name of its own lead to this machine, but not an address or these names."""
    assert start().get("/health", headers={"host": host}).status_code == status


def test_the_servers_own_page_may_send(start, clip):
    own = {"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}
    assert start().post("/jobs", files={"file": ("a.mp4", clip)}, headers=own).status_code == 202


def test_browsers_are_told_to_be_strict(start, clip):
    client = start()
    job = until(client, send(client, clip).json())
    for path in ("/", "/page.js", "/page.css", "/health", f"/jobs/{job['id']}", job["report"], "/none"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert not [name for name in headers if name.startswith("access-control-")], path
    assert "sandbox" in client.get(job["report"]).headers["content-security-policy"]
