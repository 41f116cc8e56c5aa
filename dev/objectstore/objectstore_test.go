package objectstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/dev/objectstore"
	"github.com/handslag/handslag/dev/supervisor"
	"github.com/handslag/handslag/fault"
)

// serveArg makes the test binary the store's child process.
const serveArg = "serve-s3"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == serveArg {
		c, err := objectstore.ConfigFromEnv(os.Getenv)
		if err == nil {
			err = objectstore.Serve(supervisor.UntilEOF(context.Background(), os.Stdin), c)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func start(t *testing.T, dir string) *objectstore.Store {
	t.Helper()
	s := supervisor.New(func(string) {})
	t.Cleanup(s.Stop)
	store, err := objectstore.Start(t.Context(), s, options(dir))
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "s3.log"))
		t.Log(string(log))
	}
	require.NoError(t, err)
	return store
}

func options(dir string) objectstore.Options {
	return objectstore.Options{
		Command: []string{os.Args[0], serveArg},
		Dir:     filepath.Join(dir, "store"), LogFile: filepath.Join(dir, "s3.log"),
		SecretKey: "a secret of the test", Bucket: "handslag",
	}
}

func get(t *testing.T, store *objectstore.Store, key string) []byte {
	t.Helper()
	out, err := store.Client().GetObject(t.Context(), &s3.GetObjectInput{Bucket: &store.Bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	require.NoError(t, err)
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(out.Body)
	require.NoError(t, err)
	return body
}

func put(ctx context.Context, store *objectstore.Store, key string, body []byte) error {
	_, err := store.Client().PutObject(ctx, &s3.PutObjectInput{
		Bucket: &store.Bucket, Key: &key, Body: bytes.NewReader(body), IfNoneMatch: new("*"),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	})
	return err
}

func TestAcknowledgedObjectsSurviveAKill(t *testing.T) {
	// The folder's name has every character that path handling gets wrong.
	store := start(t, filepath.Join(mkdir(t, "a b%20#?c")))
	var mu sync.Mutex
	acknowledged := map[string][]byte{}
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				key := fmt.Sprintf("t/acme/w%d/%04d.pdf", w, n)
				body := bytes.Repeat([]byte(key), 500)
				if put(ctx, store, key, body) == nil {
					mu.Lock()
					acknowledged[key] = body
					mu.Unlock()
				}
			}
		})
	}
	for restart := 1; restart <= 3; restart++ {
		time.Sleep(150 * time.Millisecond)
		if pid := store.Child.PID(); pid != 0 {
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		}
		require.Eventually(t, func() bool { return store.Child.Restarts() >= restart }, 10*time.Second, 10*time.Millisecond)
	}
	time.Sleep(300 * time.Millisecond)
	stop()
	writers.Wait()

	require.NotEmpty(t, acknowledged)
	for key, body := range acknowledged {
		require.Equal(t, body, get(t, store, key), key)
	}
	t.Logf("%d objects acknowledged over 3 kills", len(acknowledged))
}

func mkdir(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.MkdirAll(dir, 0o700))
	return dir
}

