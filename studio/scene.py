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

PARTING = 0.16  # of the hair, to her left
SKULL = np.array([0.0, 6.95, 0.35])  # centre from which strands are laid on the scalp
STRANDS, POINTS = 20_000, 12
CROWN = np.array([0, 0.1, 0.25, 0.45, 0.65, 0.83])  # where the first points of a strand lie on its way over the skull
LOCKS, LOCKED = 900, 0.55  # strands gather in locks, by this share at their ends
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


class Nodes:
    """Short names for the shader nodes that skin and eyes are built from; inputs are sockets or numbers."""

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self.tree = tree

    def _node(self, kind: str, inputs: dict) -> bpy.types.Node:
        node = self.tree.nodes.new(f"ShaderNode{kind}")
        for key, value in inputs.items():
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, node.inputs[key])
            elif value is not None:
                node.inputs[key].default_value = value
        return node

    def attribute(self, name: str, output: str = "Fac") -> bpy.types.NodeSocket:
        """A vertex attribute."""
        node = self._node("Attribute", {})
        node.attribute_name = name
        return node.outputs[output]

    def noise(self, place, scale: float, detail: float) -> bpy.types.NodeSocket:  # noqa: ANN001
        """Fractal noise 0..1."""
        return self._node("TexNoise", {"Vector": place, "Scale": scale, "Detail": detail}).outputs[0]

    def cells(self, place, scale: float) -> bpy.types.NodeSocket:  # noqa: ANN001
        """Distance to the nearest of scattered points."""
        return self._node("TexVoronoi", {"Vector": place, "Scale": scale}).outputs[0]

    def range(self, value, low, high, to_low, to_high) -> bpy.types.NodeSocket:  # noqa: ANN001
        """`value` from low..high to to_low..to_high, clamped."""
        return self._node("MapRange", dict(enumerate((value, low, high, to_low, to_high)))).outputs[0]

    def maths(self, operation: str, a, b) -> bpy.types.NodeSocket:  # noqa: ANN001
        """Arithmetic on two numbers."""
        node = self._node("Math", {0: a, 1: b})
        node.operation = operation
        return node.outputs[0]

    def scaled(self, vector, by) -> bpy.types.NodeSocket:  # noqa: ANN001
        """A vector, each axis times a number."""
        node = self._node("VectorMath", {0: vector, 1: by})
        node.operation = "MULTIPLY"
        return node.outputs[0]

    def mix(self, share, a, b) -> bpy.types.NodeSocket:  # noqa: ANN001
        """Colour `a`, or `b` at share 1."""
        node = self.tree.nodes.new("ShaderNodeMix")
        node.data_type = "RGBA"
        for key, value in ((0, share), (6, a), (7, b)):
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, node.inputs[key])
            else:
                node.inputs[key].default_value = value
        return node.outputs[2]

    def tone(self, colour, *, hue=0.5, saturation=1.0, value=1.0) -> bpy.types.NodeSocket:  # noqa: ANN001
        """A colour turned, saturated, brightened."""
        inputs = {"Hue": hue, "Saturation": saturation, "Value": value, "Color": colour}
        return self._node("HueSaturation", inputs).outputs[0]

    def bump(self, height, strength: float, distance: float, over=None) -> bpy.types.NodeSocket:  # noqa: ANN001
        """A normal roughened by `height`, on top of the normal `over`."""
        inputs = {"Height": height, "Strength": strength, "Distance": distance, "Normal": over}
        return self._node("Bump", inputs).outputs[0]


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
        """Skin with pores, mottling, freckles and rosy lips and cheeks; the scalp is dark under the hair."""
        inputs["Subsurface Weight"].default_value, inputs["Subsurface Scale"].default_value = 0.30, 0.016
        inputs["Subsurface Radius"].default_value = (1, 0.35, 0.18)
        inputs["Specular IOR Level"].default_value = 0.42
        n = Nodes(tree)
        place, colour = n.attribute("still", "Vector"), image.outputs["Color"]
        mottled = n.range(n.noise(place, 9, 4), 0.35, 0.65, 0.97, 1.03)
        skin = n.tone(
            colour, value=n.maths("MULTIPLY", mottled, 0.96), saturation=n.range(n.attribute("lids"), 0, 1, 1.06, 0.66)
        )
        skin = n.mix(n.maths("MULTIPLY", n.attribute("blush"), 0.30), skin, (0.66, 0.20, 0.15, 1))
        some = n.range(n.noise(place, 11, 1), 0.5, 0.62, 0.0, 0.38)
        spots = n.maths("MULTIPLY", n.range(n.cells(place, 26), 0.16, 0.05, 0.0, 1.0), some)
        skin = n.mix(n.maths("MULTIPLY", spots, n.attribute("freckles")), skin, (0.32, 0.13, 0.06, 1))
        split = tree.nodes.new("ShaderNodeSeparateColor")
        tree.links.new(colour, split.inputs[0])
        red = n.range(n.maths("SUBTRACT", split.outputs[0], split.outputs[1]), 0.27, 0.38, 0, 1)
        lip = n.maths("MULTIPLY", red, n.attribute("mouth"))
        skin = n.mix(n.maths("MULTIPLY", lip, 0.62), skin, (0.50, 0.125, 0.115, 1))
        skin = n.mix(n.attribute("scalp"), skin, (0.030, 0.014, 0.008, 1))
        tree.links.new(skin, inputs["Base Color"])
        rough = n.maths("ADD", n.range(n.noise(place, 30, 3), 0.3, 0.7, -0.07, 0.07), n.range(lip, 0, 1, 0.47, 0.33))
        tree.links.new(rough, inputs["Roughness"])
        grain = n.maths("ADD", n.noise(place, 75, 2), n.maths("MULTIPLY", n.cells(place, 110), 0.6))
        lines = n.maths("MULTIPLY", n.noise(n.scaled(place, (60, 9, 9)), 1, 1), lip)
        tree.links.new(n.bump(n.maths("ADD", grain, lines), 0.35, 0.006), inputs["Normal"])

    def _teeth(self, tree, inputs, image) -> None:  # noqa: ANN001
        inputs["Roughness"].default_value, inputs["Subsurface Weight"].default_value = 0.18, 0.25
        inputs["Subsurface Scale"].default_value = 0.05
        inputs["Coat Weight"].default_value, inputs["Coat Roughness"].default_value = 0.6, 0.08
        self._toned(tree, inputs, image.outputs["Color"], saturation=1.1, value=1.25)
        inputs["Emission Color"].default_value, inputs["Emission Strength"].default_value = (0.80, 0.70, 0.58, 1), 0.07

    def _tongue(self, tree, inputs, image) -> None:  # noqa: ANN001, ARG002
        inputs["Base Color"].default_value, inputs["Roughness"].default_value = (0.44, 0.12, 0.11, 1), 0.35
        inputs["Coat Weight"].default_value, inputs["Coat Roughness"].default_value = 0.4, 0.15
        inputs["Emission Color"].default_value, inputs["Emission Strength"].default_value = (0.42, 0.11, 0.10, 1), 0.06

    def _eyes(self, tree, inputs, image) -> None:  # noqa: ANN001
        """A hazel iris, a white that is not white, and over them a wet cornea that mirrors the lights."""
        n, colour = Nodes(tree), image.outputs["Color"]
        split = tree.nodes.new("ShaderNodeSeparateColor")
        split.mode = "HSV"
        tree.links.new(colour, split.inputs[0])
        iris = n.range(split.outputs[1], 0.25, 0.55, 0, 1)
        hazel = n.tone(colour, hue=0.545, saturation=0.72, value=3.1)
        tree.links.new(n.mix(iris, n.tone(colour, saturation=0.9, value=1.3), hazel), inputs["Base Color"])
        inputs["Roughness"].default_value, inputs["Subsurface Weight"].default_value = 0.25, 0.1
        inputs["Subsurface Scale"].default_value = 0.02
        wet = tree.nodes.new("ShaderNodeBsdfGlossy")
        wet.inputs["Roughness"].default_value = 0.03
        clear, cornea = tree.nodes.new("ShaderNodeBsdfTransparent"), tree.nodes.new("ShaderNodeMixShader")
        edge = tree.nodes.new("ShaderNodeFresnel")
        edge.inputs["IOR"].default_value = 1.4
        whole = tree.nodes.new("ShaderNodeMixShader")
        surface = tree.nodes["Principled BSDF"].outputs[0]
        for a, b in (
            (edge.outputs[0], cornea.inputs[0]),
            (clear.outputs[0], cornea.inputs[1]),
            (wet.outputs[0], cornea.inputs[2]),
            (n.attribute("cornea"), whole.inputs[0]),
            (surface, whole.inputs[1]),
            (cornea.outputs[0], whole.inputs[2]),
            (whole.outputs[0], tree.nodes["Material Output"].inputs[0]),
        ):
            tree.links.new(a, b)

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
        ramp.color_ramp.elements[0].color = (0.040, 0.017, 0.008, 1)
        ramp.color_ramp.elements[1].color = (0.150, 0.066, 0.027, 1)
        tree.links.new(info.outputs["Random"], ramp.inputs[0])
        tree.links.new(ramp.outputs[0], inputs["Base Color"])
        inputs["Roughness"].default_value, inputs["Specular IOR Level"].default_value = 0.42, 0.35
        return material


