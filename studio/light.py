"""A Blender scene in, the same with lamps and a room behind her out."""

import bpy
import mathutils

from studio.nodes import image_of
from studio.paint import room

FACE = (0, -1.2, 6.6)
LAMPS = (  # place, watts, width and height, colour
    ((3.4, -5.6, 8.8), 330, (2.2, 2.2), (1, 0.93, 0.85)),  # key, 30 degrees up, soft
    ((-5.0, -5.5, 6.4), 90, (4.5, 4.5), (0.88, 0.94, 1)),  # fill
    ((0, -5.0, 3.2), 30, (3, 1.5), (1, 0.95, 0.9)),  # bounce from below: chin, mouth, eyes
    ((1.8, -7.5, 8.0), 30, (0.5, 0.5), (1, 0.97, 0.92)),  # catch lights in the eyes, beside the pupil
    ((-3.6, 3.4, 8.6), 45, (1.2, 3.5), (0.80, 0.9, 1)),  # two rims
    ((3.8, 3.4, 8.0), 35, (1.2, 3.5), (1, 0.88, 0.75)),
)
WALL = ((-2.7, 6, 3.8), (2.7, 6, 3.8), (2.7, 6, 9.2), (-2.7, 6, 9.2))  # behind her, wider than the frame


def light(scene: bpy.types.Scene) -> None:
    """Add the lamps, a dim sky and the room."""
    for where, energy, size, colour in LAMPS:
        lamp = bpy.data.lights.new("lamp", "AREA")
        lamp.shape, lamp.energy, lamp.color = "RECTANGLE", energy, colour
        lamp.size, lamp.size_y = size
        thing = bpy.data.objects.new("lamp", lamp)
        thing.location = where
        aim = mathutils.Vector(FACE) - mathutils.Vector(where)
        thing.rotation_euler = aim.to_track_quat("-Z", "Y").to_euler()
        scene.collection.objects.link(thing)
    scene.world = bpy.data.worlds.new("world")
    scene.world.use_nodes = True
    sky = scene.world.node_tree.nodes["Background"].inputs
    sky[0].default_value, sky[1].default_value = (0.32, 0.36, 0.42, 1), 0.35
    scene.collection.objects.link(_wall())


def _wall() -> bpy.types.Object:
    """An out-of-focus room, seen by the camera only."""
    material = bpy.data.materials.new("wall")
    material.use_nodes = True
    tree = material.node_tree
    picture, emission = tree.nodes.new("ShaderNodeTexImage"), tree.nodes.new("ShaderNodeEmission")
    picture.image = image_of("room", room())
    tree.links.new(picture.outputs["Color"], emission.inputs[0])
    tree.links.new(emission.outputs[0], tree.nodes["Material Output"].inputs[0])
    mesh = bpy.data.meshes.new("wall")
    mesh.from_pydata(WALL, [], [[0, 1, 2, 3]])
    uv = mesh.uv_layers.new(name="uv")
    for k, corner in enumerate(((0, 0), (1, 0), (1, 1), (0, 1))):
        uv.data[k].uv = corner
    mesh.materials.append(material)
    wall = bpy.data.objects.new("wall", mesh)
    wall.visible_diffuse = wall.visible_glossy = False
    return wall
