"""A Blender node tree and short words in, shader nodes out."""

import bpy
import numpy as np


def image_of(name: str, pixels: np.ndarray) -> bpy.types.Image:
    """A Blender image of linear numbers `[h, w, 3]`, first row lowest."""
    height, width = pixels.shape[:2]
    image = bpy.data.images.new(name, width, height, float_buffer=True)
    image.colorspace_settings.name = "Linear Rec.709"
    image.pixels.foreach_set(np.concatenate([pixels, np.ones((height, width, 1))], 2).astype("f").ravel())
    image.update()
    return image


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

    def picture(self, image: bpy.types.Image, place=None) -> bpy.types.Node:  # noqa: ANN001
        """An image, repeated over the plane; looked up by the texture coordinates if no `place` is given."""
        node = self._node("TexImage", {"Vector": place})
        node.image = image
        return node

    def split(self, colour, mode: str = "RGB") -> list[bpy.types.NodeSocket]:  # noqa: ANN001
        """The three channels of a colour."""
        node = self._node("SeparateColor", {0: colour})
        node.mode = mode
        return list(node.outputs)[:3]

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
