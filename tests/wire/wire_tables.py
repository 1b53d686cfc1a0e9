"""The reference's wire formats, written down from its description not from our .proto files, and an encoder."""

from dataclasses import dataclass
from typing import Final

COMPOSITE_REQUEST: Final = """1 model_id string; 2 visual_frames bytes; 3 raw_audio bytes; 4 audio_features bytes;
    5 batch_size int32; 6 start_frame_idx int32; 7 sample_rate int32"""
COMPOSITE_RESPONSE: Final = """1 composited_frames repeated bytes; 2 inference_time_ms float;
    3 composite_time_ms float; 4 total_time_ms float; 5 audio_processing_ms float; 6 model_loaded bool;
    7 model_load_time_ms float; 8 success bool; 9 error string; 10 gpu_id int32"""
ONE_MODEL: Final = "1 model_id string"
DONE: Final = "1 success bool; 2 error string"
MODELS: Final = "1 models repeated ModelInfo"
MODEL_STATS: Final = """1 usage_count int64; 2 last_used_unix_ms int64; 3 total_inference_time_ms double;
    4 memory_bytes int64; 5 loaded_unix_ms int64"""
LOAD_REQUEST: Final = "1 model_id string; 2 force_reload bool"
LOAD_RESPONSE: Final = "1 success bool; 2 error string; 3 load_time_ms float; 4 stats ModelStats"
STATS_RESPONSE: Final = """1 models repeated ModelInfo; 2 max_models int32; 3 loaded_models int32;
    4 total_memory_bytes int64; 5 max_memory_bytes int64"""
COMPOSITING_MODEL: Final = """1 model_id string; 2 loaded bool; 3 model_path string; 4 background_dir string;
    5 crop_rects_path string; 6 stats ModelStats"""
FLOATS_REQUEST: Final = """1 visual_frames repeated float; 2 audio_features repeated float; 3 batch_size int32;
    4 start_frame_idx int32"""

METHODS: Final = {
    "monolithic.MonolithicService": """
        InferBatchComposite: CompositeBatchRequest -> CompositeBatchResponse
        ListModels: ListModelsRequest -> ListModelsResponse
        LoadModel: LoadModelRequest -> LoadModelResponse
        UnloadModel: UnloadModelRequest -> UnloadModelResponse
        GetModelStats: GetModelStatsRequest -> GetModelStatsResponse
        Health: HealthRequest -> HealthResponse""",
    "compositing.CompositingService": """
        InferBatchComposite: CompositeBatchRequest -> CompositeBatchResponse
        ListModels: ListModelsRequest -> ListModelsResponse
        LoadModel: LoadModelRequest -> LoadModelResponse
        UnloadModel: UnloadModelRequest -> UnloadModelResponse
        GetModelStats: GetModelStatsRequest -> GetModelStatsResponse
        Health: HealthRequest -> HealthResponse""",
    "inference.InferenceService": """
        InferBatch: InferBatchRequest -> InferBatchResponse
        ListModels: ListModelsRequest -> ListModelsResponse
        LoadModel: LoadModelRequest -> LoadModelResponse
        UnloadModel: UnloadModelRequest -> UnloadModelResponse
        GetModelStats: GetModelStatsRequest -> GetModelStatsResponse
        Health: HealthRequest -> HealthResponse""",
    "optimized_lipsyncsrv.OptimizedLipSyncService": """
        GenerateInference: OptimizedInferenceRequest -> OptimizedInferenceResponse
        GenerateBatchInference: BatchInferenceRequest -> BatchInferenceResponse
        GenerateBatchWithAudio: BatchInferenceWithAudioRequest -> BatchInferenceResponse
        StreamInference: stream OptimizedInferenceRequest -> stream OptimizedInferenceResponse
        LoadPackage: LoadPackageRequest -> LoadPackageResponse
        GetStats: StatsRequest -> StatsResponse
        ListModels: ListModelsRequest -> ListModelsResponse
        HealthCheck: HealthRequest -> HealthResponse
        GetVideoFrame: GetVideoFrameRequest -> GetVideoFrameResponse
        GetModelMetadata: GetModelMetadataRequest -> GetModelMetadataResponse""",
    "lipsync.LipSync": """
        InferBatch: BatchRequest -> BatchResponse
        Health: HealthRequest -> HealthResponse""",
    "lipsync.LipSyncComposite": """
        InferBatchComposite: CompositeBatchRequest -> CompositeBatchResponse
        Health: HealthRequest -> CompositeHealthResponse""",
    "lipsync.MultiTenantLipSync": """
        InferBatchComposite: TenantCompositeBatchRequest -> TenantCompositeBatchResponse
        ListModels: ListModelsRequest -> ListModelsResponse
        LoadModel: LoadModelRequest -> LoadModelResponse
        UnloadModel: UnloadModelRequest -> UnloadModelResponse
        GetModelStats: GetModelStatsRequest -> GetModelStatsResponse
        Health: HealthRequest -> TenantHealthResponse""",
    "lipsyncsrv.LipSyncService": """
        GenerateInference: InferenceRequest -> InferenceResponse
        GenerateBatchInference: BatchInferenceRequest -> BatchInferenceResponse
        CheckHealth: HealthRequest -> HealthResponse
        StreamInference: stream StreamInferenceRequest -> stream StreamInferenceResponse
        LoadModel: LoadModelRequest -> LoadModelResponse
        ProcessBatch: BatchRequest -> BatchResponse""",
}

