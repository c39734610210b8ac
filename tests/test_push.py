"""What is pushed to a hub, which here is a server of this machine."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from commands import run

pytest.importorskip("huggingface_hub", reason="the extra hub isn't installed")


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as an upload of small files asks of it."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.asked.append((self.path, self.headers.get("Authorization"), body))
        if self.headers.get("Authorization") != "Bearer good":
            self.answer(401, {"error": "Invalid username or password."})
        elif self.path.endswith("/create"):
            self.answer(200, {"url": f"{self.server.address}/me/pets"})
        elif self.path.endswith("/validate-yaml"):
            self.answer(200, {"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            files = [
                {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False}
                for one in json.loads(body)["files"]
            ]
            self.answer(200, {"files": files})
        elif "/commit/" in self.path:
            self.answer(200, {"commitUrl": f"{self.server.address}/me/pets/commit/1a2b", "commitOid": "1a2b"})
        else:
            self.answer(404, {"error": f"not here: {self.path}"})

    def do_GET(self):
        files = [{"rfilename": name} for name in self.server.files]
        self.answer(200, {"id": "me/pets", "private": self.server.private, "sha": "0" * 40, "siblings": files})

    def answer(self, status, said):
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.asked, server.private, server.address = [], True, f"http://127.0.0.1:{server.server_port}"
    server.files = [".gitattributes", "README.md", "generator.pt2", "generator.mine"]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv("HF_TOKEN", "good")
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def export(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    of_export = ("README.md", "example.py", "generator.onnx", "generator.safetensors")
    for name in (*of_export, "generator.onnx.41.part", "notes.txt"):
        (folder / name).write_text(f"this is {name}")
    return folder


def test_an_export_is_pushed_in_one_commit_and_nothing_else(hub, export, capsys):
    assert run("push", f"checkpoint={export}", "repo=me/pets", "message=the first") is None
    (created,) = (json.loads(body) for path, _, body in hub.asked if path.endswith("/create"))
    assert created["name"] == "pets" and created["organization"] == "me" and created["visibility"] == "private"
    (commit,) = (body for path, _, body in hub.asked if "/commit/" in path)
    header, *files, removed = map(json.loads, commit.splitlines())
    assert header["value"]["summary"] == "the first"
    assert removed == {"key": "deletedFile", "value": {"path": "generator.pt2"}}, "of an earlier push"
    content = {one["value"]["path"]: base64.b64decode(one["value"]["content"]).decode() for one in files}
    assert content == {
        name: f"this is {name}" for name in ("README.md", "example.py", "generator.onnx", "generator.safetensors")
    }
    assert f"pushed   {hub.address}/me/pets/commit/1a2b, which only you can see" in capsys.readouterr().out


def test_what_is_public_does_not_get_what_should_be_private_nor_the_other_way_round(hub, export):
    public = run("push", f"checkpoint={export}", "repo=me/pets", "private=false")
    assert "me/pets is there already and private; set private=true, or another repo" in public
    hub.private = False
    assert "me/pets is there already and public; set private=false" in run(
        "push", f"checkpoint={export}", "repo=me/pets"
    )
    assert not any("/commit/" in path for path, *_ in hub.asked)
    assert run("push", f"checkpoint={export}", "repo=me/pets", "private=false") is None


def test_slips(hub, export, tmp_path, monkeypatch, run_of_images):
    place = f"checkpoint={export}"
    assert "no repository was named; set repo=NAME/PETS" in run("push", place)
    assert "repo got pets; it should be a name on the hub" in run("push", place, "repo=pets")
    assert "holds no export; write it first: " in run("push", f"checkpoint={run_of_images}", "repo=me/pets")
    assert "does not exist; give a run folder" in run("push", f"checkpoint={tmp_path / 'no'}", "repo=me/pets")
    monkeypatch.setenv("HF_TOKEN", "bad")
    refused = run("push", place, "repo=me/pets")
    assert "refused (status 401): Invalid username or password.; set HF_TOKEN" in refused
    monkeypatch.setenv("HF_TOKEN", "")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    assert "doesn't know who you are; set HF_TOKEN" in run("push", place, "repo=me/pets")
    monkeypatch.setenv("HF_TOKEN", "good")
    hub.shutdown()
    hub.server_close()
    assert f"{hub.address} can't be reached: " in run("push", place, "repo=me/pets")
