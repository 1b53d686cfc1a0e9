"""A `Head` in, Blender Cycles pictures of it out: its parts as Blender objects, camera, projection.

Needs `pip install bpy==5.0.1` (see studio/README.md for the Debian packages).
"""

import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
import mathutils
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils.bvhtree import BVHTree

from studio.hair import CENTRE, POINTS, Skull, comb
from studio.head import BUST_Y, PIVOT, Head, Pose, rotation, smoothstep
from studio.idle import FRAME_SIZE
from studio.light import light
from studio.makehuman import Mesh
from studio.materials import Materials
from studio.paint import cornea, front, paint

STRAND_RADIUS = 0.0046


def to_blender(xyz: np.ndarray) -> np.ndarray:
    """The assets' axes (y up) to Blender's (z up), `[n, 3]`."""
    return np.stack([xyz[:, 0], -xyz[:, 2], xyz[:, 1]], 1)


@contextmanager
def silenced() -> Iterator[None]:
    """Keep Blender's own lines off the terminal."""
    sys.stdout.flush()
    kept, null = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(null)


class Scene:
    """Iris before a camera; `pose` moves her, `render` takes the picture."""

    def __init__(self, head: Head, *, samples: int, lens_mm: float = 117, camera_y: float = 6.52) -> None:
        self.head, self.objects, self.used = head, {}, {}
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene = bpy.context.scene
        materials = Materials(head.assets / "textures")
        still = head.deform(np.zeros(12), Pose())
        scalp = self._scalp(still)
        for name, vertices in still.items():
            if name != "cap":
                mesh = head.body if name == "skin" else head.meshes[name]
                self._add(name, mesh, vertices, materials.of[name])
        for name, values in {"scalp": scalp, **paint(still["skin"])}.items():
            self._paint("skin", name, values)
        self._paint("skin", "still", still["skin"])
        for part in ("teeth", "tongue"):
            self._paint(part, "front", front(still[part]))
        self._paint("eyes", "cornea", cornea(head.meshes["eyes"]))
        skin = still["skin"]
        strands = comb(self._skull(skin), skin, self.head.body.faces, scalp)
        self._strands(strands, materials.of["hair"])
        light(self.scene)
        self._camera(samples, lens_mm, camera_y)
        bpy.context.view_layer.update()  # projecting needs the camera in its place

    def _add(self, name: str, mesh: Mesh, vertices: np.ndarray, material: bpy.types.Material) -> None:
        high = vertices[:, 1] > BUST_Y
        faces = [i for i, face in enumerate(mesh.faces) if high[face].all()]
        used = np.array(sorted({k for i in faces for k in mesh.faces[i]}))
        new = {k: j for j, k in enumerate(used)}
        data = bpy.data.meshes.new(name)
        polygons = [[new[k] for k in dict.fromkeys(mesh.faces[i])] for i in faces]
        data.from_pydata(to_blender(vertices[used]).tolist(), [], polygons)
        uv = data.uv_layers.new(name="uv")
        for polygon, i in zip(data.polygons, faces, strict=True):
            corner = dict(zip(mesh.faces[i], mesh.uv_faces[i], strict=True))
            for loop, k in zip(polygon.loop_indices, dict.fromkeys(mesh.faces[i]), strict=True):
                uv.data[loop].uv = mesh.uv[corner[k]] if len(mesh.uv) else (0, 0)
            polygon.use_smooth = True
        data.materials.append(material)
        thing = bpy.data.objects.new(name, data)
        self.scene.collection.objects.link(thing)
        smooth = thing.modifiers.new("smooth", "SUBSURF")
        smooth.levels = smooth.render_levels = 1
        self.objects[name], self.used[name] = thing, used

    def _paint(self, part: str, name: str, values: np.ndarray) -> None:
        """Give each vertex of a part a number `[n]` or a vector `[n, 3]` for its shader."""
        kind, field = ("FLOAT", "value") if values.ndim == 1 else ("FLOAT_VECTOR", "vector")
        attribute = self.objects[part].data.attributes.new(name, kind, "POINT")
        attribute.data.foreach_set(field, values[self.used[part]].astype("f").ravel())

    def _scalp(self, still: dict[str, np.ndarray]) -> np.ndarray:
        """How much of each skin vertex hair covers, `[n]` 0..1: near the cap of the asset's own hair."""
        cap = BVHTree.FromPolygons(still["cap"].tolist(), self.head.meshes["cap"].faces)
        skin = still["skin"]
        both = [[cap.find_nearest(p, 0.5)[3] for p in (skin * [side, 1, 1]).tolist()] for side in (1, -1)]
        near = np.array(both, float)  # None, too far, becomes NaN
        near = np.where(np.isnan(near), 0.5, near).mean(0)
        ear = (
            smoothstep(abs(skin[:, 0]), 0.60, 0.64)
            * smoothstep(-skin[:, 1], -7.0, -6.92)
            * smoothstep(skin[:, 2], -0.05, 0.1)
        )
        return (1 - smoothstep(near, 0.03, 0.13)) * (1 - ear)

    def _skull(self, skin: np.ndarray) -> Skull:
        faces = [face for face in self.head.body.faces if skin[face, 1].min() > 5.9]
        surface, far = BVHTree.FromPolygons(skin.tolist(), faces), 3.0

        def distance(directions: np.ndarray) -> np.ndarray:
            found = [surface.ray_cast(CENTRE + far * d, -d)[3] for d in directions]
            return far - np.array(found, float)  # None, nothing there, becomes NaN

        return distance

    def _strands(self, points: np.ndarray, material: bpy.types.Material) -> None:
        curves = bpy.data.hair_curves.new("hair")
        curves.add_curves([POINTS] * len(points))
        flat = to_blender(points.reshape(-1, 3) - PIVOT)
        curves.attributes["position"].data.foreach_set("vector", flat.astype("f").ravel())
        radius = curves.attributes.new("radius", "FLOAT", "POINT")
        taper = np.concatenate([[0.5], np.linspace(1, 0.7, POINTS - 1)]) * STRAND_RADIUS
        radius.data.foreach_set("value", np.tile(taper, len(points)).astype("f"))
        curves.materials.append(material)
        self.hair = bpy.data.objects.new("hair", curves)
        self.hair.location = to_blender(PIVOT[None])[0]
        self.hair.rotation_mode = "QUATERNION"
        self.scene.collection.objects.link(self.hair)

    def _camera(self, samples: int, lens_mm: float, camera_y: float) -> None:
        scene, render = self.scene, self.scene.render
        render.engine, scene.cycles.device = "CYCLES", "CPU"
        scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.transparent_max_bounces = samples, True, 16
        scene.cycles.denoising_prefilter = "FAST"  # a third of the time of "ACCURATE", no difference seen
        scene.cycles.max_bounces, scene.cycles.use_adaptive_sampling = 4, False
        scene.cycles.diffuse_bounces, scene.cycles.glossy_bounces = 1, 2
        scene.cycles_curves.subdivisions = 1
        scene.cycles.seed = 3  # the same grain in every frame: no flicker
        render.resolution_x = render.resolution_y = FRAME_SIZE
        render.use_persistent_data = True
        scene.cycles.debug_bvh_type = "DYNAMIC_BVH"  # what only turns, the hair, is not built anew
        scene.view_settings.view_transform, scene.view_settings.look = "AgX", "AgX - Medium High Contrast"
        scene.view_settings.exposure = 0.4
        camera = bpy.data.cameras.new("camera")
        camera.lens = lens_mm
        self.camera = bpy.data.objects.new("camera", camera)
        self.camera.location, self.camera.rotation_euler = (0, -9.5, camera_y), (math.radians(90), 0, 0)
        scene.collection.objects.link(self.camera)
        scene.camera = self.camera

    def pose(self, code: np.ndarray, pose: Pose) -> dict[str, np.ndarray]:
        """Shape the mouth and move her; returns the vertices of each part."""
        parts = self.head.deform(code, pose)
        for name, thing in self.objects.items():
            thing.data.vertices.foreach_set("co", to_blender(parts[name][self.used[name]]).astype("f").ravel())
            thing.data.update()
        turn = rotation(pose.yaw, pose.pitch, pose.roll)
        axes = to_blender(np.eye(3)).T  # the assets' axes as Blender's columns
        self.hair.rotation_quaternion = mathutils.Matrix((axes @ turn @ axes.T).tolist()).to_quaternion()
        self.hair.location = to_blender((PIVOT + np.array([0, 0.0054, 0.0018]) * pose.breath)[None])[0]
        bpy.context.view_layer.update()
        return parts

    def project(self, xyz: np.ndarray) -> np.ndarray:
        """Points `[n, 3]` of the assets' space to frame pixels `[n, 2]` (x right, y down, pixel centres whole)."""
        seen = [world_to_camera_view(self.scene, self.camera, mathutils.Vector(p)) for p in to_blender(xyz)]
        return np.array([[p.x * FRAME_SIZE, (1 - p.y) * FRAME_SIZE] for p in seen]) - 0.5

    def render(self, path: Path, box: tuple[int, int, int, int] | None = None) -> None:
        """Write the frame, or its box x0, y0, x1, y1 in pixels, as PNG."""
        render = self.scene.render
        render.use_border = render.use_crop_to_border = box is not None
        if box:
            x0, y0, x1, y1 = box
            sides = ((side + 0.02) / FRAME_SIZE for side in (x0, x1, FRAME_SIZE - y1, FRAME_SIZE - y0))
            # Blender rounds down, so the sides lie just inside their pixels.
            render.border_min_x, render.border_max_x, render.border_min_y, render.border_max_y = sides
        render.filepath = str(path)
        with silenced():
            bpy.ops.render.render(write_still=True)
