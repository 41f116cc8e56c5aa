package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/handslag/handslag/keyring"
)

const defaultAttempts = 5

// Secret is the secret half of a pair of credentials. It prints, logs and
// encodes as "[secret]".
type Secret string

const redacted = "[secret]"

// String implements fmt.Stringer and shows nothing.
func (s Secret) String() string { return redacted }

// Format implements fmt.Formatter, so that no verb shows the secret.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer and shows nothing.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler and shows nothing.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Config says where the store is and how to get in.
type Config struct {
	// Endpoint is the URL of an S3 server, such as http://127.0.0.1:9000. Empty
	// means Amazon S3 in Region.
	Endpoint string
	// Region goes into every request's signature and must be the server's own.
	Region string
	// Bucket must exist, unless CreateBucket is set. Two installations must not
	// share one: they would take each other's locks and cannot read them.
	Bucket string
	// AccessKey and SecretKey are given together. With neither, the credentials
	// are those that the AWS SDK finds; with an Endpoint of one's own it looks in
	// the environment only, so that a laptop's ~/.aws is never sent elsewhere.
	AccessKey string
	SecretKey Secret
	// PathStyle puts the bucket in the path, as most servers but Amazon's need.
	PathStyle bool
	// CreateBucket makes the bucket when it is missing. For development: in a
	// live installation a mistyped name must fail, not start an empty store.
	CreateBucket bool
	// MaxAttempts is how often a request is tried before its error is returned.
	// Zero means 5.
	MaxAttempts int
	// Ring encrypts evidence and records and makes keyed hashes. Data that was
	// written with one ring cannot be read with another.
	Ring *keyring.Ring
}

func (c Config) check() error {
	switch {
	case c.Bucket == "":
		return errors.New("storage: Bucket is empty; give a name such as handslag")
	case c.Region == "":
		return errors.New("storage: Region is empty; give one such as eu-north-1")
	case c.Ring == nil:
		return errors.New("storage: Ring is missing")
	case (c.AccessKey == "") != (c.SecretKey == ""):
		return errors.New("storage: AccessKey and SecretKey must be given together")
	case c.MaxAttempts < 0:
		return errors.New("storage: MaxAttempts is negative; 0 means 5")
	}
	return nil
}

// Store is a bucket. It is safe for concurrent use.
type Store struct {
	client *s3.Client
	bucket string
	ring   *keyring.Ring
}

// Open checks that the bucket is there and may be used.
func Open(ctx context.Context, c Config) (*Store, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	client, err := c.client(ctx)
	if err != nil {
		return nil, err
	}
	s := &Store{client: client, bucket: c.Bucket, ring: c.Ring}
	if c.CreateBucket {
		if err := s.createBucket(ctx, c); err != nil {
			return nil, err
		}
	}
	if err := s.Ready(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Ready asks the store for the bucket. Its error says what is wrong in the cause.
func (s *Store) Ready(ctx context.Context) error {
	_, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &s.bucket})
	if err == nil {
		return nil
	}
	err = translate(ctx, err, "head bucket "+s.bucket)
	if isMissing(err) {
		return errUnavailable.Because(err)
	}
	return err
}

func (s *Store) createBucket(ctx context.Context, c Config) error {
	in := &s3.CreateBucketInput{Bucket: &s.bucket}
	// Amazon refuses the one region that is its default (CreateBucket, LocationConstraint).
	if c.Region != "us-east-1" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{
			LocationConstraint: types.BucketLocationConstraint(c.Region),
		}
	}
	_, err := s.client.CreateBucket(ctx, in)
	var mine *types.BucketAlreadyOwnedByYou
	if err != nil && !errors.As(err, &mine) {
		return translate(ctx, err, "create bucket "+s.bucket)
	}
	return nil
}

func (c Config) client(ctx context.Context) (*s3.Client, error) {
	attempts := c.MaxAttempts
	if attempts == 0 {
		attempts = defaultAttempts
	}
	retryer := func() aws.Retryer {
		// Amazon answers 409 when another conditional write to the key is under
		// way (PutObject, If-None-Match); asked again, it knows who won.
		return retry.AddWithErrorCodes(retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = attempts
		}), codeConditionalConflict)
	}
	awsConfig, err := c.awsConfig(ctx)
	if err != nil {
		return nil, err
	}
	return s3.NewFromConfig(awsConfig, func(o *s3.Options) {
		if c.Endpoint != "" {
			o.BaseEndpoint = &c.Endpoint
		}
		o.UsePathStyle = c.PathStyle
		o.Retryer = retryer()
		// Said outright since a client built by hand has neither.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
		// Ranges and objects made of parts have no checksum to validate; a warning
		// for each would drown the log.
		o.DisableLogOutputChecksumValidationSkipped = true
	}), nil
}

func (c Config) awsConfig(ctx context.Context) (aws.Config, error) {
	if c.AccessKey != "" {
		return aws.Config{
			Region:      c.Region,
			Credentials: credentials.NewStaticCredentialsProvider(c.AccessKey, string(c.SecretKey), ""),
		}, nil
	}
	options := []func(*config.LoadOptions) error{config.WithRegion(c.Region)}
	if c.Endpoint != "" {
		options = append(options,
			config.WithSharedConfigFiles([]string{}),
			config.WithSharedCredentialsFiles([]string{}),
			config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("load AWS configuration: %w", err)
	}
	return loaded, nil
}
