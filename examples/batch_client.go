// Any file with sound in, an MP4 of a speaking avatar out: 100 frames a call, each with 15 chunks of audio around.
// go run . hello.wav out.mp4 default_model 127.0.0.1:50051   needs ffmpeg, and package pb, which protoc with its plugins
// go and go-grpc makes of ../proto/lipstream/wire/pb/optimized_lipsyncsrv.proto.
package main

import (
	"context"
	"log"
	"os"
	"os/exec"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	pb "example.org/speaking/pb"
)

const batch, before, after, chunkBytes = 100, 8, 7, 640 * 4 // 40 ms of float32 at 16 kHz

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	audio, out, model, server := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	samples := must(exec.Command("ffmpeg", "-v", "error", "-i", audio, "-f", "f32le", "-ac", "1", "-ar", "16000", "-").Output())
	count := (len(samples) + chunkBytes - 1) / chunkBytes
	padded := make([]byte, (before+count+after)*chunkBytes) // zero: silence
	copy(padded[before*chunkBytes:], samples)
	film := exec.Command("ffmpeg", "-v", "error", "-y", "-f", "image2pipe", "-c:v", "mjpeg", "-framerate", "25", "-i", "-",
		"-i", audio, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", out)
	film.Stderr = os.Stderr
	pictures := must(film.StdinPipe())
	must(0, film.Start())

	limit := grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(200 << 20))
	connection := must(grpc.NewClient(server, grpc.WithTransportCredentials(insecure.NewCredentials()), limit))
	defer connection.Close()
	client := pb.NewOptimizedLipSyncServiceClient(connection)
	whole := metadata.AppendToOutgoingContext(context.Background(), "lipstream-output", "frame") // not only faces
	for first := 0; first < count; first += batch {
		frames := min(batch, count-first)
		request := &pb.BatchInferenceWithAudioRequest{ModelName: model, StartFrameId: int32(first), FrameCount: int32(frames)}
		for index := first; index < first+before+frames+after; index++ {
			request.AudioChunks = append(request.AudioChunks, padded[index*chunkBytes:(index+1)*chunkBytes])
		}
		for _, response := range must(client.GenerateBatchWithAudio(whole, request)).Responses {
			if !response.Success {
				log.Fatal(response.GetError())
			}
			must(pictures.Write(response.PredictionData))
		}
	}
	must(0, pictures.Close())
	must(0, film.Wait())
}
