"""All that can be found out or downloaded again lies in one folder, which XDG_CACHE_HOME moves."""

from pathlib import Path

from framegan.data.cache_places import beside, places
from framegan.files.user_cache import user_cache
from framegan.metrics import statistics_cache
from framegan.metrics.weights import Published


def test_one_root_for_everything(tmp_path, monkeypatch):
    for name in ("FRAMEGAN_WEIGHTS", "FRAMEGAN_STATISTICS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    def kept() -> list[Path]:
        weights = Published("w.pt", [], "").path
        return [weights, statistics_cache.path_of("key"), places(tmp_path / "data")[1], user_cache()]

    assert all((tmp_path / ".cache" / "framegan") in (path, *path.parents) for path in kept())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    assert all((tmp_path / "elsewhere" / "framegan") in (path, *path.parents) for path in kept())
    monkeypatch.setenv("FRAMEGAN_WEIGHTS", str(tmp_path / "weights"))
    assert Published("w.pt", [], "").path == tmp_path / "weights" / "w.pt"
    assert beside(tmp_path / "data") == tmp_path / "data.framegan"
