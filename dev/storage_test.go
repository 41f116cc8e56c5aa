package dev_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/dev/home"
	"github.com/handslag/handslag/dev/objectstore"
	"github.com/handslag/handslag/dev/supervisor"
	"github.com/handslag/handslag/storage"
	"github.com/handslag/handslag/storage/storagetest"
)

const storeArg = "serve-s3"

// TestMain is also the object store's process.
func TestMain(m *testing.M) {
	if len(os.Args) != 2 || os.Args[1] != storeArg {
		os.Exit(m.Run())
	}
	c, err := objectstore.ConfigFromEnv(os.Getenv)
	if err == nil {
		err = objectstore.Serve(supervisor.UntilEOF(context.Background(), os.Stdin), c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestTheStoreKeepsTheContract holds the embedded store to what the product
// asks of any S3.
func TestTheStoreKeepsTheContract(t *testing.T) {
	h, err := home.Open(t.TempDir(), time.Now)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	secret, err := h.Secret("s3", rand.Reader)
	require.NoError(t, err)
	log, err := h.LogFile("s3")
	require.NoError(t, err)
	processes := supervisor.New(func(line string) { t.Log(line) })
	t.Cleanup(processes.Stop)
	store, err := objectstore.Start(t.Context(), processes, objectstore.Options{
		Command: []string{os.Args[0], storeArg}, Dir: h.ObjectsDir(), LogFile: log, SecretKey: secret, Bucket: "contract",
	})
	require.NoError(t, err)
	storagetest.Run(t, storage.Config{
		Endpoint: store.Endpoint, Region: objectstore.Region, Bucket: store.Bucket,
		AccessKey: store.AccessKey, SecretKey: storage.Secret(store.SecretKey), PathStyle: true,
	})
}
