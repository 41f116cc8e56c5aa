#!/bin/sh
# Makes Temporal's two databases and brings their schemas up to date. Compose
# runs it at every start; each step does nothing where nothing is to be done.
set -eu
for database in temporal temporal_visibility; do
	case $database in
	temporal) schema=temporal ;;
	*) schema=visibility ;;
	esac
	export SQL_DATABASE=$database
	temporal-sql-tool create-database
	temporal-sql-tool setup-schema --version 0.0
	temporal-sql-tool update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$schema/versioned"
done
