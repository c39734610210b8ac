"""Writes small sets of videos in every layout that is read."""

from pathlib import Path

import av
import numpy as np
from PIL import Image


def clips(number: int = 8, num_frames: int = 9, size: tuple[int, int] = (24, 32)) -> np.ndarray:
    """Return (N, T, H, W, 3) uint8: a bright square that wanders over a dim ground, another in every video."""
    videos = np.full((number, num_frames, *size, 3), 20, dtype=np.uint8)
    for video in range(number):
        for frame in range(num_frames):
            left = (video + 2 * frame) % (size[1] - 8)
            videos[video, frame, 6:14, left : left + 8] = (255, 40 * (video % 6), 30 * (video % 8))
    return videos


def write_videos(folder: Path, number: int = 8, num_frames: int = 9) -> None:
    """Write a tree of two classes of H.264 files."""
    for video, frames in enumerate(clips(number, num_frames)):
        write_mp4(folder / ("left" if video % 2 else "right") / f"{video}.mp4", frames)


def write_mp4(path: Path, frames: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=frames.shape[2], height=frames.shape[1])
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


def write_strips(folder: Path, number: int = 8) -> None:
    """Write a tree of two classes of frames side by side, one image a video."""
    for video, frames in enumerate(clips(number, size=(24, 24))):
        path = folder / str(video % 2) / f"{video}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.concatenate(frames, axis=1)).save(path)


def write_frame_folders(folder: Path, number: int = 8) -> None:
    """Write a tree of two classes of folders of numbered frames."""
    for video, frames in enumerate(clips(number)):
        path = folder / str(video % 2) / f"video_{video}"
        path.mkdir(parents=True)
        for place, frame in enumerate(frames):
            Image.fromarray(frame).save(path / f"frame_{place}.png")


def write_npy(folder: Path, number: int = 60) -> None:
    """Write grey videos, so many more than they have frames that the shape of the array tells its axes."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "videos.npy", clips(number, 6, size=(24, 24))[..., 0])


def write_ucf101(folder: Path, number: int = 8) -> None:
    """Write videos of two actions, two groups each, with the official lists of the first split."""
    lists = {"trainlist01.txt": [], "testlist01.txt": []}
    for video, frames in enumerate(clips(number)):
        action, group = ("Archery", "Biking")[video % 2], 1 + video // 2 % 2
        file = f"{action}/v_{action}_g{group:02}_c{1 + video // 4:02}.mp4"
        write_mp4(folder / file, frames)
        name, line = ("trainlist01.txt", f"{file} {1 + video % 2}") if group == 1 else ("testlist01.txt", file)
        lists[name].append(line)
    for name, lines in lists.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    (folder / "classInd.txt").write_text("1 Archery\n2 Biking\n")
