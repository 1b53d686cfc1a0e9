"""Names of avatars in, which are loaded and how they were used out: calls that three packages have alike.

Packages compositing, inference and lipsync name these messages and their fields alike, each in a file of its own.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

from lipstream.serve.access import for_admins
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Call
from lipstream.serve.usage import NameStatistics
from lipstream.serve.wires.asked import attempt


@dataclass(frozen=True, eq=False)
class Models:
    """ListModels, LoadModel, UnloadModel and GetModelStats; paths of this machine are told to nobody."""

    avatars: Avatars
    """Who can be shown."""
    messages: ClassVar[ModuleType]
    """Generated code of the package."""

    def list_models(self, request: object, call: Call) -> Any:  # noqa: ANN401, ARG002  a message of the package
        """All avatars, loaded or not."""
        _, statistics = self.avatars.statistics()
        return self.messages.ListModelsResponse(models=[self._info(*one) for one in statistics.items()])

    @for_admins
    def load_model(self, request: Any, call: Call) -> Any:  # noqa: ANN401, ARG002
        """Load an avatar, so that its first request need not wait; with `force_reload` anew."""
        response = self.messages.LoadModelResponse

        def load() -> Any:  # noqa: ANN401
            if request.force_reload:
                self.avatars.registry.unload(request.model_id)
            loaded = self.avatars.load(request.model_id)
            return response(success=True, load_time_ms=loaded.load_ms, stats=self._stats(loaded))

        return attempt(load, lambda error: response(success=False, error=error))

    @for_admins
    def unload_model(self, request: Any, call: Call) -> Any:  # noqa: ANN401, ARG002
        """Unload an avatar; requests that use it go on to their end."""
        response = self.messages.UnloadModelResponse

        def unload() -> Any:  # noqa: ANN401
            self.avatars.unload(request.model_id)
            return response(success=True)

        return attempt(unload, lambda error: response(success=False, error=error))

    def get_model_stats(self, request: Any, call: Call) -> Any:  # noqa: ANN401, ARG002
        """How one avatar, or every one, was used.

        Raises:
            AvatarNotFoundError: there is none of that name; the answer has no field to say so.
        """
        snapshot, statistics = self.avatars.statistics()
        if request.model_id:
            statistics = {self.avatars.registry.resolve(request.model_id): self.avatars.named(request.model_id)}
        return self.messages.GetModelStatsResponse(
            models=[self._info(*one) for one in statistics.items()],
            max_models=snapshot.limits.count or 0,
            loaded_models=snapshot.loaded,
            total_memory_bytes=snapshot.size_bytes,
            max_memory_bytes=snapshot.limits.size_bytes or 0,
        )

    def _info(self, name: str, one: NameStatistics) -> Any:  # noqa: ANN401
        return self.messages.ModelInfo(model_id=name, loaded=one.loaded, stats=self._stats(one))

    def _stats(self, one: NameStatistics) -> Any:  # noqa: ANN401
        return self.messages.ModelStats(
            usage_count=one.requests,
            last_used_unix_ms=one.last_used_unix_ms or 0,
            total_inference_time_ms=one.generator_ms,
            memory_bytes=one.size_bytes,
            loaded_unix_ms=one.loaded_unix_ms or 0,
        )