def room() -> bpy.types.Image:
    """A blurred room: a wall, daylight from the left, a shelf, a lamp."""
    size, soft = 256, 0.035
    x, y = np.meshgrid((np.arange(size) + 0.5) / size, (np.arange(size) + 0.5) / size)  # y up
    wall = np.array([0.150, 0.165, 0.165]) * (0.75 + 0.35 * y + 0.5 * np.exp(-((x / 0.45) ** 2)))[..., None]

    def box(x0: float, x1: float, y0: float, y1: float) -> np.ndarray:
        across = smoothstep(x, x0 - soft, x0 + soft) * smoothstep(-x, -x1 - soft, -x1 + soft)
        return (across * smoothstep(y, y0 - soft, y0 + soft) * smoothstep(-y, -y1 - soft, -y1 + soft))[..., None]

    wall = wall + box(-1, 0.13, 0.3, 2) * [0.38, 0.42, 0.44]
    for y0, tint in ((0.30, 0.55), (0.62, 0.7)):
        vase = box(0.84, 0.90, y0 + 0.05, y0 + 0.2) * [0.10 * tint, 0.05, 0.02]
        wall = wall * (1 - 0.55 * box(0.78, 2, y0, y0 + 0.05)) + vase
    lamp = np.exp(-(((x - 0.90) ** 2 + (y - 0.80) ** 2) / 0.10**2))[..., None]
    wall = wall + lamp * [0.55, 0.33, 0.15]
    image = bpy.data.images.new("room", size, size, float_buffer=True)
    image.colorspace_settings.name = "Linear Rec.709"
    image.pixels.foreach_set(np.concatenate([wall, np.ones((size, size, 1))], 2).astype("f").ravel())
    image.update()
    return image