func TestStore(t *testing.T) {
	store := start(t, t.TempDir())
	client := store.Client()

	t.Run("one of many conditional writers wins", func(t *testing.T) {
		var won, refused atomic.Int32
		var writers sync.WaitGroup
		for w := range 24 {
			writers.Go(func() {
				err := put(t.Context(), store, "race/if-none-match", fmt.Appendf(nil, "writer %d", w))
				var api smithy.APIError
				switch {
				case err == nil:
					won.Add(1)
				case errors.As(err, &api) && slices.Contains([]string{"PreconditionFailed", "ConditionalRequestConflict"}, api.ErrorCode()):
					refused.Add(1)
				default:
					t.Errorf("writer %d: %v", w, err)
				}
			})
		}
		writers.Wait()
		require.EqualValues(t, 1, won.Load())
		require.EqualValues(t, 23, refused.Load())
	})

	t.Run("one of many comparers swaps", func(t *testing.T) {
		key := "race/if-match"
		require.NoError(t, put(t.Context(), store, key, []byte("0")))
		head, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &store.Bucket, Key: &key})
		require.NoError(t, err)
		var won atomic.Int32
		var writers sync.WaitGroup
		for w := range 24 {
			writers.Go(func() {
				_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
					Bucket: &store.Bucket, Key: &key, Body: strings.NewReader(fmt.Sprint(w + 1)), IfMatch: head.ETag,
				})
				if err == nil {
					won.Add(1)
				}
			})
		}
		writers.Wait()
		require.EqualValues(t, 1, won.Load())
	})

	t.Run("the store copies a prefix", func(t *testing.T) {
		const part = 5 << 20
		original := bytes.Repeat([]byte("handslag"), (part+1000)/8)
		require.NoError(t, put(t.Context(), store, "copy/000.pdf", original))
		suffix := []byte("one incremental update")

		key := "copy/001.pdf"
		upload, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
			Bucket: &store.Bucket, Key: &key, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
		})
		require.NoError(t, err)
		copied, err := client.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{
			Bucket: &store.Bucket, Key: &key, UploadId: upload.UploadId, PartNumber: new(int32(1)),
			CopySource: new(store.Bucket + "/copy/000.pdf"), CopySourceRange: new(fmt.Sprintf("bytes=0-%d", len(original)-1)),
		})
		require.NoError(t, err)
		added, err := client.UploadPart(t.Context(), &s3.UploadPartInput{
			Bucket: &store.Bucket, Key: &key, UploadId: upload.UploadId, PartNumber: new(int32(2)), Body: bytes.NewReader(suffix),
		})
		require.NoError(t, err)
		complete := &s3.CompleteMultipartUploadInput{
			Bucket: &store.Bucket, Key: &key, UploadId: upload.UploadId, IfNoneMatch: new("*"),
			MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{
				{PartNumber: new(int32(1)), ETag: copied.CopyPartResult.ETag, ChecksumCRC32: copied.CopyPartResult.ChecksumCRC32},
				{PartNumber: new(int32(2)), ETag: added.ETag, ChecksumCRC32: added.ChecksumCRC32},
			}},
		}
		_, err = client.CompleteMultipartUpload(t.Context(), complete)
		require.NoError(t, err)
		require.True(t, bytes.Equal(append(original, suffix...), get(t, store, key)))

		// The answer may be lost: asking again must not say otherwise.
		_, err = client.CompleteMultipartUpload(t.Context(), complete)
		require.NoError(t, err)
	})

	t.Run("a corrupted body is refused", func(t *testing.T) {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: &store.Bucket, Key: new("corrupt"), Body: strings.NewReader("body"),
			ChecksumSHA256: new("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), // of nothing
		})
		require.Error(t, err)
		_, err = client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &store.Bucket, Key: new("corrupt")})
		require.Error(t, err)
	})

	t.Run("nobody else is let in", func(t *testing.T) {
		stranger := *store
		stranger.SecretKey = "not the secret"
		_, err := stranger.Client().ListBuckets(t.Context(), nil)
		require.ErrorContains(t, err, "SignatureDoesNotMatch")

		answer, err := http.Get(store.Endpoint + "/" + store.Bucket)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusForbidden, answer.StatusCode)
	})
}

func TestAStoreThatBeganWithoutAttributesStaysSo(t *testing.T) {
	dir := t.TempDir()
	metadata := filepath.Join(dir, "store", "metadata")
	require.NoError(t, os.MkdirAll(metadata, 0o700))
	store := start(t, dir)
	require.NoError(t, put(t.Context(), store, "t/acme/one.pdf", []byte("body")))
	require.DirExists(t, filepath.Join(metadata, store.Bucket, "t/acme/one.pdf"))

	require.NoError(t, syscall.Kill(store.Child.PID(), syscall.SIGKILL))
	require.Eventually(t, func() bool {
		return store.Child.Restarts() == 1 && put(t.Context(), store, "t/acme/one.pdf", nil) != nil
	}, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, "body", string(get(t, store, "t/acme/one.pdf")))
}

func TestAStrangerOnThePortIsNotTheStore(t *testing.T) {
	first := start(t, t.TempDir())
	o := options(t.TempDir())
	o.SecretKey = "the secret of another store"
	_, err := fmt.Sscanf(first.Endpoint, "http://127.0.0.1:%d", &o.Port)
	require.NoError(t, err)

	s := supervisor.New(func(string) {})
	t.Cleanup(s.Stop)
	_, err = objectstore.Start(t.Context(), s, o)
	require.Equal(t, "process_ended", fault.CodeOf(err), "%v", err)
}

func TestConfigNamesWhatIsMissing(t *testing.T) {
	whole := objectstore.Config{Dir: "/d", Address: "127.0.0.1:1", AccessKey: "a", SecretKey: "s"}
	for _, without := range whole.Env() {
		name, _, _ := strings.Cut(without, "=")
		_, err := objectstore.ConfigFromEnv(func(asked string) string {
			for _, pair := range whole.Env() {
				if value, ok := strings.CutPrefix(pair, asked+"="); ok && asked != name {
					return value
				}
			}
			return ""
		})
		require.ErrorContains(t, err, name)
	}
}

// BenchmarkPut measures what the sync before each answer costs: writers share it
// only as far as the file system lets them.
func BenchmarkPut(b *testing.B) {
	s := supervisor.New(func(string) {})
	b.Cleanup(s.Stop)
	store, err := objectstore.Start(b.Context(), s, options(b.TempDir()))
	require.NoError(b, err)
	body := bytes.Repeat([]byte("handslag"), 100_000/8)
	var n atomic.Int64
	b.SetBytes(int64(len(body)))
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := put(b.Context(), store, fmt.Sprintf("bench/%08d", n.Add(1)), body); err != nil {
				b.Error(err)
			}
		}
	})
}
