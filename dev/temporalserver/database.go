package temporalserver

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/headers"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/schema/sqlite"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/handslag/handslag/dev/home"
	"github.com/handslag/handslag/fault"
)

// Temporal does not upgrade its SQLite schema: a file of an older server opens
// without complaint and fails later, in the middle of a workflow, for want of a
// table. So each server version has a folder of its own, named after it:
//
//	1.32.1/temporal.db    with -wal and -shm
//	1.32.1/complete       written when the schema was whole
//
// A folder without the last file was left by a process that ended while making
// the schema; no server ever ran on it, and it is moved out of the way.
const (
	databaseFile = "temporal.db"
	completeFile = "complete"
	unfinished   = ".unfinished"
)

// openDatabase finds or makes the database and the namespace in it.
func openDatabase(o Options) (*config.SQL, error) {
	root, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("resolve folder of Temporal: %w", err)
	}
	dir := filepath.Join(root, headers.ServerVersion)
	complete, err := exists(filepath.Join(dir, completeFile))
	if err != nil {
		return nil, fmt.Errorf("look for database of Temporal: %w", err)
	}
	database := sqlConfig(filepath.Join(dir, databaseFile))
	if !complete {
		if err := makeDatabase(root, dir, database, o.Fresh); err != nil {
			return nil, err
		}
	}
	if err := makeNamespace(database, o); err != nil {
		return nil, err
	}
	return database, nil
}

func makeDatabase(root, dir string, database *config.SQL, fresh bool) error {
	other, err := otherVersion(root)
	if err != nil {
		return err
	}
	if other != "" && !fresh {
		return fault.New(fault.Conflict, "temporal_version_changed",
			"the workflows in %s are those of Temporal server %s, and this program has %s, which cannot read them; "+
				"let them end with the program that began them, or start afresh (nothing there is removed)",
			root, other, headers.ServerVersion)
	}
	aside := dir + unfinished
	if err := os.RemoveAll(aside); err != nil {
		return fmt.Errorf("remove unfinished database of Temporal: %w", err)
	}
	if err := os.Rename(dir, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("set unfinished database of Temporal aside: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder of Temporal: %w", err)
	}
	if err := sqlite.SetupSchema(database); err != nil {
		return fmt.Errorf("make database of Temporal: %w", err)
	}
	if err := home.WriteDurably(filepath.Join(dir, completeFile), nil); err != nil {
		return fmt.Errorf("finish database of Temporal: %w", err)
	}
	return nil
}

// otherVersion names the version that last left a complete database, or "".
func otherVersion(root string) (string, error) {
	folders, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for databases of Temporal: %w", err)
	}
	var newest string
	var finished time.Time
	for _, f := range folders {
		info, err := os.Stat(filepath.Join(root, f.Name(), completeFile))
		if err != nil {
			continue // no database, or not a complete one
		}
		if info.ModTime().After(finished) {
			newest, finished = f.Name(), info.ModTime()
		}
	}
	return newest, nil
}

// sqlConfig is how the server opens the file: a write-ahead log synced at every
// commit, so that what was acknowledged survives a power cut; and one
// connection, since more of them end in "database is locked".
func sqlConfig(path string) *config.SQL {
	return &config.SQL{
		PluginName: sqliteplugin.PluginName,
		// The server pastes the path into a URI (https://www.sqlite.org/uri.html).
		DatabaseName:      (&url.URL{Path: path}).EscapedPath(),
		ConnectAttributes: map[string]string{"mode": "rwc", "journal_mode": "wal", "synchronous": "full"},
		MaxConns:          1, MaxIdleConns: 1,
	}
}

// makeNamespace makes the namespace where it is missing, before the server
// runs: its own way of making one takes seconds to be seen by all services.
func makeNamespace(database *config.SQL, o Options) error {
	namespace, err := sqlite.NewNamespaceConfig(clusterName, o.Namespace, false, o.SearchAttributes)
	if err != nil {
		return fmt.Errorf("describe namespace %s: %w", o.Namespace, err)
	}
	namespace.Detail.Config.Retention = durationpb.New(o.Retention)
	if err := sqlite.CreateNamespaces(database, namespace); err != nil {
		return fmt.Errorf("make namespace %s: %w", o.Namespace, err)
	}
	return nil
}

func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