def paint(skin: np.ndarray) -> dict[str, np.ndarray]:
    """Where the skin `[n, 3]` at rest is rosy, freckled, or lip: shares `[n]` by name."""
    x, y, z = abs(skin[:, 0]), skin[:, 1], skin[:, 2]
    cheek = np.exp(-(((x - 0.46) / 0.17) ** 2) - ((y - 6.36) / 0.15) ** 2) * (z > 0.6)
    nose = np.exp(-((x / 0.10) ** 2) - ((y - 6.40) / 0.10) ** 2) * (z > 1.3)
    freckled = np.exp(-((x / 0.50) ** 4) - ((y - 6.42) / 0.17) ** 2) * (z > 0.6)
    mouth = smoothstep(-x, -0.34, -0.28) * smoothstep(y, 5.80, 5.86) * smoothstep(-y, -6.26, -6.20) * (z > 0.8)
    lids = np.exp(-(((x - 0.30) / 0.26) ** 4) - ((y - 6.63) / 0.14) ** 4) * (z > 0.8)
    return {"blush": cheek + 0.5 * nose, "freckles": freckled, "mouth": mouth, "lids": lids}


def cornea(eyes: Mesh) -> np.ndarray:
    """1 for each vertex of the outer, clear shell of the eyeballs, `[n]`."""
    shell = np.arange(len(eyes.vertices))
    changed = True
    while changed:
        before = shell.copy()
        for face in eyes.faces:
            shell[face] = shell[face].min()
        changed = bool((before != shell).any())
    front = {k: eyes.vertices[shell == k, 2].max() for k in np.unique(shell)}
    outer = sorted(front, key=front.get)[-2:]
    return np.isin(shell, outer).astype(float)


