// Any file with sound in, an MP4 of a speaking avatar out: 100 frames a call, each with 15 chunks of audio around.
// npm install && npm run batch -- hello.wav out.mp4 default_model 127.0.0.1:50051      (needs ffmpeg)
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { credentials, loadPackageDefinition, Metadata } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const [audio = "hello.wav", out = "out.mp4", model = "default_model", server = "127.0.0.1:50051"] = process.argv.slice(2);
const [BATCH, BEFORE, AFTER, CHUNK_BYTES] = [100, 8, 7, 640 * 4]; // 40 ms of float32 at 16 kHz
const LIMIT = { "grpc.max_receive_message_length": 200 * 2 ** 20 };
const PROTO = new URL("../proto/lipstream/wire/pb/optimized_lipsyncsrv.proto", import.meta.url);

interface Answer {
  responses: { success: boolean; predictionData: Buffer; error: string }[];
}

// Mono float32 at 16 kHz, in whole chunks.
function read(path: string): Buffer {
  const decoding = ["-v", "error", "-i", path, "-f", "f32le", "-ac", "1", "-ar", "16000", "-"];
  const samples = execFileSync("ffmpeg", decoding, { maxBuffer: 2 ** 31 - 1 });
  return Buffer.concat([samples, Buffer.alloc((CHUNK_BYTES - (samples.length % CHUNK_BYTES)) % CHUNK_BYTES)]);
}

// The JPEG of every frame.
async function* speak(samples: Buffer): AsyncGenerator<Buffer> {
  const { optimized_lipsyncsrv: services } = loadPackageDefinition(loadSync(fileURLToPath(PROTO))) as any;
  const client = new services.OptimizedLipSyncService(server, credentials.createInsecure(), LIMIT);
  const metadata = new Metadata();
  metadata.set("lipstream-output", "frame"); // whole frames instead of faces to draw over `bounds`
  const silence = (chunks: number) => Buffer.alloc(chunks * CHUNK_BYTES);
  const padded = Buffer.concat([silence(BEFORE), samples, silence(AFTER)]);
  const chunk = (index: number) => padded.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
  const count = samples.length / CHUNK_BYTES;
  for (let first = 0; first < count; first += BATCH) {
    const frameCount = Math.min(BATCH, count - first);
    const audioChunks = Array.from({ length: BEFORE + frameCount + AFTER }, (_, index) => chunk(first + index));
    const request = { modelName: model, startFrameId: first, frameCount, audioChunks };
    const answer = await new Promise<Answer>((resolve, reject) =>
      client.GenerateBatchWithAudio(request, metadata, (error: Error | null, answer: Answer) =>
        error ? reject(error) : resolve(answer),
      ),
    );
    for (const { success, predictionData, error } of answer.responses) {
      if (!success) throw new Error(error);
      yield predictionData;
    }
  }
  client.close();
}

const pictures = ["-f", "image2pipe", "-c:v", "mjpeg", "-framerate", "25", "-i", "-"];
const coding = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"];
const ffmpeg = spawn("ffmpeg", ["-v", "error", "-y", ...pictures, "-i", audio, ...coding, out], { stdio: ["pipe", 1, 2] });
for await (const jpeg of speak(read(audio))) if (!ffmpeg.stdin!.write(jpeg)) await once(ffmpeg.stdin!, "drain");
ffmpeg.stdin!.end();
process.exitCode = (await once(ffmpeg, "close"))[0];
