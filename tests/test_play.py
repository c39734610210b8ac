"""The local page: who may see it, what comes over its WebSocket, its files, and how it looks in a browser."""

import asyncio
import base64
import http.client
import io
import json
import shutil
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from commands import PROJECT, prepared, run
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from PIL import Image
from small_runs import started, wait_until

import framegan
from framegan import media, notes
from framegan.cli import play
from framegan.networks import mocogan
from framegan.play import server, session, studio

EXTRA = "the extra `play` isn't installed"
for name in ("starlette", "uvicorn"):
    pytest.importorskip(name, reason=EXTRA)
connect = pytest.importorskip("websockets.sync.client", reason=EXTRA).connect
exceptions = pytest.importorskip("websockets.exceptions", reason=EXTRA)


def point(seed, **moves):
    return {"seeds": {"content": seed, "motion": seed}, "moves": moves}


class Serving:
    """A server in a thread."""

    def __init__(self, *places, weights="ema"):
        self.server = server.Server(play.studio(str(places[0]), [*map(str, places[1:])], weights, "cpu", []), 0)
        self.address = self.server.address
        self.host = self.address.split("/")[2]
        self.thread = threading.Thread(target=self.server.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.stop()
        self.thread.join()

    def asked(self, path="", data=None, **headers):
        """Return the status, the headers and the content of an answer."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        content = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(path if "://" in path else self.address + path, content, sent)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def connected(self, origin=None, path="socket", address=None):
        place = (address or self.address).replace("http://", "ws://") + path
        return connect(place, origin=origin or f"http://{self.host}", max_size=None)


def heard(socket, kind):
    """Return the next message of a kind: what it says, or the header and the frames of each generator."""
    while True:
        said = socket.recv(timeout=30)
        if isinstance(said, str):
            found = json.loads(said)
            if found["kind"] == kind:
                return found
            continue
        length = int.from_bytes(said[:4], "little")
        header = json.loads(said[4 : 4 + length])
        if header["kind"] == kind:
            shape = [header[name] for name in ("generators", "frames", "height", "width", "channels")]
            return header, np.frombuffer(said[4 + length :], np.uint8).reshape(shape)


def show(socket, number, **wanted):
    socket.send(json.dumps({"kind": "show", "number": number, "wanted": wanted}))


@pytest.fixture(scope="module")
def serving(run_of_clips):
    with Serving(run_of_clips) as made:
        yield made


def test_nothing_is_given_without_the_token_or_under_another_name(serving):
    status, headers, content = serving.asked()
    assert status == 200
    assert b"<title>framegan play</title>" in content
    assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")
    root = f"http://{serving.host}/"
    for path in ("", "play.js", "socket", "favicon.ico", f"{'x' * 32}/", f"{'x' * 32}/play.js", serving.address[:-2]):
        status, headers, content = serving.asked(path if "://" in path else root + path)
        assert (status, b"lacks its token" in content) == (403, True), path
        assert headers["content-security-policy"]
    for name in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", ""):
        assert serving.asked(Host=name)[0] == 403, "another name may lead here by DNS rebinding"
    assert serving.asked(Host="localhost:9000")[0] == 200, "the port of a tunnel"
    assert serving.asked(Origin="http://evil.example")[0] == 403
    assert serving.asked("file", {}, Origin="http://evil.example")[0] == 403
    assert serving.asked("../../../etc/passwd")[0] in (403, 404)
    assert serving.asked("play.py")[0] == 404


@pytest.mark.parametrize("origin", ["http://evil.example", "null", f"http://127.0.0.1:{1}"])
def test_a_socket_is_refused_to_other_pages(serving, origin):
    with pytest.raises(exceptions.InvalidStatus), serving.connected(origin):
        pass


def test_a_socket_is_refused_without_the_token(serving):
    with pytest.raises(exceptions.InvalidStatus), serving.connected(address=f"http://{serving.host}/{'x' * 32}/"):
        pass


def test_a_seed_s_clip_comes_over_the_socket(serving, run_of_clips):
    with serving.connected() as socket:
        about = heard(socket, "about")
        (player,) = about["players"]
        assert [part["name"] for part in player["parts"]] == ["content", "motion"]
        assert player["classes"] == ["left", "right"]
        assert (player["shape"], player["frames_per_second"], about["ends"]) == ([3, 4, 16, 16], 12.5, "")
        show(socket, 1, point=point(3), category=1)
        header, frames = heard(socket, "show")
        expected = framegan.load(run_of_clips).clip(3, category=1).frames
        assert header["number"] == 1
        assert np.abs(frames[0].astype(int) - expected).max() <= 1
        socket.send("nonsense")
        assert "Invalid JSON" in heard(socket, "refused")["message"]
        socket.send(json.dumps({"kind": "drawn", "frames": 1}))
        show(socket, 2, point=point(3), category=5)
        refused = heard(socket, "refused")
        assert (refused["number"], "this generator has the categories left, right" in refused["message"]) == (2, True)
        show(socket, 3, point=point(4), num_frames=6)
        assert heard(socket, "show")[1].shape == (1, 6, 16, 16, 3)


def test_an_endless_clip_waits_for_the_page(serving):
    with serving.connected() as socket:
        stream = {"kind": "stream", "wanted": {"point": point(5)}, "ahead": 4, "begin": 1, "number": 1}
        socket.send(json.dumps(stream))
        frames = []
        while len(frames) < 4:
            frames += [*heard(socket, "stream")[1][0]]
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.3)  # four are ahead, and none is drawn
        socket.send(json.dumps({"kind": "drawn", "frames": 4}))
        while len(frames) < 8:
            frames += [*heard(socket, "stream")[1][0]]
        show(socket, 2, point=point(5), num_frames=8)
        socket.send(json.dumps({"kind": "drawn", "frames": 4}))  # now that no more of the clip are wanted
        whole = heard(socket, "show")[1]
        assert np.abs(np.stack(frames).astype(int) - whole[0]).max() <= 1


def test_the_newest_request_wins():
    made, sent, gate = [], [], threading.Event()

    class Slow:
        def frames_of(self, wanted):
            made.append(wanted.point.seeds["motion"])
            assert gate.wait(10)
            return np.zeros((1, 2, 2, 3), np.uint8)

    class Studio(studio.Studio):
        def __init__(self):
            super().__init__([], lambda *_: "")

        @property
        def players(self):
            return [Slow()]

        def about(self):
            return {"kind": "about"}

    async def told(seed):
        show = {"kind": "show", "number": seed, "wanted": {"point": point(seed)}}
        await tab.hear(json.dumps(show))
        await asyncio.sleep(0.05)

    async def all_of_it():
        nonlocal tab
        tab = session.Session(Studio(), lambda message: asyncio.sleep(0, sent.append(message)))
        serving = asyncio.create_task(tab.serve())
        for seed in range(1, 7):
            await told(seed)  # the first is being made all the time
        gate.set()
        await asyncio.sleep(0.1)
        assert made == [1], "and the next one waits until the page has drawn it"
        await tab.hear('{"kind": "drawn", "frames": 1}')
        await asyncio.sleep(0.1)
        serving.cancel()

    tab = None
    asyncio.run(all_of_it())
    assert made == [1, 6]
    assert len(sent) == 3  # what there is, and two pictures


def test_files_say_how_they_are_made_again(serving, tmp_path, monkeypatch, run_of_clips):
    monkeypatch.chdir(run_of_clips.parent)
    for file in ("png", "gif"):
        wanted = {"point": point(7) | {"seeds": {"content": 2, "motion": 7}}, "category": 0, "num_frames": 5}
        asked = {"wanted": wanted, "format": file, "frames_per_second": 20}
        status, headers, content = serving.asked("file", asked)
        assert status == 200, content
        assert headers["content-disposition"] == "attachment"
        first, again = tmp_path / f"first.{file}", tmp_path / f"again.{file}"
        first.write_bytes(content)
        assert "content_seed=2 num_frames=5" in json.loads(notes.read(first))["command"]
        assert run("generate", "--from", str(first), f"out={again}") is None
        with Image.open(first) as one, Image.open(again) as other:
            assert getattr(one, "n_frames", 1) == getattr(other, "n_frames", 1) == (5 if file == "gif" else 1)
            assert np.array_equal(one.convert("RGB"), other.convert("RGB"))
    for rate, made in ((0.25, 200), (120, 400)):  # data may be as slow; and a .gif shows at most 50
        asked = {"wanted": {"point": point(0)}, "format": "gif", "frames_per_second": rate}
        status, _, content = serving.asked("file", asked)
        assert status == made, content
    walk = {"wanted": {"point": point(0), "pins": [point(1), point(4)]}, "format": "gif", "whole_walk": True}
    status, _, content = serving.asked("file", walk)
    (tmp_path / "walk.gif").write_bytes(content)
    assert json.loads(notes.read(tmp_path / "walk.gif"))["settings"]["interpolate"] == [1, 4]
    with Image.open(tmp_path / "walk.gif") as film:
        assert film.n_frames == 7


def test_a_file_that_takes_minutes_stops_nobody_and_ends_with_its_page(serving):
    wanted = {"point": point(0), "pins": [point(k) for k in range(64)], "num_frames": 40}
    page = http.client.HTTPConnection(serving.host)
    asked = json.dumps({"wanted": wanted, "format": "gif", "whole_walk": True})
    page.request("POST", f"{serving.address.rpartition(serving.host)[2]}file", asked, {"Host": serving.host})
    with serving.connected() as socket:
        for number in range(1, 4):
            show(socket, number, point=point(number))
            assert heard(socket, "show")[0]["number"] == number
            socket.send(json.dumps({"kind": "drawn", "frames": 1}))
    page.close()
    assert serving.asked("file", {"wanted": {"point": point(1)}, "format": "png"})[0] == 200


def test_a_file_of_moved_sliders_is_not_made_again_as_another(serving, tmp_path):
    moved = {"wanted": {"point": point(7, content=[1.5])}, "format": "mp4"}
    (tmp_path / "moved.mp4").write_bytes(serving.asked("file", moved)[2])
    said = json.loads(notes.read(tmp_path / "moved.mp4"))
    assert said["asked"]["wanted"]["point"]["moves"] == {"content": [1.5]}
    assert str(Path.home()) not in json.dumps(said)
    assert "was made by framegan play, with sliders" in run("generate", "--from", str(tmp_path / "moved.mp4"))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"format": "exe"}, "wanted: Field required"),
        ({"wanted": {"point": point(1)}, "format": "png", "whole_walk": True}, "takes two pinned samples"),
        ({"wanted": {"point": point(1)}, "format": "gif", "frames_per_second": 100}, "a .gif shows 0.01 to 50"),
        ({"wanted": {"point": point(1), "truncation": 0.5}, "format": "png"}, "this generator takes none"),
    ],
)
def test_a_file_that_can_t_be_is_refused(serving, asked, message):
    status, _, content = serving.asked("file", asked)
    assert (status, message in content.decode()) == (400, True), content


def test_images_and_two_weights_side_by_side(run_of_images, tmp_path):
    with Serving(run_of_images, weights=["ema", "raw"]) as serving:
        with serving.connected() as socket:
            about = heard(socket, "about")
            assert [player["makes_clips"] for player in about["players"]] == [False, False]
            assert about["ends"]
            show(socket, 1, point={"seeds": {"latents": 3}})
            header, frames = heard(socket, "show")
            assert (header["frames"], header["generators"]) == (1, 2)
            for place, weights in enumerate(("ema", "raw")):
                expected = media.to_frames(framegan.load(run_of_images, weights=weights).sample(1, seed=3))
                assert np.abs(frames[place].astype(int) - expected).max() <= 1
            assert (frames[0] != frames[1]).any()
        asked = {"wanted": {"point": {"seeds": {"latents": 3}}}, "format": "png"}
        (tmp_path / "both.png").write_bytes(serving.asked("file", asked)[2])
    assert run("generate", "--from", str(tmp_path / "both.png"), f"out={tmp_path / 'again.png'}") is not None
    again = ("generate", f"checkpoint={run_of_images}", "--from", str(tmp_path / "both.png"))
    assert run(*again, f"out={tmp_path / 'again.png'}") is None
    assert (tmp_path / "both.png").read_bytes() == (tmp_path / "again.png").read_bytes()


def test_a_new_checkpoint_comes_in_and_half_of_one_does_not(run_of_clips, tmp_path, monkeypatch):
    monkeypatch.setattr(studio, "EVERY", 0.05)
    folder = shutil.copytree(run_of_clips, tmp_path / "run")
    last = folder / "checkpoints" / "last.ckpt"
    whole = last.read_bytes()
    checkpoint = torch.load(last, weights_only=True)
    checkpoint["loops"]["fit_loop"]["state_dict"] = {}
    for name, weight in checkpoint["state_dict"].items():
        if name.startswith("generator_ema.frames") and weight.ndim > 2:
            weight *= 20
    with Serving(folder) as serving, serving.connected() as socket:
        heard(socket, "about")
        show(socket, 1, point=point(1))
        before = heard(socket, "show")[1]
        last.write_bytes(whole[: len(whole) // 2])
        assert "can't be read" in heard(socket, "about")["trouble"]
        torch.save(checkpoint, tmp_path / "new.ckpt")
        (tmp_path / "new.ckpt").replace(last)
        while heard(socket, "about")["trouble"]:
            pass
        socket.send(json.dumps({"kind": "drawn", "frames": 1}))
        show(socket, 2, point=point(1))
        assert (heard(socket, "show")[1] != before).any()


def test_while_a_run_trains_its_last_checkpoint_is_shown(run_of_clips, tmp_path):
    folder = shutil.copytree(run_of_clips, tmp_path / "run")
    checkpoints = folder / "checkpoints"
    shutil.copy(checkpoints / "last.ckpt", checkpoints / "best.ckpt")
    of_run = play.Run(str(folder), "ema", "cpu", [])
    assert of_run.load().checkpoint == "best.ckpt"
    summary = folder / "summary.json"
    summary.write_text(json.dumps(json.loads(summary.read_text()) | {"status": "running"}))
    assert of_run.load().checkpoint == "last.ckpt"
    summary.write_text("{")
    assert of_run.stamp()[0].name == "best.ckpt"


def test_the_words_of_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert prepared("play", ["runs/a", "--no-browser"]) == ["checkpoint=runs/a", "open_browser=false"]
    assert prepared("play", ["runs/a", "b's run", "port=80"]) == ["checkpoint=runs/a", 'beside=["b\'s run"]', "port=80"]
    assert prepared("play", ["a", "b", "port=80", "c"]) == ["checkpoint=a", 'beside=["b","c"]', "port=80"]
    (tmp_path / "my run").mkdir()
    assert prepared("play", ["my", "run"]) == ['checkpoint="my run"']


def test_slips(run_of_clips, run_of_images, monkeypatch):
    named = f"checkpoint={run_of_clips}"
    assert "port got 70000" in run("play", named, "port=70000")
    with Serving(run_of_clips) as serving:
        port = serving.host.partition(":")[2]
        assert f"port={port} can't be used: " in run("play", named, f"port={port}")
    assert "can't be shown beside" in run("play", named, f"beside=[{run_of_images}]", "open_browser=false")
    assert "no run was named" in run("play")
    monkeypatch.setattr(server, "find_spec", lambda name: None)
    assert 'not installed here: pip install "framegan[play]"' in run("play", named)


def test_a_run_folder_can_t_run_a_program(run_of_images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = shutil.copytree(run_of_images, tmp_path / "run")
    config = folder / ".hydra" / "config.yaml"
    node = yaml.safe_load(config.read_text())
    node["model"]["generator"] = {"_target_": "os.system", "command": "touch marker"}
    config.write_text(yaml.safe_dump(node))
    assert "got 'os.system'" in run("play", f"checkpoint={folder}", "open_browser=false")
    assert not (tmp_path / "marker").exists()


def test_ctrl_c_ends_it_without_a_traceback(run_of_clips):
    command = [sys.executable, "-m", "framegan", "play", run_of_clips, "--no-browser"]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        while "http://" not in (line := running.stdout.readline()):
            assert running.poll() is None, running.stderr.read()
        address = line.split()[1]
        place = f"{address.replace('http', 'ws')}socket"
        with connect(place, origin=address.rpartition("/")[0].rpartition("/")[0]) as socket:
            heard(socket, "about")
            socket.send(json.dumps({"kind": "stream", "number": 1, "begin": 1, "wanted": {"point": point(1)}}))
            heard(socket, "stream")
            running.send_signal(signal.SIGINT)
            assert running.wait(20) == -signal.SIGINT
            with pytest.raises(exceptions.ConnectionClosed):
                while True:
                    socket.recv(timeout=5)
        assert running.stderr.read() == ""


@pytest.fixture
def opened(new_page):
    """Open an address; the test fails where its page says something, or asks for something of another place."""
    faults, pages = [], []

    def open_page(address, **options):
        shown = new_page(**options)
        gone = "net::ERR_CONNECTION_REFUSED"  # as the page asks again once the server has ended
        shown.on("console", lambda message: None if gone in message.text else faults.append(message.text))
        shown.on("pageerror", lambda error: faults.append(str(error)))
        elsewhere = (address, address.replace("http", "ws"), "blob:")
        shown.on("request", lambda request: None if request.url.startswith(elsewhere) else faults.append(request.url))
        shown.goto(address)
        shown.wait_for_selector("body[data-shown]")
        pages.append(shown)
        return shown

    yield open_page
    for shown in pages:
        assert shown.evaluate("window.hacked") is None
        assert shown.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing sticks out"
        shown.close()
    assert faults == []


def picture(shown):
    return shown.evaluate("document.querySelector('figure canvas').toDataURL()")


def becomes(shown, condition):
    """Wait until something holds of the picture; the page's own rules forbid to have it watch."""
    found = []

    def holds():
        shown.wait_for_timeout(30)
        found.append(picture(shown))
        return condition(found[-1])

    wait_until(holds, 20)
    return found[-1]


HOSTILE = "<img src=x onerror=hacked=1>"


@pytest.fixture(scope="module")
def hostile(run_of_images, tmp_path_factory):
    """A run whose folder and classes are called so that they would run a script where they were taken for HTML."""
    folder = shutil.copytree(run_of_images, tmp_path_factory.mktemp("hostile") / HOSTILE)
    last = folder / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(last, weights_only=True)
    names = [f"{HOSTILE}{number}" for number in range(len(framegan.load(run_of_images).classes))]
    checkpoint["DataModule"]["classes"] = names
    torch.save(checkpoint, last)
    return folder


def test_the_page_in_a_browser(opened, hostile):
    with Serving(hostile) as serving:
        shown, other = (opened(serving.address) for _ in range(2))
        assert shown.locator("img").count() == 0
        assert shown.locator("figcaption strong").text_content() == HOSTILE
        assert shown.locator("#class option").nth(1).text_content() == f"{HOSTILE}0"
        first, of_other = picture(shown), picture(other)
        assert first == of_other
        slider = shown.locator(".direction input").first
        slider.focus()
        slider.press("End")
        moved = becomes(shown, lambda now: now != first)
        assert shown.locator(".direction output").first.text_content() == "3.00"
        assert picture(other) == first, "another tab is another page"
        shown.locator("body").press("0")
        becomes(shown, lambda now: now == first)
        shown.locator("#next").click()
        second = becomes(shown, lambda now: now not in (first, moved))
        shown.wait_for_timeout(400)
        shown.reload()
        shown.wait_for_selector("body[data-shown]")
        assert picture(shown) == second, "it is kept in the address"
        with shown.expect_download() as waiting:
            shown.get_by_text("PNG", exact=True).click()
        drawn = Image.open(io.BytesIO(base64.b64decode(second.partition(",")[2])))
        with Image.open(waiting.value.path()) as image:
            assert np.abs(np.asarray(image.convert("RGB")).astype(int) - np.asarray(drawn.convert("RGB"))).max() <= 1


@pytest.fixture(scope="module")
def of_64(run_of_clips, tmp_path_factory):
    """The run of clips as if it had the networks of model=mocogan for 16 frames of 64 pixels, untrained."""
    folder = shutil.copytree(run_of_clips, tmp_path_factory.mktemp("of_64") / "run")
    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        node = OmegaConf.to_container(compose("train", ["model=mocogan"]).model.generator, resolve=False)
    node |= {"shape": [3, 16, 64, 64], "num_classes": 2, "conditional": "auto"}
    config = folder / ".hydra" / "config.yaml"
    kept = yaml.safe_load(config.read_text())
    kept["model"]["generator"] = node
    config.write_text(yaml.safe_dump(kept))
    last = folder / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(last, weights_only=True)
    state = mocogan.Generator(**{name: value for name, value in node.items() if name != "_target_"}).state_dict()
    others = {name: value for name, value in checkpoint["state_dict"].items() if not name.startswith("generator")}
    both = {f"{name}.{key}": value for name in ("generator", "generator_ema") for key, value in state.items()}
    torch.save(checkpoint | {"state_dict": others | both}, last)
    with Serving(folder) as made:
        yield made


@pytest.mark.parametrize("options", [{"viewport": {"width": 375, "height": 812}, "color_scheme": "dark"}])
def test_an_endless_clip_of_64_pixels_in_a_browser(opened, of_64, options):
    shown = opened(of_64.address, **options)
    assert shown.evaluate("[...document.querySelectorAll('figure canvas')].map((it) => it.width)") == [64]
    assert shown.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    shown.get_by_label("speed, a number").fill("30")
    shown.locator("body").press("s")

    def streams_at_25():
        shown.wait_for_timeout(100)
        is_fast = float(shown.locator("body").get_attribute("data-rate")) > 25
        return is_fast and " possible" in shown.locator("#rate").text_content()

    wait_until(streams_at_25, 30)
    shown.locator("body").press(" ")
    still = picture(shown)
    shown.wait_for_timeout(200)
    assert picture(shown) == still
    shown.locator("body").press("s")
    for _ in range(2):
        shown.locator("body").press("r")
        shown.locator("body").press("p")
        shown.wait_for_timeout(100)
    assert shown.locator("#pins canvas").count() == 2
    before = picture(shown)
    shown.locator("#place").focus()
    shown.locator("#place").press("End")
    becomes(shown, lambda now: now != before)
    assert shown.locator("#pin").is_disabled(), "the sample itself isn't shown"
    assert "choose a seed first" in shown.locator("#pin").get_attribute("title")
    shown.locator("body").press("p")
    assert shown.locator("#pins canvas").count() == 2
    shown.locator("body").press("r")
    wait_until(shown.locator("#pin").is_enabled, 20)
    for _ in range(62):
        shown.locator("body").press("p")
        shown.wait_for_timeout(20)
    assert shown.locator("#pins canvas").count() == 64
    wait_until(shown.locator("#pin").is_disabled, 20)
    assert shown.locator("#pin").get_attribute("title") == "no more than 64 can be pinned: remove one first"
