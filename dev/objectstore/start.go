package objectstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/handslag/handslag/dev/loopback"
	"github.com/handslag/handslag/dev/supervisor"
	"github.com/handslag/handslag/fault"
)

// Options say how to start the store.
type Options struct {
	// Command runs a program that calls [Serve].
	Command []string
	// Dir keeps the objects; LogFile what the child prints.
	Dir, LogFile string
	// Port of the endpoint on the loopback interface; 0 finds a free one.
	Port int
	// SecretKey is the secret half of the credentials, at least 8 characters.
	SecretKey string
	// Bucket is made where it is missing.
	Bucket string
}

// Store is a running store: what a client has to know.
type Store struct {
	Endpoint             string // http://host:port, path-style addressing
	Bucket               string
	AccessKey, SecretKey string
	Child                *supervisor.Child
}

// accessKey is the public half of the credentials.
const accessKey = "handslag-dev"

// attempts is how often a free port is looked for. Between finding one and
// binding it another process may take it.
const attempts = 5

// Start starts the store under the supervisor and returns when it answers to its
// own credentials, with the bucket made.
func Start(ctx context.Context, s *supervisor.Supervisor, o Options) (*Store, error) {
	if o.Port != 0 {
		return start(ctx, s, o)
	}
	var err error
	for range attempts {
		ports, portErr := loopback.Free(ctx, 1)
		if portErr != nil {
			return nil, portErr
		}
		o.Port = ports[0]
		var store *Store
		store, err = start(ctx, s, o)
		if err == nil {
			return store, nil
		}
		if fault.CodeOf(err) != "process_ended" {
			break
		}
	}
	return nil, err
}

func start(ctx context.Context, s *supervisor.Supervisor, o Options) (*Store, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("resolve folder of the store: %w", err)
	}
	address := loopback.Address(o.Port)
	store := &Store{
		Endpoint: "http://" + address, Bucket: o.Bucket,
		AccessKey: accessKey, SecretKey: o.SecretKey,
	}
	client := store.client(func(s3o *s3.Options) {
		s3o.Retryer = aws.NopRetryer{} // the supervisor asks again by itself
	})
	store.Child, err = s.Start(ctx, supervisor.Process{
		Name:    "s3",
		Command: o.Command,
		Env:     Config{Dir: dir, Address: address, AccessKey: accessKey, SecretKey: o.SecretKey}.Env(),
		LogFile: o.LogFile,
		Ready:   func(ctx context.Context) error { return makeBucket(ctx, client, o.Bucket) },
	})
	if err != nil {
		return nil, err
	}
	return store, nil
}

// makeBucket doubles as the question whether the store is ready: only our own
// accepts the credentials, whoever else may listen on the port.
func makeBucket(ctx context.Context, c *s3.Client, bucket string) error {
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{
		LocationConstraint: Region,
	}})
	if _, ok := errors.AsType[*types.BucketAlreadyOwnedByYou](err); ok {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make bucket %s: %w", bucket, err)
	}
	return nil
}

// Client returns a client of the store. It reads no environment and no file.
func (s *Store) Client() *s3.Client { return s.client() }

func (s *Store) client(change ...func(*s3.Options)) *s3.Client {
	config := aws.Config{
		Region:      Region,
		Credentials: credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
		// Unset in a hand-built aws.Config, and then no checksum is sent or checked.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}
	return s3.NewFromConfig(config, append([]func(*s3.Options){func(o *s3.Options) {
		o.BaseEndpoint = &s.Endpoint
		o.UsePathStyle = true
	}}, change...)...)
}
