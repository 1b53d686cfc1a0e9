"""A `Head` in, Blender Cycles pictures of it out: materials, hair, light, camera, projection.

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

from studio.head import BUST_Y, PIVOT, Head, Mesh, Pose, rotation, smoothstep
from studio.idle import FRAME_SIZE

BUN = np.array([0.0, 7.05, -0.62])  # where the hair is gathered
SKULL = np.array([0.0, 6.95, 0.35])  # centre from which strands are laid on the scalp
STRANDS, POINTS = 30_000, 10
TEXTURES = {
    "skin": "young_lightskinned_female_diffuse.png",
    "teeth": "teeth.png",
    "eyes": "brown_eye.png",
    "brows": "eyebrow001.png",
    "lashes": "eyelashes01.png",
    "top": "female_casualsuit01_diffuse.png",
}


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


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


class Materials:
    """The shaders of every part."""

    def __init__(self, textures: Path) -> None:
        self.textures = textures
        make = {
            "skin": self._skin,
            "teeth": self._teeth,
            "tongue": self._tongue,
            "eyes": self._eyes,
            "brows": self._cutout,
            "lashes": self._cutout,
            "top": self._top,
        }
        self.of = {name: self._new(name, fill) for name, fill in make.items()}
        self.of["hair"] = self._hair()

    def _new(self, name: str, fill) -> bpy.types.Material:  # noqa: ANN001
        material = bpy.data.materials.new(name)
        material.use_nodes = True
        tree = material.node_tree
        inputs = tree.nodes["Principled BSDF"].inputs
        image = None
        if name in TEXTURES:
            image = tree.nodes.new("ShaderNodeTexImage")
            image.image = bpy.data.images.load(str(self.textures / TEXTURES[name]))
        fill(tree, inputs, image)
        return material

    @staticmethod
    def _toned(tree, inputs, colour, *, hue=0.5, saturation=1.0, value=1.0):  # noqa: ANN001, ANN205, PLR0913
        node = tree.nodes.new("ShaderNodeHueSaturation")
        for key, number in (("Hue", hue), ("Saturation", saturation), ("Value", value)):
            node.inputs[key].default_value = number
        tree.links.new(colour, node.inputs["Color"])
        tree.links.new(node.outputs["Color"], inputs["Base Color"])
        return node.outputs["Color"]

    def _skin(self, tree, inputs, image) -> None:  # noqa: ANN001
        """Soft subsurface skin; redness (lips, nose) lowers the roughness; the scalp is dark under the hair."""
        inputs["Subsurface Weight"].default_value, inputs["Subsurface Scale"].default_value = 0.22, 0.035
        inputs["Subsurface Radius"].default_value = (1, 0.32, 0.16)
        scalp = tree.nodes.new("ShaderNodeAttribute")
        scalp.attribute_name = "scalp"
        mix = tree.nodes.new("ShaderNodeMix")
        mix.data_type = "RGBA"
        tree.links.new(scalp.outputs["Fac"], mix.inputs["Factor"])
        mix.inputs["B"].default_value = mix.inputs[7].default_value = (0.035, 0.018, 0.010, 1)
        toned = self._toned(tree, inputs, image.outputs["Color"], saturation=1.02)
        tree.links.new(toned, mix.inputs[6])
        tree.links.new(mix.outputs[2], inputs["Base Color"])
        split = tree.nodes.new("ShaderNodeSeparateColor")
        tree.links.new(image.outputs["Color"], split.inputs[0])
        red = tree.nodes.new("ShaderNodeMath")
        red.operation = "SUBTRACT"
        tree.links.new(split.outputs[0], red.inputs[0])
        tree.links.new(split.outputs[1], red.inputs[1])
        ramp = tree.nodes.new("ShaderNodeMapRange")
        for key, number in (("From Min", 0.18), ("From Max", 0.40), ("To Min", 0.48), ("To Max", 0.30)):
            ramp.inputs[key].default_value = number
        tree.links.new(red.outputs[0], ramp.inputs[0])
        tree.links.new(ramp.outputs[0], inputs["Roughness"])
        self._bump(tree, inputs, ((14, 0.08, 0.02), (90, 0.16, 0.006)))

    @staticmethod
    def _bump(tree, inputs, layers) -> None:  # noqa: ANN001
        previous, place = None, tree.nodes.new("ShaderNodeTexCoord")
        for scale, strength, distance in layers:
            noise, bump = tree.nodes.new("ShaderNodeTexNoise"), tree.nodes.new("ShaderNodeBump")
            noise.inputs["Scale"].default_value, noise.inputs["Detail"].default_value = scale, 4
            bump.inputs["Strength"].default_value, bump.inputs["Distance"].default_value = strength, distance
            tree.links.new(place.outputs["UV"], noise.inputs["Vector"])
            tree.links.new(noise.outputs[0], bump.inputs["Height"])
            if previous:
                tree.links.new(previous.outputs[0], bump.inputs["Normal"])
            previous = bump
        tree.links.new(previous.outputs[0], inputs["Normal"])

    def _teeth(self, tree, inputs, image) -> None:  # noqa: ANN001
        inputs["Roughness"].default_value, inputs["Subsurface Weight"].default_value = 0.18, 0.25
        inputs["Subsurface Scale"].default_value = 0.05
        inputs["Coat Weight"].default_value, inputs["Coat Roughness"].default_value = 0.6, 0.08
        self._toned(tree, inputs, image.outputs["Color"], saturation=0.95, value=1.15)
        inputs["Emission Color"].default_value, inputs["Emission Strength"].default_value = (0.80, 0.71, 0.62, 1), 0.13

    def _tongue(self, tree, inputs, image) -> None:  # noqa: ANN001, ARG002
        inputs["Base Color"].default_value, inputs["Roughness"].default_value = (0.44, 0.12, 0.11, 1), 0.35
        inputs["Coat Weight"].default_value, inputs["Coat Roughness"].default_value = 0.4, 0.15
        inputs["Emission Color"].default_value, inputs["Emission Strength"].default_value = (0.42, 0.11, 0.10, 1), 0.06

    def _eyes(self, tree, inputs, image) -> None:  # noqa: ANN001
        inputs["Roughness"].default_value, inputs["Coat Weight"].default_value = 0.15, 1.0
        inputs["Coat Roughness"].default_value, inputs["Coat IOR"].default_value = 0.02, 1.38
        inputs["Subsurface Weight"].default_value = 0.15
        self._toned(tree, inputs, image.outputs["Color"], hue=0.53, saturation=0.8, value=1.6)
        tree.links.new(image.outputs["Alpha"], inputs["Alpha"])

    def _cutout(self, tree, inputs, image) -> None:  # noqa: ANN001
        inputs["Roughness"].default_value = 0.6
        self._toned(tree, inputs, image.outputs["Color"], saturation=0.9, value=1.0)
        tree.links.new(image.outputs["Alpha"], inputs["Alpha"])

    def _top(self, tree, inputs, image) -> None:  # noqa: ANN001
        inputs["Roughness"].default_value = 0.9
        self._toned(tree, inputs, image.outputs["Color"], hue=0.5, saturation=0.75, value=0.75)
        tree.links.new(image.outputs["Alpha"], inputs["Alpha"])

    @staticmethod
    def _hair() -> bpy.types.Material:
        material = bpy.data.materials.new("hair")
        material.use_nodes = True
        tree = material.node_tree
        inputs = tree.nodes["Principled BSDF"].inputs
        info, ramp = tree.nodes.new("ShaderNodeHairInfo"), tree.nodes.new("ShaderNodeValToRGB")
        ramp.color_ramp.elements[0].color = (0.030, 0.014, 0.007, 1)
        ramp.color_ramp.elements[1].color = (0.105, 0.050, 0.022, 1)
        tree.links.new(info.outputs["Random"], ramp.inputs[0])
        tree.links.new(ramp.outputs[0], inputs["Base Color"])
        inputs["Roughness"].default_value, inputs["Specular IOR Level"].default_value = 0.38, 0.45
        return material


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
        attribute = self.objects["skin"].data.attributes.new("scalp", "FLOAT", "POINT")
        attribute.data.foreach_set("value", scalp[self.used["skin"]].astype("f"))
        self._comb(still, scalp, materials.of["hair"])
        self._light()
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

    def _comb(self, still: dict[str, np.ndarray], scalp: np.ndarray, material: bpy.types.Material) -> None:
        """Lay strands from the scalp to the bun along the skull, `STRANDS` curves of `POINTS` points."""
        rng, skin = np.random.default_rng(7), still["skin"]
        ear = (abs(skin[:, 0]) > 0.70) & (skin[:, 1] < 6.68)
        skull = [f for f in self.head.body.faces if skin[f, 1].min() > 5.5 and not ear[f].any()]
        surface = BVHTree.FromPolygons(skin.tolist(), skull)
        roots = self._roots(rng, skin, scalp)
        along = np.linspace(0, 1, POINTS)[None, :, None]
        start, end = roots - SKULL, BUN + rng.normal(0, 0.05, roots.shape) - SKULL
        start, end = _unit(start)[:, None], _unit(end)[:, None]
        angle = np.arccos(np.clip((start * end).sum(-1, keepdims=True), -1, 1))
        arc = (np.sin((1 - along) * angle) * start + np.sin(along * angle) * end) / np.sin(angle)
        sweep = 0.10 * np.sin(np.pi * along) * rng.normal(1, 0.3, (len(roots), 1, 1)) * np.sign(start[..., :1] - 0.12)
        arc = _unit(arc + sweep * smoothstep(start[..., 2:], 0.1, 0.6) * [1, 0, 0])
        far = 3.0
        hits = np.array([[(surface.ray_cast(SKULL + far * d, -d)[3] or far) for d in strand] for strand in arc])
        depth, phase = rng.random((2, len(roots), 1))
        lift = 0.008 + (0.02 + 0.055 * depth) * np.sin(np.pi * along[..., 0]) ** 0.7
        lift = lift * (1 - 0.6 * abs(start[..., 0])) + 0.003 * np.sin(7 * along[..., 0] + 6.28 * phase) * along[..., 0]
        points = SKULL + arc * (far - hits + lift)[..., None]
        points[:, 0] = roots
        smooth = (abs(np.diff(hits, axis=1)) < 0.12).all(1)  # none that the ear or the neck threw off
        self._strands(points[smooth], material)

    def _roots(self, rng: np.random.Generator, skin: np.ndarray, scalp: np.ndarray) -> np.ndarray:
        triangles = np.array([[f[0], f[k], f[k + 1]] for f in self.head.body.faces for k in range(1, len(f) - 1)])
        triangles = triangles[scalp[triangles].mean(1) > 0.05]
        a, b, c = (skin[triangles[:, k]] for k in range(3))
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        density = scalp[triangles].mean(1) ** 1.5 * np.where(skin[triangles].mean(1)[:, 2] > 0, 1.6, 0.7)  # front seen
        pick = rng.choice(len(triangles), STRANDS, p=area * density / (area * density).sum())
        u, v = np.sqrt(rng.random((STRANDS, 1))), rng.random((STRANDS, 1))
        return (1 - u) * a[pick] + u * (1 - v) * b[pick] + u * v * c[pick]

    def _strands(self, points: np.ndarray, material: bpy.types.Material) -> None:
        curves = bpy.data.hair_curves.new("hair")
        curves.add_curves([POINTS] * len(points))
        flat = to_blender(points.reshape(-1, 3) - PIVOT)
        curves.attributes["position"].data.foreach_set("vector", flat.astype("f").ravel())
        radius = curves.attributes.new("radius", "FLOAT", "POINT")
        taper = np.concatenate([[0.5], np.linspace(1, 0.7, POINTS - 1)]) * 0.0032
        radius.data.foreach_set("value", np.tile(taper, len(points)).astype("f"))
        curves.materials.append(material)
        self.hair = bpy.data.objects.new("hair", curves)
        self.hair.location = to_blender(PIVOT[None])[0]
        self.hair.rotation_mode = "QUATERNION"
        self.scene.collection.objects.link(self.hair)

    def _light(self) -> None:
        face = (0, -1.2, 6.6)
        for where, energy, size, colour in (
            ((3.2, -6.0, 8.6), 300, (3.0, 3.0), (1, 0.94, 0.87)),  # key, 30 degrees up, soft
            ((-5.0, -5.5, 6.4), 130, (4.5, 4.5), (0.88, 0.94, 1)),  # fill
            ((0, -5.0, 3.2), 30, (3, 1.5), (1, 0.95, 0.9)),  # bounce from below: chin, mouth, eyes
            ((-3.6, 3.4, 8.6), 50, (1.2, 3.5), (0.80, 0.9, 1)),  # two rims
            ((3.8, 3.4, 8.0), 38, (1.2, 3.5), (1, 0.88, 0.75)),
        ):
            light = bpy.data.lights.new("light", "AREA")
            light.shape, light.energy, light.color = "RECTANGLE", energy, colour
            light.size, light.size_y = size
            thing = bpy.data.objects.new("light", light)
            thing.location = where
            aim = mathutils.Vector(face) - mathutils.Vector(where)
            thing.rotation_euler = aim.to_track_quat("-Z", "Y").to_euler()
            self.scene.collection.objects.link(thing)
        self.scene.world = bpy.data.worlds.new("world")
        self.scene.world.use_nodes = True
        background = self.scene.world.node_tree.nodes["Background"].inputs
        background[0].default_value, background[1].default_value = (0.32, 0.36, 0.42, 1), 0.35
        self._wall()

    def _wall(self) -> None:
        """An out-of-focus wall with a glow, seen by the camera only."""
        material = bpy.data.materials.new("wall")
        material.use_nodes = True
        tree = material.node_tree
        glow, emission = tree.nodes.new("ShaderNodeTexGradient"), tree.nodes.new("ShaderNodeEmission")
        place, mapping = tree.nodes.new("ShaderNodeTexCoord"), tree.nodes.new("ShaderNodeMapping")
        ramp = tree.nodes.new("ShaderNodeValToRGB")
        glow.gradient_type = "SPHERICAL"
        mapping.inputs["Location"].default_value, mapping.inputs["Scale"].default_value = (-0.93, -0.9, 0), (1.5,) * 3
        ramp.color_ramp.elements[0].color = (0.035, 0.05, 0.07, 1)
        ramp.color_ramp.elements[1].color = (0.33, 0.37, 0.40, 1)
        emission.inputs[1].default_value = 0.9
        for a, b in (
            (place.outputs["UV"], mapping.inputs[0]),
            (mapping.outputs[0], glow.inputs[0]),
            (glow.outputs[0], ramp.inputs[0]),
            (ramp.outputs[0], emission.inputs[0]),
            (emission.outputs[0], tree.nodes["Material Output"].inputs[0]),
        ):
            tree.links.new(a, b)
        mesh = bpy.data.meshes.new("wall")
        mesh.from_pydata([(-9, 6, -2), (9, 6, -2), (9, 6, 16), (-9, 6, 16)], [], [[0, 1, 2, 3]])
        uv = mesh.uv_layers.new(name="uv")
        for k, corner in enumerate(((0, 0), (1, 0), (1, 1), (0, 1))):
            uv.data[k].uv = corner
        mesh.materials.append(material)
        wall = bpy.data.objects.new("wall", mesh)
        wall.visible_diffuse = wall.visible_glossy = False
        self.scene.collection.objects.link(wall)

    def _camera(self, samples: int, lens_mm: float, camera_y: float) -> None:
        scene, render = self.scene, self.scene.render
        render.engine, scene.cycles.device = "CYCLES", "CPU"
        scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.transparent_max_bounces = samples, True, 16
        scene.cycles.denoising_prefilter = "FAST"  # a third of the time of "ACCURATE", no difference seen
        scene.cycles.max_bounces, scene.cycles.use_adaptive_sampling = 6, False
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
