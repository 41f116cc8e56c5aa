// Package awskms signs with asymmetric keys in AWS KMS.
//
// The public key is fetched once; each signature is one call of Sign with the
// digest alone, so that no document leaves the machine. The SDK repeats what is
// worth repeating, within the time that one signature may take.
package awskms

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/handslag/handslag/fault"
)

// Config names a key.
type Config struct {
	Key      string // ARN of a key or alias, or an id in Region
	Region   string
	Endpoint string // "" is Amazon's; another address gets no credentials but the environment's
	// Timeout bounds one signature with all repeats; 0 is 10 s.
	Timeout time.Duration
}

const (
	defaultTimeout = 10 * time.Second
	// Whoever seals tries again by itself, and later: here only blips are bridged.
	attempts     = 3
	longestPause = 300 * time.Millisecond
)

// Key is a key in KMS. It implements crypto.Signer and is safe for concurrent use.
type Key struct {
	client  *kms.Client
	id      string
	public  crypto.PublicKey
	allowed []types.SigningAlgorithmSpec
	timeout time.Duration
}

const kmsName = "aws-kms"

// Region returns the region of a key's ARN, or "".
func Region(key string) string {
	parts := strings.Split(key, ":") // arn:aws:kms:eu-north-1:111122223333:key/…
	if len(parts) < 6 || parts[0] != "arn" || parts[2] != "kms" {
		return ""
	}
	return parts[3]
}

// Open fetches the public key. Its faults, as those of [Key.Sign], are
// seal_key_unavailable (kind Unavailable) when KMS cannot be reached or asks for
// patience, and seal_key_refused when it does not let us use the key.
func Open(ctx context.Context, c Config) (*Key, error) {
	client, err := c.client(ctx)
	if err != nil {
		return nil, err
	}
	k := &Key{client: client, id: c.Key, timeout: c.Timeout}
	if k.timeout == 0 {
		k.timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	out, err := client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &c.Key})
	if err != nil {
		return nil, translate(err)
	}
	if out.KeyUsage != types.KeyUsageTypeSignVerify {
		return nil, errRefused.Because(fmt.Errorf("the key's usage is %s, and must be SIGN_VERIFY", out.KeyUsage))
	}
	if k.public, err = x509.ParsePKIXPublicKey(out.PublicKey); err != nil {
		return nil, errRefused.Because(fmt.Errorf("read the public key (%s): %w", out.KeySpec, err))
	}
	k.allowed = out.SigningAlgorithms
	return k, nil
}

func (c Config) client(ctx context.Context) (*kms.Client, error) {
	options := []func(*config.LoadOptions) error{config.WithRegion(c.Region)}
	if c.Endpoint != "" { // what is stored for Amazon is not for others
		options = append(options,
			config.WithSharedConfigFiles([]string{}),
			config.WithSharedCredentialsFiles([]string{}),
			config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration: %w", err)
	}
	return kms.NewFromConfig(loaded, func(o *kms.Options) {
		o.Retryer = retry.NewStandard(func(s *retry.StandardOptions) {
			s.MaxAttempts, s.MaxBackoff = attempts, longestPause
		})
		if c.Endpoint != "" {
			o.BaseEndpoint = &c.Endpoint
		}
	}), nil
}

// Public implements crypto.Signer.
func (k *Key) Public() crypto.PublicKey { return k.public }

// Sign implements crypto.Signer. For an Ed25519 key and no hash, digest is the
// message, of at most 4096 bytes.
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	algorithm, err := k.algorithm(opts)
	if err != nil {
		return nil, err
	}
	in := &kms.SignInput{KeyId: &k.id, Message: digest, MessageType: types.MessageTypeDigest, SigningAlgorithm: algorithm}
	if opts.HashFunc() == 0 {
		in.MessageType = types.MessageTypeRaw
	}
	// crypto.Signer knows no context; the caller's own end comes soon enough.
	ctx, cancel := context.WithTimeout(context.Background(), k.timeout)
	defer cancel()
	out, err := k.client.Sign(ctx, in)
	if err != nil {
		return nil, translate(err)
	}
	return out.Signature, nil
}

// algorithm is KMS's name for what opts ask for.
func (k *Key) algorithm(opts crypto.SignerOpts) (types.SigningAlgorithmSpec, error) {
	name := "ECDSA"
	switch k.public.(type) {
	case *rsa.PublicKey:
		name = "RSASSA_PKCS1_V1_5"
		if pss, ok := opts.(*rsa.PSSOptions); ok {
			name = "RSASSA_PSS" // KMS makes the salt as long as the digest
			if pss.SaltLength != rsa.PSSSaltLengthEqualsHash && pss.SaltLength != opts.HashFunc().Size() {
				return "", errRefused.Because(errors.New("a PSS salt of KMS is as long as the digest"))
			}
		}
	case ed25519.PublicKey:
		if opts.HashFunc() == 0 {
			return k.allow(types.SigningAlgorithmSpecEd25519Sha512)
		}
		return "", errRefused.Because(errors.New("an Ed25519 key signs messages here, not digests"))
	}
	switch opts.HashFunc() {
	case crypto.SHA256:
		name += "_SHA_256"
	case crypto.SHA384:
		name += "_SHA_384"
	case crypto.SHA512:
		name += "_SHA_512"
	default:
		return "", errRefused.Because(fmt.Errorf("KMS has no signature with %v", opts.HashFunc()))
	}
	return k.allow(types.SigningAlgorithmSpec(name))
}

func (k *Key) allow(a types.SigningAlgorithmSpec) (types.SigningAlgorithmSpec, error) {
	if !slices.Contains(k.allowed, a) {
		return "", errRefused.Because(fmt.Errorf("the key does not sign with %s but with %v", a, k.allowed))
	}
	return a, nil
}

var (
	errUnavailable = fault.New(fault.Unavailable, "seal_key_unavailable", "The seal's key cannot be reached now.").From(kmsName, "")
	errRefused     = fault.New(fault.Internal, "seal_key_refused", "The installation may not use the seal's key.").From(kmsName, "")
)

// translate tells what passes from what somebody has to mend: what KMS says that
// we did wrong, but for asking too often.
func translate(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return errUnavailable.Because(err)
	}
	code, status := api.ErrorCode(), 0
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		status = answer.HTTPStatusCode()
	}
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	if throttled || api.ErrorFault() == smithy.FaultServer || status/100 != 4 || status == http.StatusTooManyRequests {
		return errUnavailable.From(kmsName, code).Because(err)
	}
	return errRefused.From(kmsName, code).Because(err)
}
