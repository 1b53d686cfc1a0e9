"""Texture files in, the shaders of skin, eyes, teeth, tongue, hair and clothes out."""

from pathlib import Path

import bpy

from studio.nodes import Nodes, image_of
from studio.paint import grain

TEXTURES = {
    "skin": "young_lightskinned_female_diffuse.png",
    "teeth": "teeth.png",
    "eyes": "brown_eye.png",
    "brows": "eyebrow001.png",
    "lashes": "eyelashes01.png",
    "top": "female_casualsuit01_diffuse.png",
}


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
        n, grained = Nodes(tree), image_of("grain", grain())
        still, colour = n.attribute("still", "Vector"), image.outputs["Color"]
        tile = n.scaled(still, (0.5, 0.5, 0))  # seen from the front, so laid on from the front
        mottled, spots, pores = n.split(n.picture(grained, tile).outputs["Color"])
        red, green, _ = n.split(colour)
        lip = n.maths("MULTIPLY", n.range(n.maths("SUBTRACT", red, green), 0.27, 0.38, 0, 1), n.attribute("mouth"))
        skin = n.tone(
            colour,
            value=n.range(mottled, 0.2, 0.8, 0.93, 0.99),
            saturation=n.range(n.attribute("lids"), 0, 1, 1.06, 0.66),
        )
        skin = n.mix(n.maths("MULTIPLY", n.attribute("blush"), 0.30), skin, (0.66, 0.20, 0.15, 1))
        freckled = n.maths("MULTIPLY", n.maths("MULTIPLY", spots, 0.28), n.attribute("freckles"))
        skin = n.mix(freckled, skin, (0.32, 0.13, 0.06, 1))
        skin = n.mix(n.maths("MULTIPLY", lip, 0.62), skin, (0.50, 0.125, 0.115, 1))
        tree.links.new(n.mix(n.attribute("scalp"), skin, (0.030, 0.014, 0.008, 1)), inputs["Base Color"])
        rough = n.maths("ADD", n.range(pores, 0.2, 0.8, -0.06, 0.06), n.range(lip, 0, 1, 0.47, 0.33))
        tree.links.new(rough, inputs["Roughness"])
        folds = n.split(n.picture(grained, n.scaled(still, (0.28, 0.04, 0))).outputs["Color"])[2]
        height = n.maths("ADD", pores, n.maths("MULTIPLY", folds, lip))
        tree.links.new(n.bump(height, 0.35, 0.0055), inputs["Normal"])

    def _teeth(self, tree, inputs, image) -> None:  # noqa: ANN001
        """Ivory; a glow of their own stands for the light that in life reaches through lips and cheeks."""
        inputs["Roughness"].default_value, inputs["Subsurface Weight"].default_value = 0.18, 0.25
        inputs["Subsurface Scale"].default_value = 0.05
        inputs["Coat Weight"].default_value, inputs["Coat Roughness"].default_value = 0.6, 0.08
        n = Nodes(tree)
        ivory = n.mix(0.5, n.tone(image.outputs["Color"], saturation=1.1, value=1.25), (0.88, 0.73, 0.52, 1))
        for name in ("Base Color", "Emission Color"):
            tree.links.new(n.mix(n.attribute("front"), (0.10, 0.03, 0.025, 1), ivory), inputs[name])
        inputs["Emission Strength"].default_value = 0.20

    def _tongue(self, tree, inputs, image) -> None:  # noqa: ANN001, ARG002
        """Pink, wet, and glowing as the teeth do."""
        inputs["Roughness"].default_value, inputs["Emission Strength"].default_value = 0.35, 0.14
        inputs["Coat Weight"].default_value, inputs["Coat Roughness"].default_value = 0.4, 0.15
        n = Nodes(tree)
        for name in ("Base Color", "Emission Color"):
            tree.links.new(n.mix(n.attribute("front"), (0.20, 0.04, 0.04, 1), (0.56, 0.17, 0.16, 1)), inputs[name])

    def _eyes(self, tree, inputs, image) -> None:  # noqa: ANN001
        """A hazel iris, a white that is not white, and over them a wet cornea that mirrors the lights."""
        n, colour = Nodes(tree), image.outputs["Color"]
        iris = n.range(n.split(colour, "HSV")[1], 0.25, 0.55, 0, 1)
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
        """Brown from strand to strand; a glow stands for the light that goes from strand to strand."""
        material = bpy.data.materials.new("hair")
        material.use_nodes = True
        tree = material.node_tree
        inputs = tree.nodes["Principled BSDF"].inputs
        info, ramp = tree.nodes.new("ShaderNodeHairInfo"), tree.nodes.new("ShaderNodeValToRGB")
        ramp.color_ramp.elements[0].color = (0.040, 0.017, 0.008, 1)
        ramp.color_ramp.elements[1].color = (0.150, 0.066, 0.027, 1)
        tree.links.new(info.outputs["Random"], ramp.inputs[0])
        for name in ("Base Color", "Emission Color"):
            tree.links.new(ramp.outputs[0], inputs[name])
        inputs["Emission Strength"].default_value = 0.10
        inputs["Roughness"].default_value, inputs["Specular IOR Level"].default_value = 0.60, 0.15
        return material
