"""`lipstream.v1.Avatars`: names in, which avatars there are, what they are and how they were used out."""

from dataclasses import dataclass, field

from lipstream.avatar.manifest import Manifest
from lipstream.errors import AvatarError
from lipstream.serve.access import for_admins
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Call
from lipstream.serve.core import Core
from lipstream.serve.manifests import Manifests, own_qualities
from lipstream.serve.names import check_name
from lipstream.serve.usage import NameStatistics
from lipstream.serve.wires.asked import DEFAULT_AVATAR
from lipstream.serve.wires.header import QUALITIES
from lipstream.wire.pb import lipstream_v1_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["Avatars"]


@dataclass(frozen=True, eq=False)
class Directory:
    """Tells of avatars, loads and unloads them."""

    avatars: Avatars
    """Who can be shown."""
    manifests: Manifests
    """What they say of themselves."""
    core: Core
    """Its clock tells how long this server has been there."""
    _start_ms: float = field(init=False)

    def __post_init__(self) -> None:
        """Note when it began, for its uptime."""
        object.__setattr__(self, "_start_ms", self.core.now_ms())

    def list(self, request: pb.ListAvatarsRequest, call: Call) -> pb.ListAvatarsResponse:  # noqa: ARG002
        """All that can be named; one whose bundle is damaged with its name alone."""
        known, (_, statistics) = self.avatars.known(), self.avatars.statistics()
        default = self.avatars.registry.resolve(DEFAULT_AVATAR)
        return pb.ListAvatarsResponse(
            avatars=[self._told(name, statistics[name], self._manifest_or_none(name)) for name in sorted(known)],
            default_avatar=default if default in known else "",
        )

    def get(self, request: pb.GetAvatarRequest, call: Call) -> pb.GetAvatarResponse:  # noqa: ARG002
        """What one avatar is."""
        return pb.GetAvatarResponse(avatar=self._one(request.name or DEFAULT_AVATAR))

    @for_admins
    def load(self, request: pb.LoadAvatarRequest, call: Call) -> pb.LoadAvatarResponse:  # noqa: ARG002
        """Load an avatar, so that its first speech need not wait."""
        name = check_name(request.name)
        was_loaded = self.avatars.is_loaded(name)
        loaded = self.avatars.registry.load(name, request.device or None)
        return pb.LoadAvatarResponse(avatar=self._one(name), load_ms=0 if was_loaded else round(loaded.load_ms))

    @for_admins
    def unload(self, request: pb.UnloadAvatarRequest, call: Call) -> pb.UnloadAvatarResponse:  # noqa: ARG002
        """Unload an avatar; speeches that use it go on to their end."""
        self.avatars.named(check_name(request.name))  # refuses a name that nobody has
        return pb.UnloadAvatarResponse(was_loaded=self.avatars.registry.unload(request.name))

    def stats(self, request: pb.StatsRequest, call: Call) -> pb.StatsResponse:  # noqa: ARG002
        """What was measured since this server started."""
        snapshot = self.avatars.registry.snapshot()
        found = sum(one.found_requests for one in snapshot.names)
        return pb.StatsResponse(
            avatars=map(_usage, snapshot.names),
            loaded_avatars=snapshot.loaded,
            max_avatars=snapshot.limits.count or 0,
            memory_bytes=snapshot.size_bytes,
            max_memory_bytes=snapshot.limits.size_bytes or 0,
            hits=found,
            misses=sum(one.requests for one in snapshot.names) - found,
            evictions=sum(one.evictions for one in snapshot.names),
            uptime_ms=round(self.core.now_ms() - self._start_ms),
        )

    def _one(self, name: str) -> pb.Avatar:
        statistics = self.avatars.named(check_name(name))
        name = self.avatars.registry.resolve(name)
        return self._told(name, statistics, self.manifests.of(name))

    def _manifest_or_none(self, name: str) -> Manifest | None:
        try:
            return self.manifests.of(name)
        except AvatarError:
            return None

    def _told(self, name: str, used: NameStatistics, manifest: Manifest | None) -> pb.Avatar:
        told = pb.Avatar(
            name=name,
            aliases=self.avatars.registry.aliases_of(name),
            loaded=used.loaded,
            memory_bytes=used.size_bytes,
            device=used.device or "",
        )
        if manifest is not None:
            told.width, told.height = manifest.frame_width, manifest.frame_height
            told.clip_frames = manifest.timeline.frames
            told.licence, told.subject = manifest.licence, manifest.subject
            told.qualities.extend(QUALITIES[quality] for quality in own_qualities(manifest))
        return told


def _usage(one: NameStatistics) -> pb.AvatarStats:
    return pb.AvatarStats(
        name=one.name,
        loaded=one.loaded,
        device=one.device or "",
        memory_bytes=one.size_bytes,
        requests=one.requests,
        frames=one.frames,
        generator_ms=round(one.generator_ms),
        in_use=one.in_use,
        last_used_unix_ms=one.last_used_unix_ms or 0,
    )
