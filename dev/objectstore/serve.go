// Package objectstore is the embedded S3 of a development stack: versitygw over
// a folder, run as a process of its own, with every write forced to disk before
// it is acknowledged.
//
// It is a child process because versitygw changes the working directory of its
// process for good, allows one instance per process, and prints to standard
// output as it likes. [Start] is the parent's side, [Serve] the child's: the
// program that calls Start must, when it is run with the command given there,
// call Serve with what [ConfigFromEnv] reads.
//
// Three limits of the store shape the keys one may use: a and a/b cannot both be
// objects, a key that ends in / carries no data, and a segment has at most 255
// bytes. There is no lifecycle API.
package objectstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

// Region is the only region of the store; S3 signatures need one.
const Region = "eu-north-1"

// Config is what the child needs to know. It travels in the environment.
type Config struct {
	// Dir is an absolute path. The store keeps its objects, their old versions
	// and, where extended attributes are missing, their metadata in it.
	Dir string
	// Address is host:port of the S3 endpoint.
	Address string
	// AccessKey and SecretKey are the only credentials the store accepts.
	AccessKey, SecretKey string
}

const (
	dirVar       = "HANDSLAG_S3_DIR"
	addressVar   = "HANDSLAG_S3_ADDRESS"
	accessKeyVar = "HANDSLAG_S3_ACCESS_KEY"
	secretKeyVar = "HANDSLAG_S3_SECRET_KEY" // the name of a variable, no secret
)

// Env is the environment that carries the configuration to the child.
func (c Config) Env() []string {
	return []string{
		dirVar + "=" + c.Dir, addressVar + "=" + c.Address,
		accessKeyVar + "=" + c.AccessKey, secretKeyVar + "=" + c.SecretKey,
	}
}

// ConfigFromEnv reads what [Config.Env] wrote and names the variable that is missing.
func ConfigFromEnv(getenv func(string) string) (Config, error) {
	var c Config
	for name, field := range map[string]*string{
		dirVar: &c.Dir, addressVar: &c.Address, accessKeyVar: &c.AccessKey, secretKeyVar: &c.SecretKey,
	} {
		*field = getenv(name)
		if *field == "" {
			return Config{}, fmt.Errorf("%s is not set", name)
		}
	}
	if !filepath.IsAbs(c.Dir) {
		return Config{}, fmt.Errorf("%s must be an absolute path", dirVar)
	}
	return c, nil
}

// Serve runs the store until ctx ends. It may be called once per process, and
// changes the working directory of the process.
func Serve(ctx context.Context, c Config) error {
	store, err := open(c.Dir)
	if err != nil {
		return err
	}
	err = embedgw.RunVersityGW(ctx, store, &embedgw.Config{
		RootUserAccess: c.AccessKey, RootUserSecret: c.SecretKey,
		Region: Region,
		Ports:  []string{c.Address},
		// The product opens some dozens of connections; the limits only have to
		// be there.
		MaxConnections: 4096, MaxRequests: 1024,
		MultipartMaxParts: 10_000, // as Amazon S3
		KeepAlive:         true,
		DisableACLs:       true,
		HealthPath:        "/healthz",
		Quiet:             true,
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("serve S3 on %s: %w", c.Address, err)
	}
	return nil
}

// copyLimit is the largest source of one CopyObject or UploadPartCopy in
// Amazon S3. Left at zero, versitygw refuses every copy.
const copyLimit = 5 << 30

// open opens the folder. The three folders are siblings, since versitygw refuses
// one inside another, and it compares prefixes of names: none may begin with
// another's name.
func open(dir string) (*durable, error) {
	objects, versions := filepath.Join(dir, "objects"), filepath.Join(dir, "versions")
	for _, d := range []string{objects, versions} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("make folder of the store: %w", err)
		}
	}
	attributes, sidecar, err := metadata(dir, objects)
	if err != nil {
		return nil, err
	}
	files, err := posix.New(objects, attributes, posix.PosixOpts{
		VersioningDir: versions, SideCarDir: sidecar, CopyObjectThreshold: copyLimit,
	})
	if err != nil {
		return nil, fmt.Errorf("open folder of the store: %w", err)
	}
	return newDurable(files, objects)
}

// metadata chooses where versitygw keeps what it knows about an object: in
// extended attributes, which change together with the file, or else in a folder
// beside. A store that began with the folder stays with it, also where it is
// moved to a file system that has attributes.
func metadata(dir, objects string) (meta.MetadataStorer, string, error) {
	sidecar := filepath.Join(dir, "metadata")
	_, err := os.Stat(sidecar)
	begunWithout := err == nil
	if !begunWithout && (meta.XattrMeta{}).Test(objects) == nil {
		return meta.XattrMeta{}, "", nil
	}
	if err := os.MkdirAll(sidecar, 0o700); err != nil {
		return nil, "", fmt.Errorf("make folder of the store: %w", err)
	}
	storer, err := meta.NewSideCar(sidecar)
	if err != nil {
		return nil, "", fmt.Errorf("open metadata of the store: %w", err)
	}
	return storer, sidecar, nil
}