def fall(surface: BVHTree, roots: np.ndarray, style: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Strands `[n, POINTS, 3]` from roots `[n, 3]`: along the skull to above the ear, then straight down.

    `style` `[n, 4]` is drawn from a normal distribution: parting, place round the head, wave, length. `depth` `[n]`
    0..1 tells how far out in the hair a strand lies.
    """
    side = np.sign(roots[:, 0] - PARTING * smoothstep(roots[:, 2], -0.3, 0.3) + 0.012 * style[:, 0])[:, None]
    round_ = np.degrees(np.arctan2(roots[:, 2] - SKULL[2], np.abs(roots[:, 0] - PARTING) + 0.05))
    place = np.radians(np.interp(round_, [-90, 0, 90], [-92, -12, 24]) + 5 * style[:, 1])[:, None]
    out = 0.85 + 0.08 * depth[:, None]
    top = np.minimum(6.76, roots[:, 1:2] - 0.22)
    down = top + np.linspace(0, 1, POINTS - len(CROWN)) * (4.98 + 0.03 * style[:, 3:] - top)
    drop = (6.82 - down) / 1.85
    wave = 0.022 * np.sin(5.0 * drop + 1.2 * style[:, 2:3]) * smoothstep(drop, 0.0, 0.4)
    x = side * (np.cos(place) * (out - 0.11 * smoothstep(down, 6.40, 6.80) - 0.13 * smoothstep(drop, 0.3, 1.0)) + wave)
    z = 0.05 + np.sin(place) * np.where(place > 0, 0.85, 0.62) * (out + 0.12) + 0.06 * drop + 0.5 * wave
    hanging = np.stack([x, down, z], 2)
    along = CROWN[None, :, None]
    start, end = _unit(roots - SKULL)[:, None], _unit(hanging[:, 0] - SKULL)[:, None]
    angle = np.arccos(np.clip((start * end).sum(-1, keepdims=True), -0.999, 0.999))
    arc = (np.sin((1 - along) * angle) * start + np.sin(along * angle) * end) / np.sin(angle)
    arc = arc - np.sin(np.pi * along) * smoothstep(roots[:, 2], 0.5, 0.9)[:, None, None] * [0, 0.14, 0]  # over the brow
    hits = [[(surface.ray_cast(SKULL + 3.0 * d, -d)[3] or 2.3) for d in strand] for strand in _unit(arc)]
    lift = 0.008 + (0.03 + 0.075 * depth[:, None]) * np.sin(np.pi * np.clip(along[..., 0], 0, 0.6) / 1.2)
    crown = SKULL + _unit(arc) * (3.0 - np.array(hits) + lift)[..., None]
    crown[:, 0] = roots
    return np.concatenate([crown, hanging], 1)


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
        self._paint("eyes", "cornea", cornea(head.meshes["eyes"]))
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

    def _comb(self, still: dict[str, np.ndarray], scalp: np.ndarray, material: bpy.types.Material) -> None:
        """Comb strands from a side parting over the ears to the shoulders, `STRANDS` curves of `POINTS` points."""
        rng, skin = np.random.default_rng(7), still["skin"]
        surface = BVHTree.FromPolygons(skin.tolist(), [f for f in self.head.body.faces if skin[f, 1].min() > 5.9])
        roots = self._roots(rng, skin, scalp)
        guides = roots[rng.choice(STRANDS, LOCKS, replace=False)]
        lock = np.array([np.square(guides - root).sum(1).argmin() for root in roots])
        style = rng.normal(size=(LOCKS, 4))
        strands = fall(surface, roots, 0.6 * style[lock] + 0.4 * rng.normal(size=(STRANDS, 4)), rng.random(STRANDS))
        leaders = fall(surface, guides, style, np.full(LOCKS, 0.6))
        together = LOCKED * np.linspace(0, 1, POINTS)[:, None] ** 1.5
        self._strands(strands + together * (leaders[lock] - strands), material)

    def _roots(self, rng: np.random.Generator, skin: np.ndarray, scalp: np.ndarray) -> np.ndarray:
        triangles = np.array([[f[0], f[k], f[k + 1]] for f in self.head.body.faces for k in range(1, len(f) - 1)])
        triangles = triangles[(scalp[triangles].mean(1) > 0.05) & (skin[triangles, 1].min(1) > 6.35)]
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
        taper = np.concatenate([[0.5], np.linspace(1, 0.7, POINTS - 1)]) * 0.0046
        radius.data.foreach_set("value", np.tile(taper, len(points)).astype("f"))
        curves.materials.append(material)
        self.hair = bpy.data.objects.new("hair", curves)
        self.hair.location = to_blender(PIVOT[None])[0]
        self.hair.rotation_mode = "QUATERNION"
        self.scene.collection.objects.link(self.hair)

    def _light(self) -> None:
        face = (0, -1.2, 6.6)
        for where, energy, size, colour in (
            ((3.4, -5.6, 8.8), 330, (2.2, 2.2), (1, 0.93, 0.85)),  # key, 30 degrees up, soft
            ((-5.0, -5.5, 6.4), 90, (4.5, 4.5), (0.88, 0.94, 1)),  # fill
            ((0, -5.0, 3.2), 30, (3, 1.5), (1, 0.95, 0.9)),  # bounce from below: chin, mouth, eyes
            ((-3.6, 3.4, 8.6), 90, (1.2, 3.5), (0.80, 0.9, 1)),  # two rims
            ((3.8, 3.4, 8.0), 70, (1.2, 3.5), (1, 0.88, 0.75)),
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
        """An out-of-focus room, seen by the camera only."""
        material = bpy.data.materials.new("wall")
        material.use_nodes = True
        tree = material.node_tree
        picture, emission = tree.nodes.new("ShaderNodeTexImage"), tree.nodes.new("ShaderNodeEmission")
        picture.image = room()
        tree.links.new(picture.outputs["Color"], emission.inputs[0])
        tree.links.new(emission.outputs[0], tree.nodes["Material Output"].inputs[0])
        mesh = bpy.data.meshes.new("wall")
        mesh.from_pydata([(-2.7, 6, 3.8), (2.7, 6, 3.8), (2.7, 6, 9.2), (-2.7, 6, 9.2)], [], [[0, 1, 2, 3]])
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
        scene.cycles.max_bounces, scene.cycles.use_adaptive_sampling = 4, False
        scene.cycles.diffuse_bounces = scene.cycles.glossy_bounces = 2
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