MESSAGES: Final = {
    "monolithic.CompositeBatchRequest": COMPOSITE_REQUEST,
    "monolithic.CompositeBatchResponse": COMPOSITE_RESPONSE,
    "monolithic.ListModelsRequest": "",
    "monolithic.ListModelsResponse": MODELS,
    "monolithic.ModelInfo": """1 model_id string; 2 loaded bool; 3 gpu_id int32; 4 memory_mb int64;
        5 request_count int32; 6 avg_inference_ms float""",
    "monolithic.LoadModelRequest": "1 model_id string; 2 preferred_gpu int32",
    "monolithic.LoadModelResponse": "1 success bool; 2 error string; 3 gpu_id int32; 4 load_time_ms float",
    "monolithic.UnloadModelRequest": ONE_MODEL,
    "monolithic.UnloadModelResponse": DONE,
    "monolithic.GetModelStatsRequest": "",
    "monolithic.GetModelStatsResponse": "1 models repeated ModelStats",
    "monolithic.ModelStats": """1 model_id string; 2 loaded bool; 3 gpu_id int32; 4 memory_mb int64;
        5 request_count int32; 6 total_inference_ms int64; 7 avg_inference_ms float; 8 last_used_timestamp int64""",
    "monolithic.HealthRequest": "",
    "monolithic.HealthResponse": """1 healthy bool; 2 loaded_models int32; 3 max_models int32;
        4 gpu_ids repeated int32; 5 gpu_memory_used_gb repeated float""",
    "compositing.CompositeBatchRequest": COMPOSITE_REQUEST,
    "compositing.CompositeBatchResponse": COMPOSITE_RESPONSE,
    "compositing.ListModelsRequest": "",
    "compositing.ListModelsResponse": MODELS,
    "compositing.ModelInfo": COMPOSITING_MODEL,
    "compositing.ModelStats": MODEL_STATS,
    "compositing.LoadModelRequest": LOAD_REQUEST,
    "compositing.LoadModelResponse": LOAD_RESPONSE,
    "compositing.UnloadModelRequest": ONE_MODEL,
    "compositing.UnloadModelResponse": DONE,
    "compositing.GetModelStatsRequest": ONE_MODEL,
    "compositing.GetModelStatsResponse": STATS_RESPONSE,
    "compositing.HealthRequest": "",
    "compositing.HealthResponse": """1 healthy bool; 2 inference_server_healthy bool; 3 loaded_models int32;
        4 max_models int32; 5 version string; 6 inference_server_url string""",
    "inference.InferBatchRequest": """1 model_id string; 2 visual_frames bytes; 3 raw_audio bytes;
        4 audio_features bytes; 5 batch_size int32; 6 sample_rate int32""",
    "inference.InferBatchResponse": """1 outputs repeated RawMouthRegion; 2 inference_time_ms float;
        3 audio_processing_ms float; 4 success bool; 5 error string; 6 worker_id int32; 7 gpu_id int32""",
    "inference.RawMouthRegion": "1 data bytes",
    "inference.ListModelsRequest": "",
    "inference.ListModelsResponse": MODELS,
    "inference.ModelInfo": """1 model_id string; 2 loaded bool; 3 model_path string; 4 stats ModelStats;
        5 gpu_id int32""",
    "inference.ModelStats": MODEL_STATS,
    "inference.LoadModelRequest": LOAD_REQUEST,
    "inference.LoadModelResponse": LOAD_RESPONSE,
    "inference.UnloadModelRequest": ONE_MODEL,
    "inference.UnloadModelResponse": DONE,
    "inference.GetModelStatsRequest": ONE_MODEL,
    "inference.GetModelStatsResponse": STATS_RESPONSE,
    "inference.HealthRequest": "",
    "inference.HealthResponse": """1 healthy bool; 2 cuda_available bool; 3 loaded_models int32; 4 max_models int32;
        5 gpu_count int32; 6 version string; 7 gpus repeated GPUInfo""",
    "inference.GPUInfo": """1 gpu_id int32; 2 name string; 3 total_memory_bytes int64; 4 used_memory_bytes int64;
        5 loaded_models int32""",
    "optimized_lipsyncsrv.OptimizedInferenceRequest": "1 model_name string; 2 frame_id int32",
    "optimized_lipsyncsrv.OptimizedInferenceResponse": """1 success bool; 2 prediction_data bytes;
        3 bounds repeated float; 4 processing_time_ms int32; 5 model_name string; 6 frame_id int32;
        7 prediction_shape string; 8 error optional string; 9 prepare_time_ms double; 10 inference_time_ms double;
        11 composite_time_ms double; 12 optimizations repeated string""",
    "optimized_lipsyncsrv.BatchInferenceRequest": "1 model_name string; 2 frame_ids repeated int32",
    "optimized_lipsyncsrv.BatchInferenceWithAudioRequest": """1 model_name string; 2 start_frame_id int32;
        3 frame_count int32; 4 audio_chunks repeated bytes""",
    "optimized_lipsyncsrv.BatchInferenceResponse": """1 responses repeated OptimizedInferenceResponse;
        2 total_processing_time_ms int32; 3 avg_frame_time_ms double""",
    "optimized_lipsyncsrv.LoadPackageRequest": "1 package_name string; 2 package_dir string",
    "optimized_lipsyncsrv.LoadPackageResponse": """1 success bool; 2 package_name string; 3 message string;
        4 initialization_time_ms int32; 5 frame_count int32; 6 device string; 7 videos_loaded repeated string;
        8 audio_features_shape repeated int32; 9 memory_mapped_audio bool; 10 error optional string""",
    "optimized_lipsyncsrv.StatsRequest": "1 model_name string",
    "optimized_lipsyncsrv.StatsResponse": """1 model_name string; 2 total_requests int32;
        3 avg_inference_time_ms double; 4 min_inference_time_ms double; 5 max_inference_time_ms double;
        6 frame_count int32; 7 device string; 8 optimizations_active repeated string""",
    "optimized_lipsyncsrv.ListModelsRequest": "",
    "optimized_lipsyncsrv.ListModelsResponse": "1 loaded_models repeated string; 2 count int32",
    "optimized_lipsyncsrv.HealthRequest": "",
    "optimized_lipsyncsrv.HealthResponse": """1 healthy bool; 2 status string; 3 loaded_models int32;
        4 uptime_seconds int64""",
    "optimized_lipsyncsrv.GetVideoFrameRequest": "1 model_name string; 2 frame_id int32; 3 video_type string",
    "optimized_lipsyncsrv.GetVideoFrameResponse": """1 success bool; 2 frame_data bytes; 3 frame_id int32;
        4 video_type string; 5 error optional string""",
    "optimized_lipsyncsrv.GetModelMetadataRequest": "1 model_name string",
    "optimized_lipsyncsrv.GetModelMetadataResponse": """1 success bool; 2 model_name string; 3 frame_count int32;
        4 available_videos repeated string; 5 audio_path string; 6 bounds repeated float; 7 error optional string""",
    "lipsync.HealthRequest": "",
    "lipsync.BatchRequest": FLOATS_REQUEST,
    "lipsync.BatchResponse": """1 output_frames repeated float; 2 inference_time_ms double; 3 success bool;
        4 error string""",
    "lipsync.HealthResponse": "1 healthy bool; 2 model_path string; 3 cuda_available bool",
    "lipsync.CompositeBatchRequest": FLOATS_REQUEST,
    "lipsync.CompositeBatchResponse": """1 composited_frames repeated bytes; 2 inference_time_ms double;
        3 composite_time_ms double; 4 total_time_ms double; 5 success bool; 6 error string""",
    "lipsync.CompositeHealthResponse": "1 healthy bool; 2 message string",
    "lipsync.TenantCompositeBatchRequest": """1 model_id string; 2 visual_frames repeated float;
        3 audio_features repeated float; 4 batch_size int32; 5 start_frame_idx int32""",
    "lipsync.TenantCompositeBatchResponse": """1 composited_frames repeated bytes; 2 inference_time_ms double;
        3 composite_time_ms double; 4 total_time_ms double; 5 model_loaded bool; 6 model_load_time_ms double;
        7 success bool; 8 error string""",
    "lipsync.ListModelsRequest": "",
    "lipsync.ListModelsResponse": MODELS,
    "lipsync.ModelInfo": COMPOSITING_MODEL,
    "lipsync.ModelStats": MODEL_STATS,
    "lipsync.LoadModelRequest": LOAD_REQUEST,
    "lipsync.LoadModelResponse": "1 success bool; 2 error string; 3 load_time_ms double; 4 stats ModelStats",
    "lipsync.UnloadModelRequest": ONE_MODEL,
    "lipsync.UnloadModelResponse": DONE,
    "lipsync.GetModelStatsRequest": ONE_MODEL,
    "lipsync.GetModelStatsResponse": STATS_RESPONSE,
    "lipsync.TenantHealthResponse": """1 healthy bool; 2 cuda_available bool; 3 loaded_models int32;
        4 max_models int32; 5 version string""",
    "lipsyncsrv.InferenceRequest": "1 model_name string; 2 frame_id int32; 3 audio_data string",
    "lipsyncsrv.InferenceResponse": """1 success bool; 2 error string; 3 prediction_data bytes;
        4 bounds repeated float; 5 model_name string; 6 prediction_shape string; 7 frame_id int32""",
    "lipsyncsrv.BatchInferenceRequest": "1 model_name string; 2 frame_ids repeated int32; 3 audio_data string",
    "lipsyncsrv.BatchInferenceResponse": "1 responses repeated InferenceResponse",
    "lipsyncsrv.HealthRequest": "",
    "lipsyncsrv.HealthResponse": "1 status string; 2 version string",
    "lipsyncsrv.StreamInferenceRequest": "1 model_name string; 2 frame_id int32; 3 audio_override optional string",
    "lipsyncsrv.StreamInferenceResponse": """1 success bool; 2 prediction_data bytes; 3 bounds repeated float;
        4 processing_time_ms int32; 5 model_name string; 6 frame_id int32; 7 auto_loaded bool;
        8 prediction_shape string; 9 error optional string""",
    "lipsyncsrv.LoadModelRequest": "1 model_name string; 2 package_path string; 3 audio_override optional string",
    "lipsyncsrv.LoadModelResponse": """1 success bool; 2 model_name string; 3 message string;
        4 initialization_time_ms int32; 5 error optional string""",
    "lipsyncsrv.BatchRequest": FLOATS_REQUEST,
    "lipsyncsrv.BatchResponse": """1 output_frames repeated float; 2 inference_time_ms float; 3 success bool;
        4 error string""",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a message's table."""

    number: int
    name: str
    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Method:
    """One row of a service's table; a type that begins with `stream ` streams."""

    name: str
    request: str
    response: str


def fields_of(message: str) -> list[Field]:
    """The table of a message, named with its package."""
    rows = [row.split() for row in MESSAGES[message].split(";") if row.strip()]
    return [Field(int(row[0]), row[1], row[-1], " ".join(row[2:-1])) for row in rows]


def methods_of(service: str) -> list[Method]:
    """The table of a service, named with its package."""
    rows = [row.split(":") for row in METHODS[service].strip().splitlines()]
    return [Method(name.strip(), *(side.strip() for side in sides.split("->"))) for name, sides in rows]


def varint(value: int) -> bytes:
    """Protobuf's base 128; a negative int32 or int64 is its 64-bit two's complement."""
    value %= 1 << 64
    encoded = []
    while value > 127:
        encoded.append(value % 128 + 128)
        value //= 128
    return bytes([*encoded, value])


def length_delimited(number: int, payload: bytes) -> bytes:
    """A field of wire type 2: strings, bytes, messages and packed numbers."""
    return varint(number * 8 + 2) + varint(len(payload)) + payload
