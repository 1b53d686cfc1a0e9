"""MakeHuman's files in, meshes, shape targets and how parts fit a body out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Mesh:
    """A polygon mesh as the .obj file has it."""

    vertices: np.ndarray
    """`[n, 3]` float64."""
    uv: np.ndarray
    """`[m, 2]` float64 texture coordinates."""
    faces: list[list[int]]
    """Vertex numbers of each polygon."""
    uv_faces: list[list[int]]
    """Texture coordinate numbers of each polygon's corners."""


def read_obj(path: Path, group: str | None = None) -> Mesh:
    """Read a Wavefront .obj, or one group of it."""
    vertices, uv, faces, uv_faces, current = [], [], [], [], None
    for line in path.read_text().splitlines():
        word, *rest = line.split() or [""]
        if word == "v":
            vertices.append([float(x) for x in rest[:3]])
        elif word == "vt":
            uv.append([float(x) for x in rest[:2]])
        elif word == "g":
            current = rest[0]
        elif word == "f" and group in (None, current):
            corners = [c.split("/") for c in rest]
            faces.append([int(c[0]) - 1 for c in corners])
            uv_faces.append([int(c[1]) - 1 if len(c) > 1 and c[1] else 0 for c in corners])
    return Mesh(np.array(vertices), np.array(uv).reshape(-1, 2), faces, uv_faces)


def read_target(path: Path, vertices: int) -> np.ndarray:
    """Read a sparse shape target as dense offsets `[vertices, 3]`."""
    offsets = np.zeros((vertices, 3))
    for line in path.read_text().splitlines():
        number, *xyz = line.split() or ["#"]
        if not number.startswith("#"):
            offsets[int(number)] += [float(x) for x in xyz[:3]]
    return offsets


@dataclass(frozen=True)
class Fit:
    """How a part hangs on the body: three body vertices, their weights and an offset for each of its own."""

    rows: np.ndarray
    """`[n, 9]` float64."""
    scales: list[tuple[int, int, float]]
    """For x, y, z: two body vertices and their distance on the body the part was made for."""
    mesh_path: Path

    def size(self, body: np.ndarray) -> np.ndarray:
        """The part's scale `[3]` on a body `[n, 3]`."""
        return np.array([abs(body[a, k] - body[b, k]) / d for k, (a, b, d) in enumerate(self.scales)])

    def apply(self, body: np.ndarray, size: np.ndarray) -> np.ndarray:
        """The part's vertices `[n, 3]` on a body `[n, 3]`."""
        corners = body[self.rows[:, :3].astype(int)]
        return (corners * self.rows[:, 3:6, None]).sum(1) + self.rows[:, 6:9] * size


def read_fit(path: Path) -> Fit:
    """Read a .mhclo fitting file."""
    rows, scales, mesh, inside = [], {}, path, False
    for line in path.read_text().splitlines():
        word, *rest = line.split() or ["#"]
        if word == "obj_file":
            mesh = path.parent / rest[0]
        elif word in ("x_scale", "y_scale", "z_scale"):
            scales[word] = (int(rest[0]), int(rest[1]), float(rest[2]))
        elif word == "verts":
            inside = True
        elif inside and word.isdigit():
            numbers = [float(x) for x in (word, *rest)]
            rows.append(numbers if len(numbers) == 9 else [numbers[0]] * 3 + [1, 0, 0, 0, 0, 0])
        elif inside and rows:
            break
    return Fit(np.array(rows), [scales[k] for k in ("x_scale", "y_scale", "z_scale")], mesh)
